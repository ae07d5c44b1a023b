"""Wishes in a customer's words ("under 40 euros, in blue, not plastic") as a structured filter.

Only what is surely a wish becomes one: a filter hides products, and ranking already brings near
what was merely mentioned. Kinds of product ("mug") are therefore never filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from knowledge.measures import Bound
from knowledge.money import amount
from knowledge.types import Document

COLORS = {
    "red", "blue", "green", "yellow", "black", "white", "grey", "pink", "purple", "brown", "beige",
    "turquoise", "teal",
}  # fmt: skip
MATERIALS = {
    "wood", "metal", "ceramic", "glass", "plastic", "leather", "linen", "cotton", "wool", "stone",
    "marble",
}  # fmt: skip
SIZES = {"small", "medium", "large"}
LETTERS = {
    "xxs": "extra extra small", "xs": "extra small", "s": "small", "m": "medium", "l": "large",
    "xl": "extra large", "xxl": "extra extra large", "2xl": "extra extra large",
}  # fmt: skip
SAME = {
    "gray": "grey", "navy": "blue", "violet": "purple", "wooden": "wood",
    "woollen": "wool", "ceramics": "ceramic", "little": "small", "tiny": "small", "big": "large",
    "huge": "large", "mid-sized": "medium", "metallic": "metal",
}  # fmt: skip
FAMILIES = {
    "wood": {
        "oak", "walnut", "beech", "birch", "ash", "acacia", "pine", "teak", "bamboo", "cherry",
        "maple",
    },
    "metal": {
        "steel", "iron", "brass", "copper", "aluminium", "aluminum", "bronze", "tin", "zinc",
    },
    "ceramic": {"stoneware", "earthenware", "porcelain", "terracotta", "clay"},
}  # fmt: skip
"""A wish for the family is granted by any of its members."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a product must be. Falsy when there is no wish; passages always pass."""

    over: float | None = None  # price must be more than this
    least: float | None = None  # price must be at least this
    under: float | None = None  # price must be less than this
    most: float | None = None  # price must be at most this
    currency: str = ""  # ISO 4217 of the prices above; "" fits any
    colors: tuple[str, ...] = ()  # any of them
    materials: tuple[str, ...] = ()  # any of them
    sizes: tuple[str, ...] = ()  # any of them; a product of unknown size passes
    excluded: tuple[str, ...] = ()  # neither colour nor material may be one of these
    in_stock: bool = False
    rating: float | None = None  # stars at least
    bounds: tuple[Bound, ...] = ()  # of measures, at most one a quantity
    dropped: tuple[str, ...] = ()  # wishes given up by `relaxed`

    def __bool__(self) -> bool:
        return bool(self.wishes())

    def wishes(self) -> dict[str, str]:
        """Id of each wish -> the wish in words; the one to give up first comes first."""
        words = {
            "rating": "" if self.rating is None else f"{self.rating:g} stars or more",
            "size": " or ".join(map(_size_said, self.sizes)),
            **{bound.quantity: bound.words for bound in self.bounds},
            "material": " or ".join(self.materials),
            "color": " or ".join(self.colors),
            "excluded": "not " + " or ".join(self.excluded) if self.excluded else "",
            "stock": "in stock" if self.in_stock else "",
            "price": self._price(),
        }
        return {id: wish for id, wish in words.items() if wish}

    def _price(self) -> str:
        def money(value: float) -> str:
            return f"{value:.2f} {self.currency}".strip()

        if self.least is not None and self.most is not None:
            return f"between {self.least:.2f} and {money(self.most)}"
        bounds = {"over": self.over, "at least": self.least, "under": self.under}
        bounds["at most"] = self.most
        return " and ".join(f"{word} {money(x)}" for word, x in bounds.items() if x is not None)

    def describe(self) -> str:
        """The wishes in words: "under 40.00 EUR, in stock, blue"."""
        return ", ".join(reversed(self.wishes().values()))

    def without(self, id: str) -> Filters:
        """Without the wish of this id; as it is when there is none."""
        empty: dict[str, Any] = {name: getattr(_NOTHING, name) for name in FIELDS.get(id, ())}
        bounds = tuple(bound for bound in self.bounds if bound.quantity != id)
        return replace(self, bounds=bounds, **empty)

    def relaxed(self) -> Iterator[Filters]:
        """With wishes given up, their words in `dropped`: each alone, then the first two, the first
        three, and so on to all of them; the one to give up first comes first."""
        wishes = self.wishes()
        ids = tuple(wishes)
        for given_up in [*((id,) for id in ids), *(ids[:n] for n in range(2, len(ids) + 1))]:
            fewer = replace(self, dropped=tuple(wishes[id] for id in given_up))
            for id in given_up:
                fewer = fewer.without(id)
            yield fewer

    def accepts(self, document: Document) -> bool:
        """Whether a product grants every wish. Anything that is not a product passes."""
        if document.kind != "product":
            return True
        look = _words(document, "color") | _words(document, "material")
        sizes = set(map(size_name, re.split(r"[,;/|]", document.attributes.get("size", ""))))
        return (
            self._affordable(document)
            and (not self.colors or bool(look & members(self.colors)))
            and (not self.materials or bool(look & members(self.materials)))
            and not look & members(self.excluded)
            and (not self.sizes or sizes == {""} or bool(sizes & set(map(size_name, self.sizes))))
            and (not self.in_stock or document.stock is None or document.stock > 0)
            and (self.rating is None or _rating(document) >= self.rating)
            and all(bound.holds(document) for bound in self.bounds)
        )

    def _affordable(self, document: Document) -> bool:
        if not self._price():
            return True
        price = document.price
        if price is None or (self.currency and document.currency not in ("", self.currency)):
            return False
        return (
            (self.over is None or price > self.over)
            and (self.least is None or price >= self.least)
            and (self.under is None or price < self.under)
            and (self.most is None or price <= self.most)
        )


_NOTHING = Filters()

FIELDS = {
    "rating": ("rating",), "size": ("sizes",), "material": ("materials",), "color": ("colors",),
    "excluded": ("excluded",), "stock": ("in_stock",),
    "price": ("over", "least", "under", "most"),
}  # fmt: skip
"""Id of a wish -> the fields it is kept in; bounds have the id of their quantity."""


def members(wishes: Iterable[str]) -> set[str]:
    """The wishes, and for a family its members."""
    return {member for wish in wishes for member in (wish, *FAMILIES.get(wish, ()))}


def size_name(size: str) -> str:
    """ "M" is "medium"."""
    size = size.strip().lower()
    return LETTERS.get(size, size)


def _size_said(size: str) -> str:
    """ "m" is "size M"; "small" says it itself."""
    return f"size {size.upper()}" if size in LETTERS or size[0].isdigit() else size


def _words(document: Document, attribute: str) -> set[str]:
    """The words of an attribute; those of the title when the shop did not fill it in."""
    text = document.attributes.get(attribute) or document.title
    return {SAME.get(word, word) for word in re.findall(r"\w+", text.lower())}


def _rating(document: Document) -> float:
    return amount(document.attributes.get("rating", "")) or 0.0
