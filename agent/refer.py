"""Which product of before a customer means: "and in green?", "the second one", "that lamp"."""

from __future__ import annotations

import re
from collections.abc import Collection

from agent.memory import Memory, Talked
from agent.policy import only_points
from agent.products import beside_facets
from agent.words import ORDINALS, ordinal

_WORD = re.compile(r"[^\W_]+")
_PLACES = frozenset({*ORDINALS, "last", "number", "option"})
_PLACED = re.compile(
    rf"\b(?:{'|'.join(ORDINALS)}|last) (?:one|of (?:them|these|those|the (?:two|three)))\b", re.I
)
_AGAIN = frozenset({"again", "back", "earlier", "before", "other"})


def referred(own: str, memory: Memory, looks: Collection[str]) -> Talked | None:
    """The product shown before that the words mean; None when they mean none, or say it themselves.

    `looks` are colours, materials and sizes: "and in green?" is about the same thing.
    """
    if not memory.products:
        return None
    place = ordinal(own, len(memory.offered))
    if place is not None and (
        _PLACED.search(own) or only_points(f"one {beside_facets(own)}", {*looks, *_PLACES, *_AGAIN})
    ):
        return memory.offered[place]
    if only_points(own, {*looks, "cheaper", "less"}):
        return memory.products[-1]
    for talked in reversed(memory.products):
        if _names(own, talked, looks):
            return talked
    return None


def _names(own: str, talked: Talked, looks: Collection[str]) -> bool:
    """Whether "that lamp" can be this one: what stands between is part of its name or a look."""
    title = set(_WORD.findall(talked.title.lower()))
    thing = (_WORD.findall(talked.title.split(",")[0].lower()) or [""])[-1]
    named = (
        rf"\b(?:this|that|these|those|the same)\s+((?:[^\W_]+\s+){{0,3}}?){re.escape(thing)}s?\b"
    )
    found = re.search(named, own.lower())
    return found is not None and set(_WORD.findall(found[1])) <= title | set(looks)
