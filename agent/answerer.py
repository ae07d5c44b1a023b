"""What the shop knows of a turn and the policy makes of it: whole, or question by question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.answers import asks
from agent.find import Findings, find
from agent.memory import Memory, decided
from agent.mood import was_unhappy
from agent.policy import decide
from agent.relations import Baskets
from agent.several import parted
from agent.state import Part
from agent.types import Answer, Decision, Decline, Limits, Reply
from fusion.perceive import Encoders
from fusion.types import Fused, InputLimits, Message, Percept, Turn
from fusion.understand import FusionModule
from knowledge.index import Knowledge


@dataclass(frozen=True, slots=True)
class Answerer:
    """Serves every conversation and every thread."""

    knowledge: Knowledge
    encoders: Encoders
    fusion: FusionModule
    baskets: Baskets
    limits: Limits
    input_limits: InputLimits

    def find(
        self, percept: Percept, fused: Fused, memory: Memory, obeyed: frozenset[str] | None
    ) -> Findings:
        """`obeyed`: ids of the wishes to obey when the customer took one away; None: all."""
        return find(
            percept,
            fused,
            self.knowledge,
            memory,
            self.limits,
            self.baskets,
            self.encoders.text.encode,
            self.encoders.unsold,
            obeyed,
        )

    def decide(
        self,
        percept: Percept,
        fused: Fused,
        found: Findings,
        history: Sequence[Message],
        shown: Sequence[Reply],
        memory: Memory,
    ) -> Decision:
        """`shown`: the replies of before, oldest first."""
        return decide(
            fused,
            found.hits,
            found.words,
            history,
            self.limits,
            photo="photo" in percept.present,
            seen=found.seen,
            unsold=found.unsold,
            related=found.related,
            page=found.page,
            stated=found.stated,
            unhappy_before=was_unhappy(shown, self.limits),
            before=decided(memory, shown),
        )

    def several(
        self,
        turn: Turn,
        whole: Percept,
        history: Sequence[Message],
        shown: Sequence[Reply],
        memory: Memory,
        obeyed: frozenset[str] | None,
    ) -> tuple[Part, ...]:
        """An answer to each question of a turn that asks several, the next step only after the
        last; none when it is about one thing, or when a part of it asks for more than an answer."""
        parts: list[Part] = []
        for percept in parted(turn, whole, history, self.encoders, self.input_limits):
            fused = self.fusion(percept)
            found = self.find(percept, fused, memory, obeyed)
            decision = self.decide(percept, fused, found, history, shown, memory)
            if not isinstance(decision, Answer | Decline):
                return ()
            parts.append(Part(decision, found))
        # a wish that nothing is found for may only have led up to what is asked
        parts = [part for part in parts if _answered(part) or asks(part.found.words)]
        told = {_told(part.decision) for part in parts}
        if len(told) < 2 or not any(map(_answered, parts)):
            return ()
        *others, last = parts
        return (*map(_without_next, others), last)


def _answered(part: Part) -> bool:
    return isinstance(part.decision, Answer)


def _told(decision: Decision) -> str:
    """What is told: the document, or that nothing is."""
    return decision.hits[0].document.id if isinstance(decision, Answer) and decision.hits else ""


def _without_next(part: Part) -> Part:
    """A passage is quoted without what may be done next; that is said once, at the end."""
    match part.decision:
        case Answer(hits=hits, related=None) if hits and hits[0].document.kind != "product":
            return replace(part, decision=replace(part.decision, topic=""))
    return part
