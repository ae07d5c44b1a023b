"""What is remembered between turns: conversations, flow states and hand-offs.

Every method is one short transaction, so nothing here lives across a `yield`. Where two processes
could meet, the transaction begins with the write that only one of them can do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from agent.attachments import Attachment
from agent.errors import Busy, NotFound
from agent.state import FlowState
from agent.store.lease import hold, release
from agent.store.sql import connect, migrate, writing
from agent.store.turns import (
    Taken,
    alone,
    new_id,
    now,
    require,
    write_attachments,
    write_events,
    write_flow,
    write_hand_off,
    write_turn,
)
from agent.types import Done, Event, HandOff, Reply
from fusion.types import Message


@dataclass(frozen=True, slots=True)
class Waiting:
    """A hand-off that no person has resolved yet."""

    conversation: str
    reason: str
    summary: str
    since: str  # ISO 8601, UTC
    priority: int  # 0 as it comes, 1 sooner, 2 first
    person: str  # who has taken it; "" when nobody has


EVENT: TypeAdapter[Event] = TypeAdapter(Event)
RECENT = 6  # turns that are looked at whole; of those before, their memory

PERSON = "person"
"""Reason of the decision in a reply that a person wrote."""


def messages(turns: Iterable[tuple[str, Reply]]) -> list[Message]:
    """What both sides said, oldest first."""
    return [
        message
        for words, reply in turns
        for message in (Message("customer", words), Message("agent", reply.text))
        if message.text
    ]


class Store:
    """The memory at `url`, e.g. "sqlite:////path/conversations.db", brought up to date on opening.

    Raises SetupError when the database cannot be opened or written, and NotFound from any method
    given a conversation that does not exist.
    """

    def __init__(self, url: str) -> None:
        self.engine = connect(url)
        migrate(self.engine)

    def close(self) -> None:
        self.engine.dispose()

    def new_conversation(self) -> str:
        """The id of a new conversation."""
        id = new_id()
        with self.engine.begin() as db:
            db.execute(
                text("INSERT INTO conversations (id, began_at) VALUES (:id, :at)"),
                {"id": id, "at": now()},
            )
        return id

    def exists(self, conversation_id: str) -> bool:
        with self.engine.begin() as db:
            found = db.execute(
                text("SELECT 1 FROM conversations WHERE id = :id"), {"id": conversation_id}
            )
            return found.first() is not None

    def hold(self, conversation_id: str) -> str:
        """Hold the conversation to answer a turn in it; `append` or `release` lets go of it.

        Raises Busy while somebody else holds it.
        """
        return hold(self.engine, conversation_id)

    def release(self, conversation_id: str, holder: str) -> None:
        release(self.engine, conversation_id, holder)

    def append(
        self,
        conversation_id: str,
        words: str,
        reply: Reply,
        attached: Iterable[Attachment] = (),
        *,
        events: Iterable[Event] = (),
        state: FlowState | None = None,
        priority: int | None = None,
        taken: Taken | None = None,
    ) -> None:
        """Remember one turn, all of it or nothing: the customer's `words` as heard, what came
        along, the events and the reply; the flow's new `state`; and with a `priority` that the
        reply hands the conversation to a person.

        Raises ValueError when a reply of this id is already stored, and Busy when the conversation
        is not held any more by whom it was `taken`.
        """
        try:
            with writing(self.engine) as db:
                turn = write_turn(db, conversation_id, words, reply, taken)
                write_attachments(db, conversation_id, turn, attached)
                write_events(db, conversation_id, turn, events)
                if state is not None:
                    write_flow(db, conversation_id, state)
                if priority is not None and isinstance(reply.decision, HandOff):
                    write_hand_off(db, conversation_id, reply.decision, priority)
        except IntegrityError as error:
            raise ValueError(f"A reply with the id {reply.id} is already stored.") from error

    def amend(self, reply: Reply) -> None:
        """Put other words in the place of those that were stored with the reply."""
        with writing(self.engine) as db:
            db.execute(
                text("UPDATE turns SET reply = :reply WHERE reply_id = :id"),
                {"reply": reply.model_dump_json(), "id": reply.id},
            )
            db.execute(
                text("UPDATE outbox SET body = :body WHERE id = :id"),
                {"body": reply.text, "id": reply.id},
            )

    def answered(self, conversation_id: str, delivery: str) -> tuple[Reply, str] | None:
        """The reply to the turn of this delivery, and the fingerprint of what was sent."""
        query = text(
            "SELECT reply, fingerprint FROM turns WHERE conversation = :id AND delivery = :delivery"
        )
        with self.engine.begin() as db:
            row = db.execute(query, {"id": conversation_id, "delivery": delivery}).first()
        return (Reply.model_validate_json(row.reply), row.fingerprint) if row else None

    def events(self, conversation_id: str, after: int = 0) -> list[tuple[int, list[Event]]]:
        """The turns after the one in this place, with their events; `Done` is the last of each."""
        self._require(conversation_id)
        values = {"id": conversation_id, "after": after}
        with self.engine.begin() as db:
            kept = db.execute(
                text(
                    "SELECT turn, event FROM events WHERE conversation = :id AND turn > :after"
                    " ORDER BY turn, place"
                ),
                values,
            ).all()
            turns = db.execute(
                text(
                    "SELECT place, reply FROM turns WHERE conversation = :id AND place > :after"
                    " ORDER BY place"
                ),
                values,
            ).all()
        said: dict[int, list[Event]] = {row.place: [] for row in turns}
        for row in kept:
            said[row.turn].append(EVENT.validate_json(row.event))
        for row in turns:
            said[row.place].append(Done(reply=Reply.model_validate_json(row.reply)))
        return list(said.items())

    def attached(self, conversation_id: str) -> list[Attachment]:
        """Everything that came along in the conversation, in order."""
        self._require(conversation_id)
        with self.engine.begin() as db:
            rows = db.execute(
                text(
                    "SELECT kind, data FROM attachments WHERE conversation = :id"
                    " ORDER BY turn, place"
                ),
                {"id": conversation_id},
            )
            return [Attachment(*row) for row in rows]

    def transcript(self, conversation_id: str) -> list[tuple[str, Reply]]:
        """Every turn in order: the customer's words and the whole reply. What a person wrote
        without being asked stands there with no words."""
        self._require(conversation_id)
        return self._turns(conversation_id, limit=2**31 - 1)

    def replies(self, conversation_id: str) -> list[Reply]:
        """Every reply in order."""
        return [reply for _, reply in self.transcript(conversation_id)]

    def recent(self, conversation_id: str) -> list[tuple[str, Reply]]:
        """The last RECENT turns, oldest first: the customer's words and the whole reply."""
        turns = self._turns(conversation_id, limit=RECENT)
        if not turns:
            self._require(conversation_id)
        return turns

    def flow(self, conversation_id: str) -> FlowState:
        """Where the conversation's order flow stands; a fresh state when none was saved."""
        with self.engine.begin() as db:
            row = db.execute(
                text("SELECT flow FROM conversations WHERE id = :id"), {"id": conversation_id}
            ).first()
        if row is None:
            raise NotFound("There is no such conversation.")
        if not row.flow:
            return FlowState(conversation=conversation_id)
        return FlowState.model_validate_json(row.flow)

    def save_flow(self, conversation_id: str, state: FlowState) -> None:
        """Also remembers whose conversation it is, once the flow knows."""
        with writing(self.engine) as db:
            write_flow(db, conversation_id, state)

    # --- Hand-offs --------------------------------------------------------------------------------

    def hand_off(
        self, conversation_id: str, reason: str, summary: str, priority: int = 0, person: str = ""
    ) -> None:
        """Put the conversation among those that wait for a person, or that `person` has."""
        with writing(self.engine) as db:
            write_hand_off(db, conversation_id, HandOff(reason, summary), priority, person)

    def handed_off(self, conversation_id: str) -> str:
        """Whether the agent is silent: "open" while the conversation waits for a person, "taken"
        while one has it, "" otherwise."""
        with self.engine.begin() as db:
            state = db.scalar(
                text(
                    "SELECT MAX(state) FROM hand_offs WHERE conversation = :id"
                    " AND state IN ('open', 'taken')"
                ),
                {"id": conversation_id},
            )
            return state or ""

    def waiting(self) -> list[Waiting]:
        """The hand-offs that are not done: those that must come first, then longest waiting."""
        with self.engine.begin() as db:
            rows = db.execute(
                text(
                    "SELECT conversation, reason, summary, at, priority, person FROM hand_offs"
                    " WHERE state IN ('open', 'taken') ORDER BY priority DESC, at, id"
                )
            )
            return [Waiting(*row) for row in rows]

    def take_over(self, conversation_id: str, person: str) -> None:
        """`person` has the conversation from now on, asked for or not.

        Raises Busy when somebody else has it.
        """
        with writing(self.engine) as db:
            alone(db, conversation_id)
            rows = db.execute(
                text(
                    "SELECT id, person FROM hand_offs WHERE conversation = :id"
                    " AND state IN ('open', 'taken')"
                ),
                {"id": conversation_id},
            ).all()
            if others := {row.person for row in rows} - {"", person}:
                raise Busy(f"{' and '.join(sorted(others))} already has this conversation.")
            db.execute(
                text(
                    "UPDATE hand_offs SET state = 'taken', person = :person"
                    " WHERE conversation = :id AND state IN ('open', 'taken')"
                ),
                {"id": conversation_id, "person": person},
            )
        if not rows:
            self.hand_off(conversation_id, "taken", "", person=person)

    def human_reply(self, conversation_id: str, person: str, words: str) -> Reply:
        """What `person` writes to the customer, who reads it like any reply.

        Raises Busy when somebody else has the conversation.
        """
        self.take_over(conversation_id, person)
        reply = Reply(
            id=new_id(),
            conversation=conversation_id,
            text=words,
            decision=HandOff(PERSON, ""),
            intent="",
            notes=(f"Written by {person}.",),
        )
        with writing(self.engine) as db:
            write_turn(db, conversation_id, "", reply)
        return reply

    def resolve(self, conversation_id: str) -> None:
        """The agent answers again; a flow that was open when the person came is forgotten."""
        self._require(conversation_id)
        self.save_flow(conversation_id, self.flow(conversation_id).ended().but(queue=()))
        with self.engine.begin() as db:
            db.execute(
                text(
                    "UPDATE hand_offs SET state = 'resolved' WHERE conversation = :id"
                    " AND state IN ('open', 'taken')"
                ),
                {"id": conversation_id},
            )

    def _turns(self, conversation_id: str, limit: int) -> list[tuple[str, Reply]]:
        with self.engine.begin() as db:
            rows = db.execute(
                text(
                    "SELECT words, reply FROM turns WHERE conversation = :id"
                    " ORDER BY place DESC LIMIT :limit"
                ),
                {"id": conversation_id, "limit": limit},
            ).all()
        return [(row.words, Reply.model_validate_json(row.reply)) for row in reversed(rows)]

    def _require(self, conversation_id: str) -> None:
        with self.engine.begin() as db:
            require(db, conversation_id)
