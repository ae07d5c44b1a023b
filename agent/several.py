"""A message that asks several things: which questions and wishes in it stand on their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agent.answers import asks
from agent.policy import contentful, points
from agent.products import FACETS, beside_facets
from fusion.languages import in_english
from fusion.perceive import Encoders, perceive
from fusion.types import InputLimits, Message, Modality, Percept, Turn

MOST = 3  # a message of more is answered as one
_SEEN: tuple[Modality, ...] = ("photo", "print")

_ENDS = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
_AND = re.compile(
    r"[\s,;]+\b(?:and|also|plus)\b[\s,]*(?:also )?"
    r"(?=(?:do|does|can|could|are|is|will|what|how|where|when|which|who|whether)\b)",
    re.I,
)
_WISHES = re.compile(
    r"\b(?:looking for|searching for|i need|i(?:'d| would) like|i want|show me|whether)\b"
)


def questions(said: str, language: str, photo: bool) -> list[str]:
    """The parts of a message that ask for something by themselves, in their order and wording;
    none when it is about one thing.

    What only makes sense beside something else stays with it: "Is it heavy?", "Hello!", "I moved
    house." With a photo, what points means the photo and not what was said before.

    Args:
        said: What was typed and said.
        language: ISO 639-1, of what was said.
    """
    parts: list[str] = []
    waiting = ""  # said before what it belongs to
    for sentence in _sentences(said, language):
        plain = in_english(sentence, language)
        if photo and points(plain):
            leans = bool(parts) and points(in_english(parts[-1], language))
        else:
            leans = bool(parts) and (points(plain) or not _content(plain))
        if asks(plain) or _WISHES.search(plain.lower()):
            if leans:
                parts[-1] = f"{parts[-1]} {sentence}"
            else:
                parts.append(f"{waiting}{sentence}")
            waiting = ""
        elif parts:
            parts[-1] = f"{parts[-1]} {sentence}"
        else:
            waiting = f"{waiting}{sentence} "
    return parts if 1 < len(parts) <= MOST else []


def _sentences(said: str, language: str) -> Iterator[str]:
    for sentence in _ENDS.split(said):
        for part in _AND.split(sentence) if language == "en" else [sentence]:
            if part.strip():
                yield part.strip()


def _content(sentence: str) -> frozenset[str]:
    """The words that say what is meant, beside what may be asked of any product."""
    return contentful(FACETS["care"].sub(" ", beside_facets(sentence)))


def parted(
    turn: Turn,
    whole: Percept,
    history: Sequence[Message],
    encoders: Encoders,
    limits: InputLimits,
) -> Iterator[Percept]:
    """A percept of each of a turn's questions; none when it is about one thing.

    A photo belongs to the first question that points at it, else to the first of all.
    """
    heard = whole.transcript.text if whole.transcript else ""
    said = " ".join(filter(None, [turn.text, heard]))
    asked = questions(said, whole.language, bool(whole.photos))
    pointing = (i for i, one in enumerate(asked) if points(in_english(one, whole.language)))
    shown = next(pointing, 0) if whole.photos else None
    for i, one in enumerate(asked):
        alone = perceive(Turn(one, language=whole.language), history, encoders, limits)
        if i == shown:
            seen = {name: whole.encoded[name] for name in _SEEN if name in whole.encoded}
            alone = replace(
                alone,
                encoded={**alone.encoded, **seen},
                printed=whole.printed,
                photos=whole.photos,
                quality=whole.quality,
            )
        yield alone
