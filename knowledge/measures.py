"""Measures as shops and customers write them: "at least 2 litres", "Ø 9 x 9 cm", "500 GB"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from knowledge.money import amount
from knowledge.types import Document

UNITS: Mapping[str, Mapping[str, float]] = {
    "volume": {
        "ml": 0.001, "millilitre": 0.001, "milliliter": 0.001, "cl": 0.01, "dl": 0.1, "l": 1,
        "litre": 1, "liter": 1, "gallon": 3.785, "pint": 0.473, "fl oz": 0.02957,
    },
    "weight": {
        "g": 0.001, "gram": 0.001, "kg": 1, "kilo": 1, "kilogram": 1, "lb": 0.4536,
        "pound": 0.4536, "oz": 0.02835, "ounce": 0.02835,
    },
    "length": {
        "mm": 0.001, "cm": 0.01, "centimetre": 0.01, "centimeter": 0.01, "m": 1, "metre": 1,
        "meter": 1, "inch": 0.0254, "inche": 0.0254, '"': 0.0254, "″": 0.0254, "ft": 0.3048,
        "feet": 0.3048, "foot": 0.3048,
    },
    "data": {"mb": 0.001, "gb": 1, "gigabyte": 1, "tb": 1000, "terabyte": 1000},
    "power": {"w": 1, "watt": 1, "kw": 1000, "kilowatt": 1000},
    "charge": {"mah": 1},
    "frequency": {"hz": 1, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    "pixels": {"mp": 1, "megapixel": 1},
}  # fmt: skip
"""Quantity -> how many of its own unit (l, kg, m, GB, W, mAh, Hz, MP) each unit is."""

SAID = {
    "wide": "width", "tall": "height", "high": "height", "long": "length", "deep": "depth",
    "across": "diameter", "memory": "ram",
}  # fmt: skip
"""Words for a side of a thing -> the name of the attribute."""
NAMES = ("width", "height", "length", "depth", "diameter", "ram", "storage", "battery", "screen")

_OF = {unit: name for name, units in UNITS.items() for unit in units}
_UNIT = "|".join(re.escape(unit) for unit in sorted(_OF, key=len, reverse=True))
_NUMBER = r"\d+(?:[.,]\d+)?"
MEASURE = re.compile(
    rf"(?<![\w.,])(?P<numbers>{_NUMBER}(?:\s?[x×]\s?{_NUMBER})*)[\s-]?(?P<unit>{_UNIT})(?:s\b|(?!\w))",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Bound:
    """What a measure must at least, or at most, be."""

    quantity: str  # a key of UNITS
    words: str  # as in "at least 2 litres"
    least: float | None = None  # in the quantity's own unit
    most: float | None = None
    name: str = ""  # the attribute meant ("height"); "" fits any of the quantity

    def holds(self, document: Document) -> bool:
        """Whether a product's own measures are within it; what states none is not.

        A side that is not named ("at most 40 cm") must hold for the longest.
        """
        stated = list(_stated(document, self.quantity, self.name))
        if not stated:
            return False
        largest, smallest = max(stated), min(stated)
        longest = largest if self.quantity == "length" else smallest
        return (self.least is None or largest >= self.least) and (
            self.most is None or longest <= self.most
        )


def measures(text: str) -> Iterator[tuple[str, float]]:
    """Every measure in a text: its quantity, and how much in the quantity's own unit."""
    for match in MEASURE.finditer(text):
        quantity, unit = quantity_of(match)
        for number in re.findall(_NUMBER, match["numbers"]):
            yield quantity, (amount(number) or 0.0) * unit


def quantity_of(match: re.Match[str]) -> tuple[str, float]:
    """The quantity of a MEASURE, and how many of the quantity's own unit its unit is."""
    unit = match["unit"].lower()
    return _OF[unit], UNITS[_OF[unit]][unit]


def side(words: str) -> str:
    """The attribute that is measured, where the words name one: "tall" is the height."""
    said = re.findall(r"[a-z]+", words.lower())
    return next((SAID.get(word, word) for word in said if word in SAID or word in NAMES), "")


def _stated(document: Document, quantity: str, name: str) -> Iterator[float]:
    """From the attribute of that name; else from all attributes; else from the title."""
    named = [v for k, v in document.attributes.items() if name and name in k]
    for texts in (named, list(document.attributes.values()), [document.title]):
        found = [value for text in texts for q, value in measures(text) if q == quantity]
        if found:
            yield from found
            return
