"""Messages from and to helpdesks, each kept until it was dealt with, in order, tried again.

The inbox has what was delivered, written before it is acknowledged; the outbox what is said in
helpdesks' conversations, written with the turn that says it. A message is waiting, then done, or
dead after so many tries. One that waits holds up what comes after it in its conversation, and
nothing else. Whoever deals with it holds it meanwhile, as a conversation is held
(agent/store/lease.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from agent.errors import NotFound
from agent.store import Store
from agent.store.lease import SECONDS, holder, is_dead
from agent.store.sql import writing
from agent.store.turns import new_id, now, send

TRIES = 8
FIRST, LONGEST = 5.0, 3600.0  # seconds before the second try, doubled after each, and the most

Box = Literal["inbox", "outbox"]


@dataclass(frozen=True, slots=True)
class Message:
    """`channel` is the helpdesk, a colon, and its own name of the conversation; `id` names the
    message wherever it is sent, however often; `kind` is received, reply or handoff."""

    box: Box
    id: str
    channel: str
    kind: str
    body: str
    at: str  # ISO 8601, UTC
    state: str  # waiting, done, dead
    tries: int
    due: str
    error: str

    @property
    def helpdesk(self) -> str:
        return self.channel.partition(":")[0]

    @property
    def there(self) -> str:
        """The helpdesk's own name of the conversation."""
        return self.channel.partition(":")[2]


_KEY = {"inbox": "message", "outbox": "id"}
_COLUMNS = {
    "inbox": "m.message, m.channel, 'received', m.body, m.at, m.state, m.tries, m.due, m.error",
    "outbox": "m.id, m.channel, m.kind, m.body, m.at, m.state, m.tries, m.due, m.error",
}


def receive(store: Store, delivery: str, message: str, channel: str, body: str) -> bool:
    """Keep what was delivered; whether it is new. Both names come from the helpdesk: a delivery
    that is repeated and a message that is delivered anew are the same message still."""
    values = {
        "delivery": delivery,
        "message": message,
        "channel": channel,
        "body": body,
        "at": now(),
    }
    known = text("SELECT 1 FROM inbox WHERE delivery = :delivery OR message = :message")
    while True:
        try:
            with writing(store.engine) as db:
                if db.execute(known, values).first():
                    return False
                db.execute(
                    text(
                        "INSERT INTO inbox (place, delivery, message, channel, body, at) VALUES"
                        " ((SELECT COALESCE(MAX(place), 0) + 1 FROM inbox), :delivery, :message,"
                        " :channel, :body, :at)"
                    ),
                    values,
                )
            return True
        except IntegrityError:
            continue  # another process wrote in between: is it this message, or this place?


def next_due(store: Store, box: Box) -> Message | None:
    """The next message that is due, held by the caller from now on: the oldest first, and none
    that comes after one of its conversation that still waits."""
    at = datetime.now(UTC)
    with writing(store.engine) as db:
        row = db.execute(
            text(
                f"SELECT {_COLUMNS[box]} FROM {box} m WHERE m.state = 'waiting' AND m.due <= :now"
                f" AND NOT EXISTS (SELECT 1 FROM {box} b WHERE b.state = 'waiting'"
                " AND b.channel = m.channel AND b.place < m.place) ORDER BY m.place LIMIT 1"
            ),
            {"now": at.isoformat()},
        ).first()
        if row is None:
            return None
        message = Message(box, *row)
        ours = db.execute(
            text(
                f"UPDATE {box} SET due = :until, holder = :holder"
                f" WHERE {_KEY[box]} = :id AND due = :due"
            ),
            {
                "until": (at + timedelta(seconds=SECONDS)).isoformat(),
                "holder": holder(),
                "id": message.id,
                "due": message.due,
            },
        )
        return message if ours.rowcount else None


