"""Product feeds -> Documents. What cannot be used is reported, by line.

A feed of our own has `id` (or `sku`), `title` (or `name`), `description`, `price`, `currency`,
`stock`, `url`, `photos` (paths relative to the feed), `group` (the product that this is a variant
of), `links` (ids of products that go with it), `attributes`, `language`, `updated_at`; only an id
and a title are needed. Every other column becomes an attribute. The exports of other shop systems
are rewritten into such rows first, each by a module of its own.

Feeds come from outside: markup is stripped to text, addresses and photo paths are checked, and a
number is a number or it is reported.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from knowledge.beside import Beside
from knowledge.fetch import NotFetched
from knowledge.money import CURRENCIES, amount
from knowledge.plain import text_of, texts_of
from knowledge.rows import Advanced, Row, column, unheard
from knowledge.types import Document, Skipped

FetchPhoto = Callable[[str], str]
"""The address of a photo -> the path it is kept at. Raises NotFetched."""

COLUMNS = {
    "id", "title", "description", "price", "currency", "stock", "url", "photos", "attributes",
    "language", "updated_at", "group", "links",
}  # fmt: skip
NAMES = {"name": "title", "related": "links", "goes_with": "links", "item_group_id": "group"}
"""Other names of columns, where the first is not there."""

MAX_ID = 200  # characters
MAX_TEXT = 20_000  # characters of a description; a longer one is cut and reported
MAX_LINKS = 50
MEDIA = ("", "photos", "images", "product", "media/catalog/product", "pub/media/catalog/product")
"""Where photos lie, from the feed's folder or one above it."""


@dataclass(slots=True)
class Reading:
    """How files are read, and who is told.

    `root`: photos lie in it; a path without links. `guessed`: told what a file was taken for.
    `currency`: of prices that name none, ISO 4217. `site`: address that paths of pages belong to.
    """

    root: Path
    fetch_photo: FetchPhoto | None = None
    guessed: Callable[[Path, str], None] = lambda path, what: None
    advanced: Advanced = unheard
    currency: str = ""
    site: str = ""
    beside: Beside = field(default_factory=Beside)
    elsewhere: int = 0  # photos at web addresses that were left out of the file
    bare: int = 0  # prices of the file without a currency
    _media: dict[Path, list[Path]] = field(default_factory=dict)

    def media(self, folder: Path) -> list[Path]:
        """Folders where photos of a feed in `folder` may be, from there up to `root`."""
        if folder not in self._media:
            above = (folder, *folder.parents)
            inside = [f for f in above if f.resolve().is_relative_to(self.root)]
            places = [f / media for f in inside for media in MEDIA]
            self._media[folder] = [place for place in places if place.is_dir()]
        return self._media[folder]


def whole(address: str, site: str) -> str:
    """The web address, a path joined to that of the `site` if there is one; "" for neither."""
    is_one = re.match(r"https?://|/(?!/)", address, re.IGNORECASE)
    return urljoin(site, address) if is_one else ""


def read_product(row: Row, path: Path, line: int, reading: Reading) -> Iterator[Document | Skipped]:
    """The product in one row of the feed at `path`, after what had to be left out of it.

    Photos at web addresses are left out, and counted, unless `reading.fetch_photo` brings them.
    """

    def skipped(reason: str) -> Skipped:
        return Skipped(str(path), line, reason)

    row = _named(row)
    name = text_of(row.get("id")) or text_of(row.get("sku"))
    title = text_of(row.get("title"))
    if not name or not title:
        yield skipped(f"no title ({name[:MAX_ID]})" if name else "no id")
        return
    if len(name) > MAX_ID:
        yield skipped(f"id longer than {MAX_ID} characters")
        return
    currency = text_of(row.get("currency")).upper()
    try:
        price, symbol = price_of(row.get("price"))
    except ValueError as error:
        yield skipped(f"{error} ({name})")
        return

    currency = currency or symbol
    if price is not None and not currency:
        currency = reading.currency
        reading.bare += not currency

    text = text_of(row.get("description"))
    if len(text) > MAX_TEXT:
        yield skipped(f"description of {name} cut after {MAX_TEXT} characters")
        text = text[:MAX_TEXT]
    stock = stock_of(row.get("stock"))
    if stock is None and row.get("stock") not in (None, ""):
        yield skipped(f"stock of {name} is not a whole number; kept without it")
    address = text_of(row.get("url"))
    url = whole(address, reading.site)
    if address and not url:
        yield skipped(f"address of {name} is neither http(s) nor a path; kept without it")
    links = [*texts_of(row.get("links"), ",;|\n"), *reading.beside.links.get(name, ())]
    photos = []
    for photo in _photos(row, reading.beside.photos.get(name, [])):
        found = _photo(photo, path, reading)
        if isinstance(found, str):
            photos.append(found)
        elif found:
            yield skipped(f"photo {photo[:80]!r} of {name} left out: {found}")
    yield Document(
        id=name,
        kind="product",
        title=title,
        text=text,
        url=url,
        photos=tuple(photos),
        price=price,
        currency=currency,
        stock=stock,
        attributes=_attributes(row) | _rating(reading.beside.stars.get(name)),
        language=text_of(row.get("language")) or "en",
        updated_at=text_of(row.get("updated_at")),
        group=text_of(row.get("group")),
        links=tuple(link for link in dict.fromkeys(links) if link != name)[:MAX_LINKS],
    )


