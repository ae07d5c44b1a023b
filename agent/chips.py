"""What a customer picks: buttons, and wishes as chips to be taken away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from agent.types import Ask, Chip, Reply
from fusion.types import Message, Turn
from knowledge.filters import Filters

WITHOUT = "without:"  # before the id of a chip among a turn's choices

_SAID = re.compile(r"\W*without [“\"](?P<label>.+)[”\"]\W*", re.I)


def spelt(turn: Turn, shown: Sequence[Reply]) -> Turn:
    """A turn of nothing but choices reads as what stands on the buttons."""
    if not turn.choices or turn.text.strip() or turn.choices[0].startswith(WITHOUT):
        return turn
    asked = shown[-1].decision if shown else None
    labels = {c.id: c.label for c in asked.choices} if isinstance(asked, Ask) else {}
    return replace(turn, text=", ".join(labels.get(id, id) for id in turn.choices))


def chips(filters: Filters) -> tuple[Chip, ...]:
    """One a wish, the dearest to the customer first."""
    return tuple(Chip(id=id, label=words) for id, words in reversed(filters.wishes().items()))


def removal(chip: Chip) -> str:
    """The words that take a chip away."""
    return f"Without “{chip.label}”"


def without_chip(
    turn: Turn, shown: Sequence[Reply], history: Sequence[Message]
) -> tuple[Turn, frozenset[str] | None]:
    """The turn, and the ids of the wishes to obey; None: those in its words.

    A turn that takes away a chip of the last reply says what was said before once more.
    """
    offered = shown[-1].wishes if shown else ()
    said = _SAID.fullmatch(turn.text)
    taken = {
        chip.id
        for chip in offered
        if f"{WITHOUT}{chip.id}" in turn.choices or (said and said["label"] == chip.label)
    }
    before = [message.text for message in history if message.speaker == "customer"]
    if not taken or not before:
        return turn, None
    kept = frozenset(chip.id for chip in offered) - taken
    return replace(turn, text=before[-1], choices=()), kept


def obeyed(filters: Filters, kept: frozenset[str] | None) -> Filters:
    """The wishes whose ids are kept; all when None."""
    for id in filters.wishes() if kept is not None else ():
        filters = filters if kept and id in kept else filters.without(id)
    return filters
