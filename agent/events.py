"""What the lower floors found out, as the events that doors show; and a turn told once more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict

from agent.find import Findings
from agent.types import Decided, Done, Event, Found, FoundHit, Heard, Reply, Token, Understood
from fusion.types import Fused, Percept

INTENTS_SHOWN = 5


def heard(percept: Percept) -> Heard:
    return Heard(
        words=percept.words,
        transcript=percept.transcript,
        printed=percept.printed,
        present=tuple(sorted(percept.present)),
        problems=percept.problems,
        photos=percept.photos,
    )


def understood(fused: Fused) -> Understood:
    return Understood(
        intent=fused.intent,
        intents=dict(list(fused.intents.items())[:INTENTS_SHOWN]),
        out_of_scope=fused.out_of_scope,
        mood=fused.mood,
        attributions=games(fused),
    )


def found(findings: Findings) -> Found:
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
            for hit in findings.hits
        ),
        filters=findings.filters,
        relaxed=findings.relaxed,
    )


def games(fused: Fused) -> dict[str, dict[str, float]]:
    return {game: dict(values) for game, values in asdict(fused.attributions).items()}


def told(reply: Reply) -> Iterator[Event]:
    """The words of the reply as they are streamed, and `Done`."""
    for piece in re.findall(r"\S+\s*", reply.text):
        yield Token(text=piece)
    yield Done(reply=reply)


def told_again(reply: Reply) -> Iterator[Event]:
    """The events of a turn that was answered before."""
    yield Decided(decision=reply.decision)
    yield from told(reply)
