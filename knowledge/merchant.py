"""A Google Merchant feed (RSS or Atom with g: names, or TSV) -> rows of our own.

XML comes from outside: a document type, and with it entities that grow or name other files, is
refused; the rest is read as it streams by, one product in memory at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces

from defusedxml import DefusedXmlException
from defusedxml.sax import make_parser

from knowledge.plain import text_of
from knowledge.rows import Advanced, Row, Rows, encoding_of, head_of, open_text, unheard
from knowledge.types import BadFeed

NAME = "a Google Merchant feed"
GOOGLE = "http://base.google.com/ns/1.0"
ITEMS = {"item", "entry"}
PART = 65_536  # characters parsed at a time
MOST = 200_000  # characters of one field
GONE = ("out of stock", "out_of_stock")
READ = {
    "id", "title", "description", "link", "mobile_link", "image_link", "additional_image_link",
    "price", "sale_price", "sale_price_effective_date", "availability", "quantity",
    "sell_on_google_quantity", "item_group_id", "product_detail", "content_language", "updated",
    "cost_of_goods_sold", "guid", "pubdate", "published", "author", "summary", "content",
}  # fmt: skip

ONCE = {"id", "title", "description", "link", "price", "sale_price", "availability"}


def is_it(columns: Set[str]) -> bool:
    return {"id", "title"} <= columns and len(
        columns & {"image_link", "availability", "google_product_category", "item_group_id"}
    ) > 1


def translate(rows: Rows) -> Rows:
    """Rows of the feed -> rows as `read_product` reads them."""
    for line, row in rows:
        yield line, row if isinstance(row, str) else _product(row)


def bare(columns: Set[str]) -> set[str]:
    """Names of columns without the "g:" that a spreadsheet may write before them."""
    return {name.removeprefix("g_") for name in columns}


def _product(row: Row) -> dict[str, Any]:
    row = {
        name.removeprefix("g_"): value[0] if isinstance(value, list) and name in ONCE else value
        for name, value in row.items()
    }
    attributes = {name: value for name, value in row.items() if name not in READ}
    for detail in _several(row.get("product_detail")):
        for one in re.split(r",(?=[^,:]*:[^,:]*:)", str(detail)):  # "section:name:value"
            *_, name, value = ["", "", *filter(str.strip, re.split(r"[:\n]", one))]
            attributes |= {name: value} if name else {}
    available = text_of(row.get("availability")).lower()
    if available:
        attributes["availability"] = available.replace("_", " ")
    price, sale = row.get("price"), row.get("sale_price")
    if sale and not row.get("sale_price_effective_date"):  # else it would outlive its date here
        attributes["regular_price"], price = price, sale
    stock = row.get("quantity") or row.get("sell_on_google_quantity")
    more = [p for link in _several(row.get("additional_image_link")) for p in str(link).split(",")]
    return {
        "id": row.get("id"),
        "title": row.get("title"),
        "description": row.get("description") or row.get("summary") or row.get("content"),
        "url": row.get("link"),
        "photos": [*_several(row.get("image_link")), *more],
        "price": price,
        "stock": "0" if available in GONE else stock,
        "group": row.get("item_group_id"),
        "language": row.get("content_language"),
        "updated_at": row.get("updated"),
        "attributes": attributes,
    }


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def read_xml(path: Path, advanced: Advanced = unheard) -> Rows:
    """(line, row) for each item of an RSS or Atom feed.

    Raises:
        BadFeed: It is not XML at all, or has a document type.
    """
    parser = make_parser()
    items = _Items(parser)
    parser.forbid_dtd = True
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(items)
    found = False
    with open_text(path, advanced, _declared(path)) as file:
        try:
            while part := file.read(PART):
                parser.feed(part)
                found = found or bool(items.rows)
                yield from items.taken()
            parser.close()
        except DefusedXmlException as error:
            raise BadFeed(
                f"{path}: has a document type or entities, which no feed needs; not read"
            ) from error
        except SAXException as error:
            yield from items.taken()
            line = error.getLineNumber() or 0 if isinstance(error, SAXParseException) else 0
            reason = f"not XML from here on: {error.getMessage()}"
            if not found and not items.rows:
                raise BadFeed(f"{path}: {reason} (line {line})") from error
            yield line, reason
    yield from items.taken()


def _declared(path: Path) -> str:
    """The encoding that the file names, when it is not the one that its bytes tell."""
    told = re.match(rb"""\s*<\?xml[^>]*encoding=["']([\w.-]+)""", head_of(path))
    if encoding_of(path) != "windows-1252" or not told:
        return ""
    try:
        b"".decode(told[1].decode())
    except LookupError:
        return ""
    return "" if told[1].lower() in (b"utf-8", b"utf8") else told[1].decode()


class _Items(ContentHandler):
    """Collects the fields of one item at a time."""

    def __init__(self, place: Any) -> None:
        super().__init__()
        self._place = place
        self.rows: list[tuple[int, Row]] = []
        self._line = 0
        self._depth = 0  # 1: within an item; 2: within a field of it
        self._name: tuple[str, bool] = ("", False)
        self._text: list[str] = []
        self._size = 0
        self._fields: dict[tuple[str, bool], list[str]] = {}

    def taken(self) -> Iterator[tuple[int, Row]]:
        rows, self.rows = self.rows, []
        yield from rows

    def startElementNS(self, name: tuple[str | None, str], qname: str | None, attrs: Any) -> None:
        space, local = name
        if self._depth:
            self._depth += 1
            if self._depth == 2:
                self._name = (local.lower(), space == GOOGLE)
                self._text, self._size = [attrs.get((None, "href")) or ""], 0
            elif self._text:
                self._text.append("\n")
        elif local in ITEMS:
            self._depth, self._fields = 1, {}
            self._line = self._place.getLineNumber()

    def characters(self, content: str) -> None:
        if self._depth > 1 and self._size < MOST:
            self._text.append(content)
            self._size += len(content)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:
        if self._depth == 2:
            text = "".join(self._text).strip()
            if text:
                self._fields.setdefault(self._name, []).append(text)
        if self._depth == 1:
            ours = {name for name, google in self._fields if google}
            self.rows.append((self._line, {
                name: values[0] if len(values) == 1 else values
                for (name, google), values in self._fields.items()
                if google or name not in ours
            }))  # fmt: skip
        self._depth = max(0, self._depth - 1)
