"""Degrees of comparison in the words: "a bigger one", "the cheapest"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agent.types import Relation
from knowledge.scales import Scale

SCALES: Mapping[Relation, tuple[Scale, bool]] = {
    "bigger": ("size", True),
    "smaller": ("size", False),
    "taller": ("height", True),
    "heavier": ("weight", True),
    "lighter": ("weight", False),
    "cheapest": ("price", False),
    "dearest": ("price", True),
    "best_rated": ("rating", True),
    "biggest": ("size", True),
    "smallest": ("size", False),
    "tallest": ("height", True),
    "heaviest": ("weight", True),
    "lightest": ("weight", False),
}
"""Degree -> what is compared, and whether more of it is wanted."""


def _said(words: str) -> re.Pattern[str]:
    """These words, but for "bigger than 20 cm", which is a wish."""
    return re.compile(rf"\b(?:{words})\b(?! than (?:about |around )?\W?\d)", re.I)


COMPARATIVES: Mapping[Relation, re.Pattern[str]] = {
    "bigger": _said(r"bigger|larger|too (?:small|little|tiny)"),
    "smaller": _said(r"smaller|too (?:big|large|huge)"),
    "taller": _said(r"taller|higher one"),
    "heavier": _said(r"heavier|too light"),
    # what lights a candle is no degree, and neither is a colour
    "lighter": _said(
        r"(?<!\ba )(?<!cigarette )lighter(?! (?:colou?r|shade|tone))|lighter one|too heavy"
    ),
}
SUPERLATIVES: Mapping[Relation, re.Pattern[str]] = {
    "cheapest": _said(
        r"cheapest|least (?:expensive|costly)|most (?:affordable|inexpensive)|lowest[- ]priced?"
    ),
    "dearest": _said(r"dearest|priciest|costliest|most (?:expensive|costly)|highest[- ]priced?"),
    "best_rated": _said(
        r"(?:best|highest|top)[- ](?:rated|reviewed|ratings?)|best (?:customer )?reviews?"
        r"|most stars"
    ),
    "biggest": _said(r"biggest|largest"),
    "smallest": _said(r"smallest|tiniest"),
    "tallest": _said(r"tallest"),
    "heaviest": _said(r"heaviest|weighs? (?:the )?most"),
    "lightest": _said(r"lightest(?! (?:colou?r|shade|tone))|weighs? (?:the )?least"),
}

UTMOST: Mapping[Relation, Relation] = {
    "cheaper": "cheapest", "bigger": "biggest", "smaller": "smallest", "taller": "tallest",
    "heavier": "heaviest", "lighter": "lightest",
}  # fmt: skip
"""What a comparative asks for where there is nothing to compare with: "a cheaper vase"."""


def superlative_in(words: str) -> tuple[Relation, str] | None:
    """The superlative in the words, and the words without it; None without one."""
    for name, pattern in SUPERLATIVES.items():
        if pattern.search(words):
            return name, pattern.sub(" ", words)
    return None
