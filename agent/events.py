"""What happens in a turn, as the events that doors show."""

from __future__ import annotations

from dataclasses import asdict

from agent.find import Findings
from agent.types import Found, FoundHit, Heard, Understood
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


def found_event(found: Findings) -> Found:
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
