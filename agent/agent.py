"""THE MAIN PATH: one turn in, a stream of typed events out.

Everything is synchronous. No lock and no database connection lives across a `yield`: a door may
run each step on another thread, or close the stream in between. What a turn changes is stored
before its words are streamed, so a customer who leaves early finds the whole reply later.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, starmap
from time import perf_counter
from typing import TYPE_CHECKING

from agent import events
from agent.address import is_written_out
from agent.answerer import Answerer
from agent.attachments import attachments
from agent.chips import spelt, without_chip
from agent.compose import SILENT, BuiltinComposer
from agent.damage import leant, speaks
from agent.find import Findings, own_words
from agent.flows import advance
from agent.listening import expected
from agent.local import asides, in_language, labelled, nameable, noted, whole, wished
from agent.mood import earlier, priority, softened, was_unhappy
from agent.orders import Shop
from agent.planning import is_open, merged, plan, standing
from agent.policy import asks_to_speak, only_points, sure_intent, wants_person
from agent.printed import articles, order_numbers
from agent.state import FlowState, Part, Verdict
from agent.steps import go_on, hand_off
from agent.store import Store, messages
from agent.store.turns import Taken, fingerprint, new_id
from agent.types import (
    Act,
    Answer,
    Ask,
    Decided,
    Decision,
    Decline,
    Done,
    Event,
    HandOff,
    Limits,
    Reply,
)
from fusion.mood import Moods
from fusion.perceive import Encoders, perceive
from fusion.types import BadInput, Fused, InputLimits, Message, Percept, Turn
from fusion.understand import FusionModule
from knowledge.index import Knowledge
from knowledge.types import Hit

if TYPE_CHECKING:  # LangChain and scikit-learn come with them: only who uses them loads them
    from agent.chat import Chat
    from agent.own import OwnIntents

log = logging.getLogger(__name__)


class Agent:
    """Answers turns. One object serves every conversation and every thread."""

    def __init__(
        self,
        knowledge: Knowledge,
        encoders: Encoders,
        fusion: FusionModule,
        shop: Shop,
        store: Store,
        composer: BuiltinComposer,
        moods: Moods,
        limits: Limits,
        input_limits: InputLimits,
        own: OwnIntents | None = None,
        chat: Chat | None = None,
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
        self.chat = chat
        self.answerer = Answerer(knowledge, encoders, fusion, shop.baskets, limits, input_limits)

    def reply(
        self, turn: Turn, conversation_id: str, delivery: str | None = None
    ) -> Generator[Event]:
        """The events of one turn, the last one `Done`. Close the stream when you stop early.

        A turn that comes again under the same name (`delivery`) is not answered again: it gets the
        reply that it had.

        Raises BadInput (empty turn, too long, the name of another turn), NotFound (no such
        conversation), Busy (an earlier turn of the conversation is still being answered),
        ShopError.
        """
        with self._alone(conversation_id, turn, delivery) as taken:
            if (earlier_reply := self._answered(conversation_id, taken)) is not None:
                yield from events.told_again(earlier_reply)
                return
            seconds: dict[str, float] = {}
            turns, state = self.store.recent(conversation_id), self.store.flow(conversation_id)
            history, shown = messages(turns), [reply for _, reply in turns]
            turn, obeyed = without_chip(spelt(turn, shown), shown, history)
            percept = nameable(
                perceive(turn, history, self.encoders, self.input_limits, expected(shown))
            )
            happened: list[Event] = [events.heard(percept)]
            yield happened[-1]

            with _timed(seconds, "understand"):
                fused = replace(self.fusion(percept), mood=self.moods(percept, earlier(history)))
            happened.append(events.understood(fused))
            yield happened[-1]

            with _timed(seconds, "find"):
                found = self.answerer.find(percept, fused, state.memory, obeyed)
            happened.append(events.found(found))
            yield happened[-1]

            with _timed(seconds, "decide"):
                verdict = self._decide(percept, fused, found, history, shown, state, turn, obeyed)
            with _timed(seconds, "compose"):
                drafts = [
                    self.composer.compose(
                        part.decision, part.outcome, part.found.hits, history, part.found.words
                    )
                    for part in verdict.parts
                ]
                language, drafts = in_language(percept, verdict.parts, drafts)
            drafts = [
                replace(draft, aside=asides([events.given_up(part)], language))
                for draft, part in zip(drafts, verdict.parts, strict=True)
            ]
            softer, after = softened(verdict.decision, fused.mood, history, self.limits)
            before = asides([*percept.problems, softer], language)
            after = asides([after], language)
            reply = Reply(
                id=new_id(),
                conversation=conversation_id,
                text=whole(before, drafts, after, language),
                language=language,
                citations=tuple(chain.from_iterable(draft.citations for draft in drafts)),
                decision=labelled(verdict.decision, language),
                intent=fused.intent,
                attributions=events.games(fused),
                products=tuple(chain.from_iterable(draft.products for draft in drafts)),
                comparison=next((d.comparison for d in drafts if d.comparison), None),
                done=tuple(starmap(events.deed, verdict.acts)),
                notes=noted([*events.notes(percept), *verdict.notes], language),
                mood=fused.mood,
                wishes=wished(chain.from_iterable(map(events.granted, verdict.parts)), language),
                transcript=percept.transcript,
                seconds={**percept.seconds, **seconds},
            )
            kept = list(attachments(turn, percept, self.input_limits))
            state = verdict.state.but(memory=verdict.state.memory.after(reply))
            decisions = [part.decision for part in verdict.parts]
            told = [Decided(decision=decision) for decision in decisions]
            self.store.append(
                conversation_id,
                percept.words,
                reply,
                kept,
                events=[*happened, *told],
                state=state,
                priority=verdict.priority,
                taken=taken,
            )
            log.info(
                "Answered",
                extra={
                    "conversation": conversation_id,
                    "turn": reply.id,
                    "intent": reply.intent,
                    "decision": reply.decision.kind,
                    "seconds": reply.seconds,
                },
            )
            yield from told  # nothing is left to be lost by now
            if self.chat is None:
                yield from events.told(reply)
                return
            # in better words, which take the place of what was stored once they are whole
            past = state.memory.told()
            words = [part.found.words for part in verdict.parts]
            if language != "en" and len(words) == 1:
                words = [percept.words]
            telling = self.chat.tell(
                before, decisions, drafts, after, history, words, past, language
            )
            text, notes = yield from events.streamed(telling)
            reply = reply.model_copy(
                update={"text": text, "notes": (*reply.notes, *noted(notes, language))}
            )
            self.store.amend(reply)
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
        state: FlowState,
        turn: Turn,
        obeyed: frozenset[str] | None,
    ) -> Verdict:
        """A person first, then what the shop itself mapped, the order flow and the policy; acts are
        done here, once."""
        if not percept.present - {"history"}:
            return Verdict((Part(Decline("unreadable"), found),), state)
        if with_person := self.store.handed_off(state.conversation):
            silent = HandOff("taken" if with_person == "taken" else "waiting", "")
            return Verdict((Part(silent, found),), state)
        words = own_words(percept) if turn.text.strip() or not turn.choices else ""
        if state.asked in ("address", "confirm") and is_written_out(turn.text):
            words = turn.text  # an address is in no language
        if percept.damage and speaks(words, state):
            fused, state = leant(fused), state.but(seen=str(percept.damage))
        # an error code on a display is asked about, whatever it sounds like; "and this?" is no wish
        bare = "photo" in percept.present and (not words or only_points(words))
        unspoken = (found.page and state.wish is None) or (bare and not percept.damage)
        intent = "" if unspoken else sure_intent(fused, self.limits)
        own = self.own
        person = wants_person(fused, words, self.limits, was_unhappy(shown, self.limits))
        if person or _is_pending(state, shown, percept):
            own = None
        if asks_to_speak(words):
            state, decision = state.ended().but(queue=()), None
        elif own and (label := own.label(words, self.limits)):
            state, decision = own.act_on(label, state, words, history, self.shop)
        else:
            printed = order_numbers(percept.printed, self.shop.rules)
            if percept.printed:
                state = state.but(shown=articles(percept.printed, self.knowledge))
            asked = state.asked
            state, decision = advance(state, words, intent, self.shop, turn.choices, printed)
            stuck = isinstance(decision, Ask) and decision.slot == asked
            if stuck and person == "unhappy":
                state, decision = hand_off(state, "unhappy")
        notes = ""
        if decision is None:
            answerer, past = self.answerer, (history, shown, state.memory)
            decision = answerer.decide(percept, fused, found, *past)
            alone = state.wish is None and isinstance(decision, Answer | Decline)
            if alone and (several := answerer.several(turn, percept, *past, obeyed)):
                return Verdict(several, state)
            if self.chat and state.wish is None and is_open(decision, words):
                known = standing(state, shown, self.shop)
                calls, notes = self.chat.plan(words, history, known)
                state, planned, hits = plan(
                    calls, state, words, found.hits, self._search, self.shop
                )
                found = replace(found, hits=hits)
                decision = planned or answerer.decide(percept, fused, found, *past)
        seen = [Hit(document, 0.0, {}) for document in found.seen]
        if isinstance(decision, Ask):  # what the photo shows may be among the choices
            found = replace(found, hits=merged(found.hits, seen))
        elif seen and decision == Decline("not_sold"):  # the nearest are those that look like it
            found = replace(found, hits=tuple(seen))
        parts: list[Part] = []
        following: Decision | None = decision
        while following is not None:
            outcome = None
            if isinstance(following, HandOff) and state.seen:
                following = replace(following, summary=f"{following.summary}\n{state.seen}")
            if isinstance(following, Act) and state.customer:
                outcome = self.shop.perform(following, state.customer)
            parts.append(Part(following, found, outcome))
            if isinstance(following, Ask | HandOff):
                break
            # what waits, or the question that was interrupted
            state, following = go_on(state, self.shop)
        last = parts[-1].decision
        urgency = None
        if isinstance(last, HandOff) and last.reason not in SILENT:
            urgency = priority(fused.mood, last.reason, self.limits)
        return Verdict(tuple(parts), state, tuple(filter(None, [notes])), urgency)

    def _search(self, query: str) -> Sequence[Hit]:
        return self.knowledge.search(query, self.encoders.text.encode([query])[0])

    @contextmanager
    def _alone(self, conversation_id: str, turn: Turn, delivery: str | None) -> Iterator[Taken]:
        """Refuse a second turn of the same conversation, in this process or another."""
        holder = self.store.hold(conversation_id)
        try:
            yield Taken(holder, delivery, fingerprint(turn) if delivery else "")
        finally:
            self.store.release(conversation_id, holder)

    def _answered(self, conversation_id: str, taken: Taken) -> Reply | None:
        """The reply that a turn of this name had. Raises BadInput when it was another turn."""
        if taken.delivery is None:
            return None
        answered = self.store.answered(conversation_id, taken.delivery)
        if answered and answered[1] != taken.fingerprint:
            raise BadInput("Another turn was sent under this name. Give every turn a new one.")
        return answered[0] if answered else None


def _is_pending(state: FlowState, shown: Sequence[Reply], percept: Percept) -> bool:
    """Whether the words are about something else as well: our open question, or a photo."""
    asked = shown[-1].decision if shown else None
    question = isinstance(asked, Ask) and asked.slot != "wish"
    return state.wish is not None or question or "photo" in percept.present


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = perf_counter()
    try:
        yield
    finally:
        seconds[stage] = perf_counter() - started
