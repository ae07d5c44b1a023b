"""Product feeds -> Documents: our own JSONL and CSV. What cannot be used is reported, by line.

A row has `id` (or `sku`), `title`, `description`, `price`, `currency`, `stock`, `url`, `photos`
(paths relative to the feed), `attributes`, `language`, `updated_at`; only an id and a title are
needed. Every other column becomes an attribute. Feeds come from outside: markup is stripped to
text, addresses and photo paths are checked, and a number is a number or it is reported.
"""

from __future__ import annotations

import csv
import html
import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from knowledge.fetch import NotFetched
from knowledge.money import CURRENCIES, amount
from knowledge.types import BadFeed, Document, Skipped

Row = Mapping[str, Any]

FetchPhoto = Callable[[str], str]
"""The address of a photo -> the path it is kept at. Raises NotFetched."""

COLUMNS = {
    "id", "title", "description", "price", "currency", "stock", "url", "photos", "attributes",
    "language", "updated_at",
}  # fmt: skip
MAX_ID = 200  # characters
MAX_TEXT = 20_000  # characters of a description; a longer one is cut and reported
BLOCKS = {"p", "br", "div", "li", "tr", "td", "th", "ul", "ol", "table", "h1", "h2", "h3", "h4"}


class _Text(HTMLParser):
    """Collects the text of markup, without scripts and styles."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self.hidden += 1
        elif tag in BLOCKS:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.hidden = max(0, self.hidden - 1)
        elif tag in BLOCKS:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def plain(text: str) -> str:
    """The text of a field: no markup, no control characters, white space collapsed."""
    if "<" in text:
        parser = _Text()
        parser.feed(text)
        parser.close()
        text = "".join(parser.parts)
    elif "&" in text:
        text = html.unescape(text)
    return " ".join("".join(map(_visible, text)).split())


def _visible(character: str) -> str:
    """The character; a space for a control character; nothing for one without width."""
    category = unicodedata.category(character)
    return " " if category in ("Cc", "Cs") else "" if category == "Cf" else character


def read_text(path: Path) -> str:
    """The characters of a text file: UTF-8 (with or without a mark), UTF-16 or Windows-1252.

    Raises:
        BadFeed: The file cannot be opened or is not text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadFeed(f"{path}: cannot be read ({error.strerror})") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        raise BadFeed(f"{path}: is not a text file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def read_rows(path: Path) -> Iterator[tuple[int, Row | Skipped]]:
    """(line, row) of a JSONL, CSV or TSV file, names of columns in lower case."""
    text = read_text(path)
    rows = _json_rows if path.suffix.lower() in (".jsonl", ".ndjson") else _csv_rows
    for line, row in rows(text):
        yield line, Skipped(str(path), line, row) if isinstance(row, str) else row


def _json_rows(text: str) -> Iterator[tuple[int, Row | str]]:
    for line, record in enumerate(text.split("\n"), start=1):
        if not record.strip():
            continue
        try:
            row = json.loads(record)
        except (ValueError, RecursionError) as error:
            reason = (
                error.msg if isinstance(error, json.JSONDecodeError) else "too deep or too long"
            )
            yield line, f"not JSON: {reason}"
            continue
        if isinstance(row, dict):
            yield line, {_column(name): value for name, value in row.items()}
        else:
            yield line, "not a JSON object"


def _csv_rows(text: str) -> Iterator[tuple[int, Row | str]]:
    header = text.lstrip().partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    names: list[str] | None = None
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, f"not CSV: {error}"
            return
        line, start = start, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if names is None:
            names = [_column(name) for name in cells]
        elif len(cells) > len(names):
            yield line, f"{len(cells)} cells, but the first line names {len(names)} columns"
        else:
            yield line, {n: c for n, c in zip(names, cells, strict=False) if n}


def _column(name: str) -> str:
    name = re.sub(r"\W+", "_", name.strip().lower()).strip("_")
    return {"colour": "color", "photo": "photos"}.get(name, name)[:60]


def read_product(
    row: Row, path: Path, line: int, fetch_photo: FetchPhoto | None = None
) -> Iterator[Document | Skipped]:
    """The product in one row of the feed at `path`, after what had to be left out of it.

    Photos at web addresses are left out unless `fetch_photo` brings them.
    """

    def skipped(reason: str) -> Skipped:
        return Skipped(str(path), line, reason)

    name = text_of(row.get("id")) or text_of(row.get("sku"))
    title = text_of(row.get("title"))
    if not name or not title:
        yield skipped("no title" if name else "no id")
        return
    if len(name) > MAX_ID:
        yield skipped(f"id longer than {MAX_ID} characters")
        return
    currency = text_of(row.get("currency")).upper()
    try:
        price, symbol = _price(row.get("price"))
    except ValueError as error:
        yield skipped(f"{error} ({name})")
        return

    text = text_of(row.get("description"))
    if len(text) > MAX_TEXT:
        yield skipped(f"description of {name} cut after {MAX_TEXT} characters")
        text = text[:MAX_TEXT]
    stock = _stock(row.get("stock"))
    if stock is None and row.get("stock") not in (None, ""):
        yield skipped(f"stock of {name} is not a whole number; kept without it")
    url = text_of(row.get("url"))
    if url and not re.match(r"https?://|/(?!/)", url, re.IGNORECASE):
        yield skipped(f"address of {name} is neither http(s) nor a path; kept without it")
        url = ""
    photos = []
    for photo in _list(row.get("photos")):
        if fetch_photo and re.match(r"https?://", photo, re.IGNORECASE):
            try:
                photos.append(fetch_photo(photo))
            except NotFetched as error:
                yield skipped(f"photo {photo[:80]!r} of {name} left out: {error}")
            continue
        found = _photo(photo, path.parent)
        if found is None:
            yield skipped(
                f"photo {photo[:80]!r} of {name} not found in the feed's folder; left out"
            )
        else:
            photos.append(found)
    yield Document(
        id=name,
        kind="product",
        title=title,
        text=text,
        url=url,
        photos=tuple(photos),
        price=price,
        currency=currency or symbol,
        stock=stock,
        attributes=_attributes(row),
        language=text_of(row.get("language")) or "en",
        updated_at=text_of(row.get("updated_at")),
    )


def text_of(value: Any) -> str:
    """A field of a row as plain text; empty for None, NaN, lists and objects."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return str(int(value)) if value.is_integer() else str(value)
    return plain(str(value)) if isinstance(value, (str, int)) else ""


def _price(value: Any) -> tuple[float | None, str]:
    """Price and currency in a field such as 16.9, "16,90 €" or "EUR 1.299,00"."""
    if value is None or value == "":
        return None, ""
    symbol = ""
    if isinstance(value, str):
        words = re.split(r"[\d.,\s-]+", plain(value).lower())
        symbol = next((CURRENCIES[word] for word in words if word in CURRENCIES), "")
        price = amount(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        price = float(value) if abs(value) < 1e12 else None
    else:
        price = None
    if price is None or not math.isfinite(price):
        raise ValueError(f"price is not a number: {str(value)[:40]!r}")
    if price < 0:
        raise ValueError("price is negative")
    return price, symbol


def _stock(value: Any) -> int | None:
    """Pieces; shops write less than nothing for what is on back order, which is none."""
    text = text_of(value)
    return max(0, int(text)) if re.fullmatch(r"-?\d{1,9}", text, re.ASCII) else None


def _list(value: Any) -> list[str]:
    items = value if isinstance(value, list) else re.split(r"[|;\n]", value) if value else []
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


def _photo(name: str, folder: Path) -> str | None:
    """Absolute path of a photo inside `folder`; None when there is no such file in it."""
    try:
        path = (folder / name).resolve()
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null character
        return None
    return str(path) if inside else None


def _attributes(row: Row) -> dict[str, str]:
    given = row.get("attributes")
    pairs = [(name, value) for name, value in row.items() if name not in COLUMNS]
    if isinstance(given, dict):
        pairs += [(_column(name), value) for name, value in given.items()]
    attributes = {}
    for name, value in pairs:
        parts = value if isinstance(value, list) else [value]
        text = ", ".join(filter(None, map(text_of, parts)))
        if name and text:
            attributes[name] = text[:500]
    return attributes
