"""A Shopify product export (CSV) -> rows of our own.

A product is the rows with its Handle, one after the other: the first has what all variants share,
each with a price or a SKU is a variant, and any may name one more photo. A product with several
variants becomes one row for itself, which has their price where they agree and the sum of their
stock, and one for each variant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from itertools import groupby
from typing import Any

from knowledge.feeds import price_of, stock_of
from knowledge.plain import text_of, texts_of
from knowledge.rows import Row, Rows

NAME = "a Shopify product export"
OPTIONS = (1, 2, 3)
OWN = {
    "vendor": "brand", "type": "kind", "product_category": "category", "tags": "tags",
}  # fmt: skip
LINKS = ("related_products", "complementary_products")
HIDDEN = (
    "handle", "title", "body", "published", "option", "variant", "image", "gift_card", "seo",
    "cost_per_item", "status", "price", "compare_at_price", "included",
)  # fmt: skip
"""Beginnings of columns that are read otherwise, or that are not for customers."""


def is_it(columns: Set[str]) -> bool:
    return {"handle", "title"} <= columns and bool(
        columns & {"body_html", "variant_price", "variant_sku", "option1_name"}
    )


def translate(rows: Rows) -> Rows:
    """Rows of the export -> rows as `read_product` reads them."""
    for handle, some in groupby(rows, key=_handle):
        good = []
        for line, row in some:
            if isinstance(row, str):
                yield line, row
            else:
                good.append((line, row))
        if good and not handle:
            yield from ((line, "no Handle") for line, _ in good)
        elif good:
            yield from _product(handle, good)


def _handle(item: tuple[int, Row | str]) -> str:
    row = item[1]
    return "" if isinstance(row, str) else text_of(row.get("handle"))


def _product(handle: str, rows: list[tuple[int, Row]]) -> Rows:
    line, first = rows[0]
    status = text_of(first.get("status")).lower()
    if status in ("draft", "archived") or text_of(first.get("published")).lower() == "false":
        yield line, f"{handle} is not on sale ({status or 'not published'})"
        return
    photos = [str(row["image_src"]) for _, row in rows if row.get("image_src")]
    names = {i: text_of(first.get(f"option{i}_name")) for i in OPTIONS}
    product = {
        "id": handle,
        "title": first.get("title"),
        "description": first.get("body_html"),
        "url": f"/products/{handle}",
        "photos": photos,
        "links": [
            link for name in LINKS for link in texts_of(first.get(name), ",;|\n") if link != handle
        ],
        "attributes": dict(_attributes(first)),
    }
    variants = [
        (number, _variant(row, names, product))
        for number, row in rows
        if text_of(row.get("variant_price")) or text_of(row.get("variant_sku"))
    ]
    if len(variants) == 1:
        only = variants[0][1]
        yield line, {**only, "id": handle, "title": product["title"], "photos": photos, "group": ""}
        return
    yield line, {**product, **_together([variant for _, variant in variants])}
    yield from variants


def _variant(row: Row, names: dict[int, str], product: dict[str, Any]) -> dict[str, Any]:
    values = {names[i]: text_of(row.get(f"option{i}_value")) for i in OPTIONS if names[i]}
    chosen = {name: v for name, v in values.items() if v and v != "Default Title"}
    sku = text_of(row.get("variant_sku"))
    tracked = text_of(row.get("variant_inventory_tracker"))
    own = {"sku": sku, "barcode": row.get("variant_barcode")} | chosen
    if reduced := text_of(row.get("variant_compare_at_price")):
        own["regular_price"] = reduced
    photos = [str(row["variant_image"])] if row.get("variant_image") else product["photos"][:1]
    return {
        **product,
        "id": sku or "/".join([product["id"], *chosen.values()]),
        "title": " - ".join(filter(None, [text_of(product["title"]), " / ".join(chosen.values())])),
        "price": row.get("variant_price"),
        "stock": row.get("variant_inventory_qty") if tracked else None,
        "photos": photos,
        "attributes": product["attributes"] | own,
        "group": product["id"],
    }


def _together(variants: list[dict[str, Any]]) -> dict[str, Any]:
    """What can be said of all variants: one price, or from where to where; pieces of all."""
    prices = sorted({price for v in variants if (price := _price(v["price"])) is not None})
    pieces = [stock_of(variant["stock"]) for variant in variants]
    said: dict[str, Any] = {}
    if len(prices) == 1:
        said["price"] = prices[0]
    elif prices:
        said["prices"] = f"{prices[0]:.2f} to {prices[-1]:.2f}"
    if variants and None not in pieces:
        said["stock"] = sum(n for n in pieces if n is not None)
    return said


def _price(value: Any) -> float | None:
    try:
        return price_of(value)[0]
    except ValueError:  # the variant's own row is reported
        return None


def _attributes(row: Row) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if name in OWN:
            yield OWN[name], value
        elif name not in LINKS and not re.match(rf"({'|'.join(HIDDEN)})(_|\d|$)", name):
            yield name, value
