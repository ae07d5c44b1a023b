"""What happened in a turn, as the events and sentences that doors show; a turn told once more."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import asdict

from agent.find import Findings
from agent.state import Part
from agent.types import (
    Act,
    Answer,
    Chip,
    Decided,
    Decision,
    Deed,
    Done,
    Event,
    Found,
    FoundHit,
    Heard,
    Outcome,
    Reply,
    Token,
    Understood,
)
from fusion.types import Fused, Percept

INTENTS_SHOWN = 5


def given_up(part: Part) -> str:
    """The wishes that had to be dropped before a product was left; "" when there are none."""
    found = part.found
    if not found.relaxed or not about_products(part.decision):
        return ""
    wishes = " and ".join(f"“{wish}”" for wish in found.relaxed)
    if found.wishes:
        return f"Nothing fits all wishes; this is what there is without {wishes}."
    return f"Nothing matches {wishes}; this is what there is without that wish."


def granted(part: Part) -> tuple[Chip, ...]:
    """The wishes that the products shown fulfil."""
    return part.found.wishes if about_products(part.decision) else ()


def about_products(decision: Decision) -> bool:
    return isinstance(decision, Answer) and any(
        hit.document.kind == "product" for hit in decision.hits[:1]
    )


def heard(percept: Percept) -> Heard:
    return Heard(
        words=percept.words,
        transcript=percept.transcript,
        printed=percept.printed,
        present=tuple(sorted(percept.present)),
        problems=percept.problems,
        photos=percept.photos,
        sound=percept.sound,
    )


def understood(fused: Fused) -> Understood:
    return Understood(
        intent=fused.intent,
        intents=dict(list(fused.intents.items())[:INTENTS_SHOWN]),
        out_of_scope=fused.out_of_scope,
        mood=fused.mood,
        attributions=games(fused),
    )


def found(found: Findings) -> Found:
    return Found(
        hits=tuple(
            FoundHit(
                id=hit.document.id,
                kind=hit.document.kind,
                title=hit.document.title,
                score=hit.score,
                ranks=dict(hit.ranks),
                passage=hit.passage,
                url=hit.document.url,
            )
            for hit in found.hits
        ),
        filters=found.filters,
        relaxed=found.relaxed,
        wishes=found.wishes,
    )


def games(fused: Fused) -> dict[str, dict[str, float]]:
    return {game: dict(values) for game, values in asdict(fused.attributions).items()}


def deed(act: Act, outcome: Outcome) -> Deed:
    return Deed(
        action=act.action, arguments=dict(act.arguments), ok=outcome.ok, message=outcome.message
    )


def notes(percept: Percept) -> Iterator[str]:
    """What was degraded, and why, in sentences for the customer and the shop."""
    yield from percept.problems
    if percept.transcript and percept.transcript.engine == "pocketsphinx":
        yield (
            "The recording was heard by PocketSphinx, without Whisper's weights: only English is "
            "heard, and some words may be wrong."
        )
    elif percept.transcript and percept.transcript.engine.endswith(".en"):
        yield "The recording was heard by a Whisper that knows only English."


def tokens(text: str) -> Iterator[Token]:
    for word in re.findall(r"\s*\S+\s*|\s+", text):
        yield Token(text=word)


def told(reply: Reply) -> Iterator[Event]:
    """The words of the reply as they are streamed, and `Done`."""
    yield from tokens(reply.text)
    yield Done(reply=reply)


def told_again(reply: Reply) -> Iterator[Event]:
    """The events of a turn that was answered before."""
    yield Decided(decision=reply.decision)
    yield from told(reply)


def streamed(
    telling: Generator[str, None, tuple[str, ...]],
) -> Generator[Token, None, tuple[str, tuple[str, ...]]]:
    """The pieces as tokens; then their whole text, and what the telling returned."""
    text = ""
    while True:
        try:
            piece = next(telling)
        except StopIteration as end:
            return text, end.value
        text += piece
        yield from tokens(piece)
