"""THE MAIN PATH: one turn in, a stream of typed events out.

Everything is synchronous. No lock and no database connection lives across a `yield`: a door may
run each step on another thread, or close the stream in between. What a turn changes is stored
before its words are streamed, so a customer who leaves early finds the whole reply later.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain, starmap
from time import perf_counter
from typing import TYPE_CHECKING

from agent.attachments import attachments
from agent.errors import Busy
from agent.find import Findings, find, own_words
from agent.flows import advance
from agent.local import asides, given_up, reply_language
from agent.mood import earlier, priority, softened
from agent.orders import Shop
from agent.policy import decide, sure_intent, wants_person
from agent.printed import order_numbers
from agent.state import FlowState
from agent.steps import go_on
from agent.store import Store
from agent.types import (
    Act,
    Ask,
    Composer,
    Decided,
    Decision,
    Decline,
    Deed,
    Done,
    Event,
    Found,
    FoundHit,
    HandOff,
    Heard,
    Limits,
    Outcome,
    Reply,
    Token,
    Understood,
)
from fusion.mood import Moods
from fusion.perceive import Encoders, perceive
from fusion.types import Fused, InputLimits, Message, Percept, Turn
from fusion.understand import FusionModule
from knowledge.index import Knowledge

if TYPE_CHECKING:  # scikit-learn comes with it: only shops with intents of their own load it
    from agent.own import OwnIntents

INTENTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided for a turn, and done about it."""

    steps: tuple[tuple[Decision, Outcome | None], ...]  # acts with what the shop made of them

    @property
    def decision(self) -> Decision:
        """The last one: what the conversation waits for, or how it ended."""
        return self.steps[-1][0]

    @property
    def acts(self) -> list[tuple[Act, Outcome]]:
        return [(one, out) for one, out in self.steps if isinstance(one, Act) and out is not None]


class Agent:
    """Answers turns. One object serves every conversation and every thread."""

    def __init__(
        self,
        knowledge: Knowledge,
        encoders: Encoders,
        fusion: FusionModule,
        shop: Shop,
        store: Store,
        composer: Composer,
        moods: Moods,
        limits: Limits,
        input_limits: InputLimits,
        own: OwnIntents | None = None,
    ) -> None:
        self.knowledge = knowledge
        self.encoders = encoders
        self.fusion = fusion
        self.shop = shop
        self.store = store
        self.composer = composer
        self.moods = moods
        self.limits = limits
        self.input_limits = input_limits
        self.own = own
        self._answering: set[str] = set()
        self._guard = threading.Lock()

    def reply(self, turn: Turn, conversation_id: str) -> Generator[Event]:
        """The events of one turn, the last one `Done`. Close the stream when you stop early.

        Raises BadInput (empty turn, too long), NotFound (no such conversation), Busy (an earlier
        turn of the conversation is still being answered), ShopError.
        """
        with self._alone(conversation_id):
            seconds: dict[str, float] = {}
            history = self.store.history(conversation_id)
            shown = self.store.replies(conversation_id)
            percept = perceive(spelt(turn, shown), history, self.encoders, self.input_limits)
            yield _heard(percept)

            with _timed(seconds, "understand"):
                fused = replace(self.fusion(percept), mood=self.moods(percept, earlier(history)))
            yield _understood(fused)

            with _timed(seconds, "find"):
                found = find(
                    percept,
                    fused,
                    self.fusion,
                    self.knowledge,
                    shown,
                    self.limits,
                    self.encoders.unsold,
                )
            yield _found(found)

            with _timed(seconds, "decide"):
                verdict = self._decide(percept, fused, found, history, shown, conversation_id, turn)
            for decision, _ in verdict.steps:
                yield Decided(decision=decision)

            with _timed(seconds, "compose"):
                language = reply_language(percept, [decision for decision, _ in verdict.steps])
                drafts = [
                    self.composer.compose(
                        decision, outcome, found.hits, history, found.words, language
                    )
                    for decision, outcome in verdict.steps
                ]
            before, after = softened(verdict.decision, fused.mood, history, self.limits)
            told = [before, given_up(found.relaxed, verdict.steps[0][0])]
            texts = [draft.text for draft in drafts]
            said = [*percept.problems, *asides(told, language), *texts, *asides([after], language)]
            reply = Reply(
                id=secrets.token_urlsafe(12),
                conversation=conversation_id,
                text=" ".join(filter(None, said)),
                citations=tuple(chain.from_iterable(draft.citations for draft in drafts)),
                decision=verdict.decision,
                intent=fused.intent,
                attributions=_games(fused),
                products=tuple(chain.from_iterable(draft.products for draft in drafts)),
                done=tuple(starmap(_deed, verdict.acts)),
                notes=(*_notes(percept), *chain.from_iterable(draft.notes for draft in drafts)),
                mood=fused.mood,
                seconds={**percept.seconds, **seconds},
            )
            kept = list(attachments(turn, percept, self.input_limits))
            self.store.append(conversation_id, percept.words, reply, kept)
            for piece in re.findall(r"\S+\s*", reply.text):
                yield Token(text=piece)
            yield Done(reply=reply)

    def close(self) -> None:
        """Give the index free for other processes, let go of the databases, end the decoders."""
        self.encoders.decoder.close()
        self.knowledge.close()
        self.store.close()
        self.shop.close()

    def _decide(
        self,
        percept: Percept,
        fused: Fused,
        found: Findings,
        history: Sequence[Message],
        shown: Sequence[Reply],
        conversation_id: str,
        turn: Turn,
    ) -> Verdict:
        """A person first, then what the shop itself mapped, the order flow and the policy; acts are
        done here, once."""
        if not percept.present - {"history"}:
            return Verdict(((Decline("unreadable"), None),))
        if with_person := self.store.handed_off(conversation_id):
            return Verdict(((HandOff("taken" if with_person == "taken" else "waiting", ""), None),))
        intent = sure_intent(fused, self.limits)
        state = self.store.flow(conversation_id)
        words = own_words(percept) if turn.text.strip() or not turn.choices else ""
        unhappy_before = bool(shown) and shown[-1].mood <= self.limits.unhappy
        own = self.own
        if wants_person(fused, self.limits, unhappy_before) or _is_pending(state, shown, percept):
            own = None
        if own and (label := own.label(words, self.limits)):
            state, decision = own.act_on(label, state, words, history, self.shop)
        else:
            printed = order_numbers(percept.printed, self.shop.rules)
            state, decision = advance(state, words, intent, self.shop, turn.choices, printed)
        if decision is None:
            decision = decide(
                fused,
                found.hits,
                found.words,
                history,
                self.limits,
                photo="photo" in percept.present,
                unsold=found.unsold,
                unhappy_before=unhappy_before,
            )
        steps: list[tuple[Decision, Outcome | None]] = []
        following: Decision | None = decision
        while following is not None:
            outcome = None
            if isinstance(following, Act) and state.customer:
                outcome = self.shop.perform(following, state.customer)
            steps.append((following, outcome))
            if isinstance(following, Ask | HandOff):
                break
            # what waits, or the question that was interrupted
            state, following = go_on(state, self.shop)
        self.store.save_flow(conversation_id, state)
        last = steps[-1][0]
        if isinstance(last, HandOff):
            urgency = priority(fused.mood, last.reason, self.limits)
            self.store.hand_off(conversation_id, last.reason, last.summary, urgency)
        return Verdict(tuple(steps))

    @contextmanager
    def _alone(self, conversation_id: str) -> Iterator[None]:
        """Refuse a second turn of the same conversation. No lock is held in between."""
        with self._guard:
            if conversation_id in self._answering:
                raise Busy("Your last message is still being answered. Please wait a moment.")
            self._answering.add(conversation_id)
        try:
            yield
        finally:
            with self._guard:
                self._answering.discard(conversation_id)


