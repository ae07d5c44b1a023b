"""What products can be put in order by, as their fields state it: price, rating, size, weight."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from knowledge.filters import LETTERS, size_name
from knowledge.measures import MEASURE, measures
from knowledge.money import amount
from knowledge.types import Document

Scale = Literal["price", "rating", "size", "height", "weight"]

_SIDES = ("width", "height", "length", "depth", "diameter")
_SIZES = tuple(dict.fromkeys(LETTERS.values()))  # the smallest first
_ROUND = re.compile(r"Ø|⌀|\bdiam", re.I)


@dataclass(frozen=True, slots=True)
class Stated:
    """How much of a scale a product states."""

    amount: float
    unit: str  # "EUR", "m", "kg": only what is stated in one unit compares
    words: str  # the field, as the shop wrote it; "" for the price


def stated(product: Document, scale: Scale) -> Stated | None:
    """What a product's own fields say of a scale; None where they say nothing."""
    match scale:
        case "price":
            price = product.price
            return None if price is None else Stated(price, product.currency, "")
        case "rating":
            words = product.attributes.get("rating", "")
            stars = amount(words)
            return None if stars is None else Stated(stars, "stars", words)
        case "weight":
            for words in _fields(product, "weight"):
                if found := [value for quantity, value in measures(words) if quantity == "weight"]:
                    return Stated(max(found), "kg", words)
            return None
        case "height":
            return _height(product)
        case "size":
            return _size(product) or _size_named(product)


def ordered(products: Iterable[Document], scale: Scale, most: bool) -> list[Document]:
    """Those that state a scale, in the unit that most of them do, from one end of it.

    `most`: what has the most comes first. Of variants that state the same only one is left: the
    first that is in stock, or else the first.
    """
    known = [(product, found) for product in products if (found := stated(product, scale))]
    units = Counter(found.unit for _, found in known).most_common(1)
    alike = [(product, found) for product, found in known if [found.unit] == [u for u, _ in units]]
    alike.sort(key=lambda pair: (-pair[1].amount if most else pair[1].amount, not pair[0].stock))
    kept: dict[tuple[str, float], Document] = {}
    for product, found in alike:
        kept.setdefault((product.family or product.id, found.amount), product)
    return list(kept.values())


def _fields(product: Document, *names: str) -> Iterator[str]:
    """The attributes whose names have one of the names in them, in the order of these."""
    for wanted in names:
        yield from (words for name, words in product.attributes.items() if wanted in name.lower())


def _lengths(words: str) -> list[float]:
    """In metres."""
    return [value for quantity, value in measures(words) if quantity == "length"]


def _size(product: Document) -> Stated | None:
    """The mean of its sides in metres (geometric: the side of a cube as big as the whole), so that
    what states one side compares with what states three."""
    for words in _fields(product, "dimension", "measure", "size"):
        if sides := _lengths(words):
            if _ROUND.search(words):
                sides.append(sides[0])
            return Stated(_mean(sides), "m", words)
    fields = [product.attributes[name] for name in _SIDES if name in product.attributes]
    sides = [side for words in fields for side in _lengths(words)]
    return Stated(_mean(sides), "m", " x ".join(fields)) if sides else None


def _mean(sides: list[float]) -> float:
    return math.prod(sides) ** (1 / len(sides))


def _size_named(product: Document) -> Stated | None:
    """A size by its name or number: "M", "42"."""
    words = product.attributes.get("size", "")
    if (name := size_name(words)) in _SIZES:
        return Stated(_SIZES.index(name), "name", words)
    return Stated(amount(words) or 0.0, "number", words) if words.strip().isdigit() else None


def _height(product: Document) -> Stated | None:
    """In metres: its own field, or what is last where the sides are stated in one."""
    for words in _fields(product, "height"):
        if sides := _lengths(words):
            return Stated(max(sides), "m", words)
    for words in _fields(product, "dimension", "measure", "size"):
        match = MEASURE.search(words)
        if match and len(sides := _lengths(match[0])) > 1:
            return Stated(sides[-1], "m", words)
    return None