def _named(row: Row) -> Row:
    """The row with other names of columns put right."""
    renamed = {a: b for a, b in NAMES.items() if a in row and b not in row}
    return {renamed.get(name, name): value for name, value in row.items()} if renamed else row


def price_of(value: Any) -> tuple[float | None, str]:
    """Price and currency in a field such as 16.9, "16,90 €" or "EUR 1.299,00".

    Raises ValueError for what is not a price.
    """
    if value is None or value == "":
        return None, ""
    symbol = ""
    if isinstance(value, str):
        words = re.split(r"[\d.,\s-]+", text_of(value).lower())
        symbol = next((CURRENCIES[word] for word in words if word in CURRENCIES), "")
        if code := re.search(r"\b[A-Z]{3}\b", value):
            symbol = symbol or code[0]
        price = amount(value)
    elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        price = float(value) if -1e12 < value < 1e12 else None
    else:
        price = None
    if price is None or not math.isfinite(price):
        raise ValueError(f"price is not a number: {str(value)[:40]!r}")
    if price < 0:
        raise ValueError("price is negative")
    return price, symbol


def stock_of(value: Any) -> int | None:
    """Pieces; shops write less than nothing for what is on back order, which is none."""
    whole = re.fullmatch(r"(-?\d{1,9})(\.0*)?", text_of(value), re.ASCII)
    return max(0, int(whole[1])) if whole else None


def _photos(row: Row, beside: list[str]) -> list[str]:
    value = row.get("photos")
    items = value if isinstance(value, list) else re.split(r"[|;\n]", value) if value else []
    return [item.strip() for item in (*items, *beside) if isinstance(item, str) and item.strip()]


def _photo(name: str, feed: Path, reading: Reading) -> str | NotFetched | None:
    """Path of a photo, or why there is none; None for one that was not to be fetched."""
    if re.match(r"https?://", name, re.IGNORECASE):
        if reading.fetch_photo is None:
            reading.elsewhere += 1
            return None
        try:
            return reading.fetch_photo(name)
        except NotFetched as error:
            return error
    for place in (feed.parent / name, *(m / name.lstrip("/") for m in reading.media(feed.parent))):
        try:
            if place.is_file() and place.resolve().is_relative_to(reading.root):
                return str(place.resolve())
        except (OSError, ValueError):  # a name too long, or with a null character
            break
    return NotFetched("not found in the feed's folder")


def _rating(stars: list[float] | None) -> dict[str, str]:
    if not stars:
        return {}
    return {"rating": f"{sum(stars) / len(stars):.1f}", "reviews": str(len(stars))}


def _attributes(row: Row) -> dict[str, str]:
    given = row.get("attributes")
    pairs = [(name, value) for name, value in row.items() if name not in COLUMNS]
    if isinstance(given, dict):
        pairs += [(column(name), value) for name, value in given.items()]
    attributes = {}
    for name, value in pairs:
        parts = value if isinstance(value, list) else [value]
        text = ", ".join(filter(None, map(text_of, parts)))
        if name and text:
            attributes[name] = text[:500]
    return attributes
