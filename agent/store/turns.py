"""The rows of a turn, written inside one transaction of the store."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from agent.attachments import Attachment
from agent.errors import Busy, NotFound
from agent.state import FlowState
from agent.types import Event, HandOff, Reply
from fusion.types import Turn


@dataclass(frozen=True, slots=True)
class Taken:
    """A conversation held to answer one turn in it.

    `delivery`: the sender's own name of the turn, by which it is answered once; None: it has none.
    `fingerprint`: a digest of what was sent.
    """

    holder: str
    delivery: str | None = None
    fingerprint: str = ""


def fingerprint(turn: Turn) -> str:
    """A digest by which two turns are told to be the same."""
    digest = blake2b(digest_size=16)
    checked = turn.transcript.text if turn.transcript else ""
    for part in (turn.text, checked, turn.audio, turn.video, *turn.photos, "", *turn.choices):
        data = part.encode(errors="surrogatepass") if isinstance(part, str) else part or b""
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def write_turn(
    db: Connection, conversation: str, words: str, reply: Reply, taken: Taken | None = None
) -> int:
    """Its place in the conversation, counted from 1. The conversation is free afterwards, and the
    reply stands in the outbox if the conversation is a helpdesk's.

    Raises NotFound, or Busy when somebody else holds the conversation by now.
    """
    # The first statement writes: of two that come at once, the second waits here for the first.
    held = db.execute(
        text(
            "UPDATE conversations SET holder = CASE WHEN holder = :holder THEN '' ELSE holder END"
            " WHERE id = :id AND (holder = :holder OR :anyway = 1)"
        ),
        {
            "id": conversation,
            "holder": taken.holder if taken else "",
            "anyway": 0 if taken else 1,
        },
    )
    if not held.rowcount:
        require(db, conversation)
        raise Busy("Another process answered in this conversation. Please send it again.")
    place = db.execute(
        text("SELECT COALESCE(MAX(place), 0) + 1 FROM turns WHERE conversation = :id"),
        {"id": conversation},
    ).scalar_one()
    at = now()
    db.execute(
        text(
            "INSERT INTO turns (conversation, place, reply_id, words, reply, at, delivery,"
            " fingerprint) VALUES (:conversation, :place, :reply_id, :words, :reply, :at,"
            " :delivery, :fingerprint)"
        ),
        {
            "conversation": conversation,
            "place": place,
            "reply_id": reply.id,
            "words": words,
            "reply": reply.model_dump_json(),
            "at": at,
            "delivery": taken.delivery if taken else None,
            "fingerprint": taken.fingerprint if taken else "",
        },
    )
    if reply.text:
        send(db, conversation, "reply", reply.id, reply.text)
    return place


def send(db: Connection, conversation: str, kind: str, id: str, body: str) -> None:
    """Put it in the outbox, if the conversation is a helpdesk's."""
    db.execute(
        text(
            "INSERT INTO outbox (id, conversation, place, channel, kind, body, at)"
            " SELECT :id, id, (SELECT COALESCE(MAX(place), 0) + 1 FROM outbox), channel, :kind,"
            " :body, :at FROM conversations WHERE id = :conversation AND channel <> ''"
        ),
        {"id": id, "conversation": conversation, "kind": kind, "body": body, "at": now()},
    )


def write_attachments(
    db: Connection, conversation: str, turn: int, attached: Iterable[Attachment]
) -> None:
    for place, attachment in enumerate(attached):
        db.execute(
            text(
                "INSERT INTO attachments (conversation, turn, place, kind, data)"
                " VALUES (:conversation, :turn, :place, :kind, :data)"
            ),
            {
                "conversation": conversation,
                "turn": turn,
                "place": place,
                "kind": attachment.kind,
                "data": attachment.data,
            },
        )


def write_events(db: Connection, conversation: str, turn: int, events: Iterable[Event]) -> None:
    rows = [
        {"conversation": conversation, "turn": turn, "place": n, "event": event.model_dump_json()}
        for n, event in enumerate(events)
    ]
    if rows:
        db.execute(
            text(
                "INSERT INTO events (conversation, turn, place, event)"
                " VALUES (:conversation, :turn, :place, :event)"
            ),
            rows,
        )


def write_flow(db: Connection, conversation: str, state: FlowState) -> None:
    """Also remembers whose conversation it is, once the flow knows. Raises NotFound."""
    saved = db.execute(
        text("UPDATE conversations SET flow = :flow WHERE id = :id"),
        {"flow": state.model_dump_json(), "id": conversation},
    )
    if saved.rowcount == 0:
        raise NotFound("There is no such conversation.")
    if state.customer:
        db.execute(
            text(
                "INSERT INTO identified (conversation, customer) VALUES (:id, :customer)"
                " ON CONFLICT DO NOTHING"
            ),
            {"id": conversation, "customer": state.customer.id},
        )


def write_hand_off(
    db: Connection, conversation: str, decision: HandOff, priority: int, person: str = ""
) -> None:
    """Raises NotFound."""
    id = new_id()
    try:
        db.execute(
            text(
                "INSERT INTO hand_offs"
                " (id, conversation, reason, summary, state, at, priority, person)"
                " VALUES (:id, :conversation, :reason, :summary, :state, :at, :priority, :person)"
            ),
            {
                "id": id,
                "conversation": conversation,
                "reason": decision.reason,
                "summary": decision.summary,
                "state": "taken" if person else "open",
                "at": now(),
                "priority": priority,
                "person": person,
            },
        )
    except IntegrityError as error:
        raise NotFound("There is no such conversation.") from error
    if not person:
        send(db, conversation, "handoff", id, decision.summary)


def alone(db: Connection, conversation: str) -> None:
    """Nobody else writes in the conversation until the transaction ends. Raises NotFound."""
    locks = text("UPDATE conversations SET holder = holder WHERE id = :id")
    if not db.execute(locks, {"id": conversation}).rowcount:
        raise NotFound("There is no such conversation.")


def require(db: Connection, conversation: str) -> None:
    """Raises NotFound."""
    query = text("SELECT 1 FROM conversations WHERE id = :id")
    if db.execute(query, {"id": conversation}).first() is None:
        raise NotFound("There is no such conversation.")


def new_id() -> str:
    """A name that cannot be guessed, and that no command line takes for an option."""
    return secrets.token_hex(16)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
