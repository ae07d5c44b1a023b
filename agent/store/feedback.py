"""Whether replies helped, as customers say."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import text

from agent.errors import NotFound
from agent.store import Store
from agent.store.sql import writing
from agent.store.turns import now

Rating = Literal["up", "down"]


def rate(store: Store, conversation: str, reply: str, rating: Rating, comment: str) -> None:
    """The last word counts. Raises NotFound when no such reply was given in the conversation."""
    values = {"conversation": conversation, "reply": reply}
    with writing(store.engine) as db:
        said = text("SELECT 1 FROM turns WHERE conversation = :conversation AND reply_id = :reply")
        if db.execute(said, values).first() is None:
            raise NotFound("There is no such reply in this conversation.")
        before = "DELETE FROM feedback WHERE conversation = :conversation AND reply_id = :reply"
        db.execute(text(before), values)
        db.execute(
            text(
                "INSERT INTO feedback (conversation, reply_id, rating, comment, at)"
                " VALUES (:conversation, :reply, :rating, :comment, :at)"
            ),
            values | {"rating": 1 if rating == "up" else -1, "comment": comment, "at": now()},
        )


def ratings(store: Store, conversation: str) -> dict[str, Rating]:
    """The replies of the conversation that were rated, by id."""
    query = text("SELECT reply_id, rating FROM feedback WHERE conversation = :id")
    with store.engine.begin() as db:
        rows = db.execute(query, {"id": conversation}).all()
    return {row.reply_id: "up" if row.rating > 0 else "down" for row in rows}
