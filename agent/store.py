"""What is remembered between turns: conversations, flow states and hand-offs.

Every method is one short transaction, so nothing here lives across a `yield`. Where two processes
could meet, the transaction begins with the write that only one of them can do.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from agent.attachments import Attachment
from agent.errors import Busy, NotFound
from agent.state import FlowState
from agent.store_sql import connect, migrate, writing
from agent.types import HandOff, Reply
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
        """The id of a new conversation: a token that cannot be guessed."""
        token = secrets.token_urlsafe(18)
        with self.engine.begin() as db:
            db.execute(
                text("INSERT INTO conversations (id, began_at) VALUES (:id, :at)"),
                {"id": token, "at": _now()},
            )
        return token

    def exists(self, conversation_id: str) -> bool:
        with self.engine.begin() as db:
            found = db.execute(
                text("SELECT 1 FROM conversations WHERE id = :id"), {"id": conversation_id}
            )
            return found.first() is not None

    def append(
        self,
        conversation_id: str,
        words: str,
        reply: Reply,
        attached: Iterable[Attachment] = (),
        state: FlowState | None = None,
    ) -> None:
        """Remember one turn at once: the customer's `words` as heard, what came along, the reply,
        and where the conversation stands now.

        Raises ValueError when a reply of this id is already stored.
        """
        try:
            with writing(self.engine) as db:
                turn = self._write_turn(db, conversation_id, words, reply)
                if state is not None:
                    self._write_flow(db, conversation_id, state)
                for place, attachment in enumerate(attached):
                    db.execute(
                        text(
                            "INSERT INTO attachments (conversation, turn, place, kind, data)"
                            " VALUES (:conversation, :turn, :place, :kind, :data)"
                        ),
                        {
                            "conversation": conversation_id,
                            "turn": turn,
                            "place": place,
                            "kind": attachment.kind,
                            "data": attachment.data,
                        },
                    )
        except IntegrityError as error:
            self._require(conversation_id)
            raise ValueError(f"A reply with the id {reply.id} is already stored.") from error

    def amend(self, reply: Reply) -> None:
        """Put other words in the place of those that were stored with the reply."""
        with self.engine.begin() as db:
            db.execute(
                text("UPDATE turns SET reply = :reply WHERE reply_id = :id"),
                {"reply": reply.model_dump_json(), "id": reply.id},
            )

    def _write_turn(self, db: Connection, conversation_id: str, words: str, reply: Reply) -> int:
        """Its place in the conversation, counted from 1."""
        place = db.execute(
            text("SELECT COALESCE(MAX(place), 0) + 1 FROM turns WHERE conversation = :id"),
            {"id": conversation_id},
        ).scalar_one()
        db.execute(
            text(
                "INSERT INTO turns (conversation, place, reply_id, words, reply, at) VALUES"
                " (:conversation, :place, :reply_id, :words, :reply, :at)"
            ),
            {
                "conversation": conversation_id,
                "place": place,
                "reply_id": reply.id,
                "words": words,
                "reply": reply.model_dump_json(),
                "at": _now(),
            },
        )
        return place

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
        return self._turns(conversation_id, limit=-1)

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
            self._write_flow(db, conversation_id, state)

    def _write_flow(self, db: Connection, conversation_id: str, state: FlowState) -> None:
        saved = db.execute(
            text("UPDATE conversations SET flow = :flow WHERE id = :id"),
            {"flow": state.model_dump_json(), "id": conversation_id},
        )
        if saved.rowcount == 0:
            raise NotFound("There is no such conversation.")
        if state.customer:
            db.execute(
                text(
                    "INSERT INTO identified (conversation, customer) SELECT :id, :customer"
                    " WHERE NOT EXISTS (SELECT 1 FROM identified"
                    " WHERE conversation = :id AND customer = :customer)"
                ),
                {"id": conversation_id, "customer": state.customer.id},
            )

    # --- Hand-offs --------------------------------------------------------------------------------

    def hand_off(
        self, conversation_id: str, reason: str, summary: str, priority: int = 0, person: str = ""
    ) -> None:
        """Put the conversation among those that wait for a person, or that `person` has."""
        try:
            with self.engine.begin() as db:
                db.execute(
                    text(
                        "INSERT INTO hand_offs"
                        " (id, conversation, reason, summary, state, at, priority, person)"
                        " VALUES (:id, :conversation, :reason, :summary, :state, :at, :priority,"
                        " :person)"
                    ),
                    {
                        "id": secrets.token_urlsafe(12),
                        "conversation": conversation_id,
                        "reason": reason,
                        "summary": summary,
                        "state": "taken" if person else "open",
                        "at": _now(),
                        "priority": priority,
                        "person": person,
                    },
                )
        except IntegrityError as error:
            raise NotFound("There is no such conversation.") from error

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
        self._require(conversation_id)
        with writing(self.engine) as db:
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
            id=secrets.token_urlsafe(12),
            conversation=conversation_id,
            text=words,
            decision=HandOff(PERSON, ""),
            intent="",
            notes=(f"Written by {person}.",),
        )
        with writing(self.engine) as db:
            self._write_turn(db, conversation_id, "", reply)
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
        if not self.exists(conversation_id):
            raise NotFound("There is no such conversation.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
