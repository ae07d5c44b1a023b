"""A Magento product export (CSV), or its sample data -> rows of our own.

A configurable product stands after the simple ones it consists of, and names them; so the file is
read twice, the first time for who belongs to whom and how many pieces there are of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any

from knowledge.feeds import price_of, stock_of
from knowledge.plain import text_of, texts_of
from knowledge.rows import Row, Rows

NAME = "a Magento product export"
LINKS = ("related_skus", "upsell_skus", "crosssell_skus", "associated_skus")
KEPT = {"sku", "weight", "manufacturer", "brand", "color", "size", "material", "gender"}
READ = {
    "name", "description", "short_description", "price", "special_price", "special_price_from_date",
    "special_price_to_date", "qty", "is_in_stock", "product_type", "attribute_set", "categories",
    "attribute_set_code", "category", "base_image", "additional_images", "additional_attributes",
    "configurable_variations", "product_online", "store_view_code", "visibility", "url_key",
    "created_at", "updated_at", "has_options", "required_options", "sale", "new",
}  # fmt: skip
KEEPING = re.compile(
    r"use_config_|meta_|custom_|small_image|thumbnail|swatch_|new_(from|to)_date|map_|msrp_|"
    r"(min|max)_cart_qty|(is_)?qty_|allow_backorders|notify_on|manage_stock|website_id|.*_label|"
    r"out_of_stock_qty|configurable_|tax_class|page_layout|product_(options|websites)|display_|"
    r"gift_message|is_decimal|enable_qty|.*_position|hide_from|bundle_|downloadable_|cost|.*_skus"
)
"""Columns for keeping the shop, which are not for customers."""

DIRECTIVE = re.compile(r"\{\{[^{}]*\}\}")


@dataclass(slots=True)
class _Families:
    """Which product a simple one belongs to, and the pieces of those that consist of others."""

    parents: dict[str, str] = field(default_factory=dict)
    pieces: dict[str, int] = field(default_factory=dict)  # by simple product
    parts: dict[str, list[str]] = field(default_factory=dict)

    def stock(self, sku: str) -> int | None:
        """Pieces of all parts; None where one's are not known."""
        counts = [self.pieces.get(part) for part in self.parts.get(sku, [])]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None


def is_it(columns: Set[str]) -> bool:
    return {"sku", "name"} <= columns and bool(
        columns & {"attribute_set_code", "product_online", "configurable_variations"}
        or {"attribute_set", "category"} <= columns
    )


def translate(again: Callable[[], Rows], rows: Rows) -> Rows:
    """Rows of the export -> rows as `read_product` reads them.

    Args:
        again: Reads the same rows once more; called first, for a look ahead.
    """
    families = _families(again())
    for line, row in rows:
        if isinstance(row, str):
            yield line, row
        elif text_of(row.get("store_view_code")):
            yield line, f"{text_of(row.get('sku'))} again, for another view of the store"
        elif text_of(row.get("product_online")) in ("0", "2"):
            yield line, f"{text_of(row.get('sku'))} is not online"
        else:
            yield line, _product(row, families)


def _families(rows: Rows) -> _Families:
    families = _Families()
    for _, row in rows:
        if isinstance(row, str):
            continue
        sku = text_of(row.get("sku"))
        if variations := row.get("configurable_variations"):
            parts = re.findall(r"(?:^|\|)sku=([^,|]+)", str(variations))
            families.parents |= dict.fromkeys(parts, sku)
            families.parts[sku] = parts
        elif (pieces := _pieces(row)) is not None:
            families.pieces[sku] = pieces
    return families


def _pieces(row: Row) -> int | None:
    if text_of(row.get("is_in_stock")) == "0":
        return 0
    pieces = stock_of(row.get("qty"))
    # Nothing left of what is in stock: a shop that keeps no count, or takes orders all the same.
    return None if pieces == 0 and text_of(row.get("is_in_stock")) == "1" else pieces


def _product(row: Row, families: _Families) -> dict[str, Any]:
    sku = text_of(row.get("sku"))
    attributes = dict(_attributes(row))
    price, special = row.get("price"), row.get("special_price")
    dated = text_of(row.get("special_price_from_date") or row.get("special_price_to_date"))
    if not dated and _less(special, price):  # an offer with a date would outlive it in the index
        attributes["regular_price"], price = price, special
    consists = sku in families.parts
    photos = [row.get("base_image"), *texts_of(row.get("additional_images"), ",")]
    return {
        "id": sku,
        "title": row.get("name"),
        "description": DIRECTIVE.sub(
            " ", str(row.get("description") or row.get("short_description") or "")
        ),
        "price": price,
        "stock": families.stock(sku) if consists else _pieces(row),
        "photos": [photo for photo in photos if photo and photo != "no_selection"],
        "group": families.parents.get(sku, ""),
        "links": [
            link.partition("=")[0]  # of a product that consists of others: "sku=pieces"
            for name in LINKS
            for link in texts_of(row.get(name), ",")
        ],
        "attributes": attributes,
    }


def _less(special: Any, price: Any) -> bool:
    try:
        now, usual = price_of(special)[0], price_of(price)[0]
    except ValueError:
        return False
    return now is not None and usual is not None and now < usual


def _attributes(row: Row) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if name in KEPT or not (name in READ or KEEPING.match(name)):
            yield name, texts_of(value, "\n|") if isinstance(value, str) else value
    if category := text_of(row.get("categories")) or row.get("category"):
        yield "category", list(_categories(str(category)))
    for pair in re.split(r",(?=\w+=)", str(row.get("additional_attributes") or "")):
        name, _, value = pair.partition("=")
        if name and name not in READ:
            yield name, texts_of(value.strip('"'), "|")


def _categories(written: str) -> Iterator[str]:
    """ "Default Category/Men/Tops,Default Category": "Men > Tops"; one a line in sample data."""
    for path in re.split(r"[,\n]", written):
        steps = [step.strip() for step in path.split("/")]
        if steps[0] == "Default Category":
            steps = steps[1:]
        if any(steps):
            yield " > ".join(filter(None, steps))
