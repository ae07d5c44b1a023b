"""What goes out to helpdesks: written with the turn that says it, sent in order, tried again.

A message is waiting until it was sent, or dead after so many tries. One that waits holds up what
comes after it in its conversation, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import text

from agent.errors import NotFound
from agent.store import Store
from agent.store_sql import writing

TRIES = 8
FIRST, LONGEST = 5.0, 3600.0  # seconds before the second try, doubled after each, and the most
SENDING = 60.0  # seconds that one who sends has for it, before another may

Kind = Literal["reply", "handoff"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a helpdesk; `id` names it wherever it is sent, however often."""

    id: str
    conversation: str
    channel: str  # the connector, a colon, and the helpdesk's own name of the conversation
    kind: Kind
    body: str
    at: str  # ISO 8601, UTC
    state: str  # waiting, sent, dead
    tries: int
    due: str
    error: str


_COLUMNS = "o.id, o.conversation, o.channel, o.kind, o.body, o.at, o.state, o.tries, o.due, o.error"


def next_out(store: Store) -> Message | None:
    """The next message that is due, which is this caller's to send for a minute; the oldest of a
    conversation first, and none that comes after one that still waits."""
    now = datetime.now(UTC)
    with writing(store.engine) as db:
        row = db.execute(
            text(
                f"SELECT {_COLUMNS} FROM outbox o WHERE o.state = 'waiting' AND o.due <= :now"
                " AND NOT EXISTS (SELECT 1 FROM outbox before WHERE before.state = 'waiting'"
                " AND before.conversation = o.conversation AND before.place < o.place)"
                " ORDER BY o.place LIMIT 1"
            ),
            {"now": now.isoformat()},
        ).first()
        if row is None:
            return None
        until = (now + timedelta(seconds=SENDING)).isoformat()
        ours = db.execute(
            text("UPDATE outbox SET due = :until WHERE id = :id AND due = :due"),
            {"until": until, "id": row.id, "due": row.due},
        )
        return Message(*row) if ours.rowcount else None


def sent(store: Store, id: str) -> None:
    with store.engine.begin() as db:
        db.execute(text("UPDATE outbox SET state = 'sent', error = '' WHERE id = :id"), {"id": id})


def failed(store: Store, message: Message, error: str, for_good: bool = False) -> bool:
    """Try again later, twice as late as the last time; whether it is dead instead."""
    tries = message.tries + 1
    dead = for_good or tries >= TRIES
    later = datetime.now(UTC) + timedelta(seconds=min(FIRST * 2 ** (tries - 1), LONGEST))
    with store.engine.begin() as db:
        db.execute(
            text(
                "UPDATE outbox SET state = :state, tries = :tries, due = :due, error = :error"
                " WHERE id = :id"
            ),
            {
                "state": "dead" if dead else "waiting",
                "tries": tries,
                "due": later.isoformat(),
                "error": error[:500],
                "id": message.id,
            },
        )
    return dead


def list_out(store: Store, everything: bool = False) -> list[Message]:
    """Those that wait or are dead, or every one, oldest first."""
    where = "" if everything else " WHERE o.state <> 'sent'"
    with store.engine.begin() as db:
        rows = db.execute(text(f"SELECT {_COLUMNS} FROM outbox o{where} ORDER BY o.place"))
        return [Message(*row) for row in rows]


def retry(store: Store, id: str | None) -> int:
    """Send one message, or every dead one, again from anew; how many. Raises NotFound."""
    which = "id = :id AND state <> 'sent'" if id else "state = 'dead'"
    with store.engine.begin() as db:
        again = db.execute(
            text(f"UPDATE outbox SET state = 'waiting', tries = 0, due = '' WHERE {which}"),
            {"id": id},
        )
    if id and not again.rowcount:
        raise NotFound(f"No message {id} waits or is dead.")
    return again.rowcount


def counts(store: Store) -> dict[tuple[str, str], int]:
    """How many messages: (inbox or outbox, state) -> count."""
    found: dict[tuple[str, str], int] = {}
    with store.engine.begin() as db:
        for box in ("inbox", "outbox"):
            rows = db.execute(text(f"SELECT state, COUNT(*) FROM {box} GROUP BY state"))
            found |= {(box, state): count for state, count in rows}
    return found