def free(store: Store) -> None:
    """Let go of what killed processes of this machine held."""
    with writing(store.engine) as db:
        for box in ("inbox", "outbox"):
            query = text(f"SELECT DISTINCT holder FROM {box} WHERE holder <> ''")
            for name in filter(is_dead, db.scalars(query).all()):
                db.execute(
                    text(f"UPDATE {box} SET due = '', holder = '' WHERE holder = :name"),
                    {"name": name},
                )


def done(store: Store, message: Message) -> None:
    """Dealt with. Only its names stay of one that was received: the turn has the rest."""
    body = ", body = ''" if message.box == "inbox" else ""
    _set(store, message, f"state = 'done', holder = '', error = ''{body}")


def later(store: Store, message: Message, seconds: float) -> None:
    """Not now, through no fault of its own."""
    due = datetime.now(UTC) + timedelta(seconds=seconds)
    _set(store, message, "due = :due, holder = ''", due=due.isoformat())


def failed(store: Store, message: Message, error: str, for_good: bool = False) -> bool:
    """Try again, twice as late as the last time; whether it is dead instead."""
    tries = message.tries + 1
    dead = for_good or tries >= TRIES
    due = datetime.now(UTC) + timedelta(seconds=min(FIRST * 2 ** (tries - 1), LONGEST))
    changes = "state = :state, tries = :tries, due = :due, error = :error, holder = ''"
    state = "dead" if dead else "waiting"
    _set(store, message, changes, state=state, tries=tries, due=due.isoformat(), error=error[:500])
    return dead


def messages(store: Store, box: Box, everything: bool = False) -> list[Message]:
    """Those that wait or are dead, or every one, oldest first."""
    where = "" if everything else " WHERE m.state <> 'done'"
    with store.engine.begin() as db:
        rows = db.execute(text(f"SELECT {_COLUMNS[box]} FROM {box} m{where} ORDER BY m.place"))
        return [Message(box, *row) for row in rows]


def retry(store: Store, box: Box, id: str | None) -> int:
    """Try one message, or every dead one, from anew; how many. Raises NotFound."""
    which = f"{_KEY[box]} = :id AND state <> 'done'" if id else "state = 'dead'"
    with store.engine.begin() as db:
        again = db.execute(
            text(f"UPDATE {box} SET state = 'waiting', tries = 0, due = '' WHERE {which}"),
            {"id": id},
        )
    if id and not again.rowcount:
        raise NotFound(f"No message {id} waits or is dead.")
    return again.rowcount


def counts(store: Store) -> dict[tuple[str, str], int]:
    """How many messages: (box, state) -> count."""
    found: dict[tuple[str, str], int] = {}
    with store.engine.begin() as db:
        for box in ("inbox", "outbox"):
            rows = db.execute(text(f"SELECT state, COUNT(*) FROM {box} GROUP BY state"))
            found |= {(box, state): count for state, count in rows}
    return found


def conversation_of(store: Store, channel: str) -> str:
    """The conversation of this channel, begun if there is none."""
    query = text("SELECT id FROM conversations WHERE channel = :channel")
    values = {"id": new_id(), "at": now(), "channel": channel}
    with writing(store.engine) as db:
        db.execute(
            text(
                "INSERT INTO conversations (id, began_at, channel) VALUES (:id, :at, :channel)"
                " ON CONFLICT DO NOTHING"
            ),
            values,
        )
        return db.execute(query, values).scalar_one()


def tell(store: Store, conversation: str, id: str, words: str) -> None:
    """Say something to the customer that is no reply: why their message cannot be used."""
    try:
        with writing(store.engine) as db:
            send(db, conversation, "reply", id, words)
    except IntegrityError:
        return  # it was said before


def _set(store: Store, message: Message, changes: str, **values: object) -> None:
    with store.engine.begin() as db:
        db.execute(
            text(f"UPDATE {message.box} SET {changes} WHERE {_KEY[message.box]} = :id"),
            {"id": message.id, **values},
        )
