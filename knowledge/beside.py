"""Tables beside a product feed, of a folder: links between products, their photos, reviews."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from pathlib import Path

from knowledge.plain import text_of, texts_of
from knowledge.rows import Row, read_rows
from knowledge.types import BadFeed

LINKS, PHOTOS, REVIEWS = "links between products", "photos of products", "reviews of products"
FEW = 4  # columns of a table that says one thing of products


@dataclass(slots=True)
class Beside:
    """What tables beside the feeds say of products, by id."""

    links: dict[str, list[str]] = field(default_factory=dict)
    photos: dict[str, list[str]] = field(default_factory=dict)
    stars: dict[str, list[float]] = field(default_factory=dict)  # of each review
    files: dict[Path, str] = field(default_factory=dict)  # the tables, and what each holds


def kind_of(columns: Set[str]) -> str:
    """What a table with these columns says of products; "" for one of another kind."""
    if "sku" not in columns or columns & {"name", "price"}:
        return ""
    if "linked_sku" in columns and len(columns) <= FEW:
        return LINKS
    if "image" in columns and len(columns) <= FEW:
        return PHOTOS
    return REVIEWS if {"review", "rating_value"} <= columns else ""


def read_beside(files: Iterable[Path]) -> Beside:
    """What the tables among these files say; others, and what cannot be read, are passed over."""
    beside = Beside()
    for path in files:
        kind = ""
        try:
            for _, row in read_rows(path):
                kind = kind or ("" if isinstance(row, str) else kind_of(row.keys()))
                if not kind:
                    break
                if not isinstance(row, str):
                    _note(beside, kind, row)
        except BadFeed:  # it is reported when its turn comes
            continue
        if kind:
            beside.files[path] = kind
    return beside


def _note(beside: Beside, kind: str, row: Row) -> None:
    sku = text_of(row.get("sku"))
    if kind == LINKS:
        beside.links.setdefault(sku, []).extend(texts_of(row.get("linked_sku"), ",;|\n"))
    elif kind == PHOTOS:
        beside.photos.setdefault(sku, []).extend(texts_of(row.get("image"), ",;|\n"))
    elif stars := re.fullmatch(r"[0-5](\.\d+)?", text_of(row.get("rating_value")), re.ASCII):
        beside.stars.setdefault(sku, []).append(float(stars[0]))