def spelt(turn: Turn, shown: Sequence[Reply]) -> Turn:
    """A turn of nothing but choices reads as what stands on the buttons."""
    if not turn.choices or turn.text.strip():
        return turn
    asked = shown[-1].decision if shown else None
    labels = {c.id: c.label for c in asked.choices} if isinstance(asked, Ask) else {}
    return replace(turn, text=", ".join(labels.get(id, id) for id in turn.choices))


def _deed(act: Act, outcome: Outcome) -> Deed:
    return Deed(
        action=act.action, arguments=dict(act.arguments), ok=outcome.ok, message=outcome.message
    )


def _is_pending(state: FlowState, shown: Sequence[Reply], percept: Percept) -> bool:
    """Whether the words are about something else as well: our open question, or a photo."""
    asked = shown[-1].decision if shown else None
    question = isinstance(asked, Ask) and asked.slot != "wish"
    return state.wish is not None or question or "photo" in percept.present


def _notes(percept: Percept) -> Iterator[str]:
    """What was degraded, and why, in sentences for the customer and the shop."""
    yield from percept.problems
    if percept.transcript and percept.transcript.engine == "pocketsphinx":
        yield (
            "The recording was heard by PocketSphinx, without Whisper's weights: only English is "
            "heard, and some words may be wrong."
        )


def _heard(percept: Percept) -> Heard:
    return Heard(
        words=percept.words,
        transcript=percept.transcript,
        printed=percept.printed,
        present=tuple(sorted(percept.present)),
        problems=percept.problems,
        photos=percept.photos,
    )


def _understood(fused: Fused) -> Understood:
    return Understood(
        intent=fused.intent,
        intents=dict(list(fused.intents.items())[:INTENTS_SHOWN]),
        out_of_scope=fused.out_of_scope,
        mood=fused.mood,
        attributions=_games(fused),
    )


def _found(found: Findings) -> Found:
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
    )


def _games(fused: Fused) -> dict[str, dict[str, float]]:
    return {game: dict(values) for game, values in asdict(fused.attributions).items()}


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = perf_counter()
    try:
        yield
    finally:
        seconds[stage] = perf_counter() - started
