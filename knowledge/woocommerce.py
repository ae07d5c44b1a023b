"""A WooCommerce product export (CSV) -> rows of our own.

A row is a product, or a variation whose `Parent` names the product by SKU or as "id:12".
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any

from knowledge.plain import text_of, texts_of
from knowledge.rows import Row, Rows

NAME = "a WooCommerce product export"
LINKS = ("upsells", "cross_sells", "grouped_products")
KEPT = {
    "sku": "sku", "tags": "tags", "categories": "category", "brands": "brand",
    "gtin_upc_ean_or_isbn": "gtin", "short_description": "summary",
}  # fmt: skip
HIDDEN = (
    "id", "type", "name", "published", "is_featured", "visibility_in_catalog", "description",
    "date_sale_price", "tax", "in_stock", "stock", "low_stock_amount", "backorders_allowed",
    "sold_individually", "allow_customer_reviews", "purchase_note", "sale_price", "regular_price",
    "shipping_class", "images", "download", "parent", "external_url", "button_text", "position",
    "attribute", "meta", "cost", "swatches", *LINKS,
)  # fmt: skip
"""Beginnings of columns that are read otherwise, or that are not for customers."""


def is_it(columns: Set[str]) -> bool:
    return {"type", "sku", "name"} <= columns and bool(
        columns & {"regular_price", "visibility_in_catalog", "in_stock"}
    )


def translate(rows: Rows) -> Rows:
    """Rows of the export -> rows as `read_product` reads them."""
    parent: Row = {}
    for line, row in rows:
        if isinstance(row, str):
            yield line, row
            continue
        kind = text_of(row.get("type")).lower()
        if text_of(row.get("published")) in ("0", "-1"):
            yield line, f"{text_of(row.get('name')) or 'the product'} is not published"
            continue
        product = _product(row, "variable" in kind)
        if "variation" in kind:  # has only what tells it from its product, which stands before it
            product["group"] = text_of(row.get("parent"))
            if product["group"] == parent.get("id"):
                product["description"] = product["description"] or parent["description"]
                product["photos"] = product["photos"] or parent["photos"][:1]
        elif "variable" in kind:
            parent = product
        yield line, product


def _product(row: Row, variable: bool) -> dict[str, Any]:
    number = text_of(row.get("id"))
    regular, sale = text_of(row.get("regular_price")), text_of(row.get("sale_price"))
    dated = any(name.startswith("date_sale_price") and text_of(row[name]) for name in row)
    attributes = {
        name: value
        for name, value in row.items()
        if not re.match(rf"({'|'.join(HIDDEN)})(_|$)", name) and name not in KEPT
    }
    attributes |= {KEPT[name]: row[name] for name in KEPT if name in row}
    for name, value in row.items():
        if found := re.fullmatch(r"attribute_(\d+)_name", name):
            attributes[text_of(value)] = texts_of(row.get(f"attribute_{found[1]}_value_s"), ",|")
    if sale and not dated:  # an offer with a date would outlive it in the index
        attributes["regular_price"] = regular
    links = [link for name in LINKS for link in texts_of(row.get(name), ",")]
    return {
        "id": text_of(row.get("sku")) or f"id:{number}",
        "title": row.get("name"),
        "description": _lines(row.get("description")) or _lines(row.get("short_description")),
        "price": regular if dated else sale or regular,
        "stock": _stock(row, variable),
        "photos": texts_of(row.get("images"), ","),
        "links": links,
        "attributes": attributes,
    }


def _lines(value: Any) -> str:
    """A description; the export writes the ends of its lines as two characters."""
    return str(value or "").replace("\\n", "\n")


def _stock(row: Row, variable: bool) -> str | None:
    """Pieces; none when it is said not to be in stock. A product with variations has theirs."""
    if pieces := text_of(row.get("stock")):
        return pieces
    return "0" if text_of(row.get("in_stock")) == "0" and not variable else None
