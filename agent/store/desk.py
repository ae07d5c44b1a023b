"""Hand-offs as the people of the shop work on them: what waits, what came along, how it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, text

from agent.attachments import Attachment
from agent.errors import Busy, NotFound
from agent.store import Store
from agent.store.sql import writing
from agent.store.turns import alone

End = Literal["resolved", "returned", "open"]
"""What becomes of a hand-off: it is resolved; the agent goes on, unresolved; it waits again."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A hand-off that is not done, and the last that the customer said."""

    conversation: str
    reason: str
    since: str  # ISO 8601, UTC
    priority: int  # 0 as it comes, 1 sooner, 2 first
    person: str  # who has it; "" when nobody has
    words: str
    mood: float  # in [-1, 1]
    turns: int  # of the conversation so far, by which a change is seen
    customer: str  # the shop's id; "" when nobody was identified


@dataclass(frozen=True, slots=True)
class Enclosed:
    """Something that came along with a turn, without its data."""

    turn: int
    place: int
    kind: str


def queue(store: Store) -> list[Queued]:
    """Those that must come first, then longest waiting."""
    query = text(
        "SELECT h.conversation, h.reason, h.at, h.priority, h.person, t.words, t.reply,"
        " (SELECT COUNT(*) FROM turns WHERE conversation = h.conversation) AS turns,"
        " (SELECT MAX(customer) FROM identified WHERE conversation = h.conversation) AS customer"
        " FROM hand_offs h LEFT JOIN turns t ON t.conversation = h.conversation AND t.place ="
        " (SELECT MAX(place) FROM turns WHERE conversation = h.conversation AND words <> '')"
        " WHERE h.state IN ('open', 'taken') ORDER BY h.priority DESC, h.at, h.id"
    )
    with store.engine.begin() as db:
        rows = db.execute(query).all()
    first: dict[str, Queued] = {}  # a conversation that is in it twice is shown once
    for row in rows:
        mood = float(json.loads(row.reply)["mood"]) if row.reply else 0.0
        one = Queued(
            row.conversation,
            row.reason,
            row.at,
            row.priority,
            row.person,
            row.words or "",
            mood,
            row.turns,
            row.customer or "",
        )
        first.setdefault(one.conversation, one)
    return list(first.values())


def enclosed(store: Store, conversation: str) -> list[Enclosed]:
    """What came along in the conversation, in order."""
    query = text(
        "SELECT turn, place, kind FROM attachments WHERE conversation = :id ORDER BY turn, place"
    )
    with store.engine.begin() as db:
        return [Enclosed(*row) for row in db.execute(query, {"id": conversation})]


def attachment(store: Store, conversation: str, turn: int, place: int) -> Attachment:
    """Raises NotFound."""
    query = text(
        "SELECT kind, data FROM attachments"
        " WHERE conversation = :id AND turn = :turn AND place = :place"
    )
    with store.engine.begin() as db:
        row = db.execute(query, {"id": conversation, "turn": turn, "place": place}).first()
    if row is None:
        raise NotFound("There is no such attachment.")
    return Attachment(row.kind, bytes(row.data))


def moments(store: Store, conversation: str) -> list[str]:
    """When each turn was stored, oldest first; ISO 8601, UTC."""
    query = text("SELECT at FROM turns WHERE conversation = :id ORDER BY place")
    with store.engine.begin() as db:
        return list(db.scalars(query, {"id": conversation}))


def let_go(store: Store, conversation: str, person: str, end: End) -> None:
    """`person`, who has the conversation or takes what nobody has, is done with it.

    Unless it waits again, the agent answers from now on, and a flow that was open when the person
    came is forgotten. Raises Busy when somebody else has it, and NotFound when nothing waits.
    """
    with writing(store.engine) as db:
        alone(db, conversation)
        _only(db, conversation, person)
        db.execute(
            text(
                "UPDATE hand_offs SET state = :state, person = :person"
                " WHERE conversation = :id AND state IN ('open', 'taken')"
            ),
            {"id": conversation, "state": end, "person": "" if end == "open" else person},
        )
    if end != "open":
        state = store.flow(conversation)
        store.save_flow(conversation, state.ended().but(queue=()))


def _only(db: Connection, conversation: str, person: str) -> None:
    rows = db.execute(
        text(
            "SELECT person FROM hand_offs WHERE conversation = :id AND state IN ('open', 'taken')"
        ),
        {"id": conversation},
    ).all()
    if not rows:
        raise NotFound("This conversation is not waiting for a person any more.")
    if others := {row.person for row in rows} - {"", person}:
        raise Busy(f"{' and '.join(sorted(others))} already has this conversation.")
