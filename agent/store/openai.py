"""Which conversation a caller goes on with who sends all that was said, and no id."""

from __future__ import annotations

from sqlalchemy import text

from agent.store import Store
from agent.store.sql import writing
from agent.store.turns import new_id, now


def conversation_after(store: Store, said: str, request: str | None = None) -> str:
    """The conversation in which exactly that was said (a digest; "" for nothing), or a new one.

    Of the same `request`, sent again, it is the same one.
    """
    names = [name for name in (request and f"request/{request}", said and f"said/{said}") if name]
    query = text("SELECT conversation FROM said WHERE digest = :digest")
    with writing(store.engine) as db:
        for name in names:
            if found := db.scalar(query, {"digest": name}):
                return found
        id = new_id()
        db.execute(
            text("INSERT INTO conversations (id, began_at) VALUES (:id, :at)"),
            {"id": id, "at": now()},
        )
        if request:
            db.execute(
                text("INSERT INTO said (digest, conversation) VALUES (:digest, :id)"),
                {"digest": f"request/{request}", "id": id},
            )
    return id


def remember(store: Store, conversation: str, said: str) -> None:
    """That is what was said in it by now; where two said the same, the later goes on."""
    with writing(store.engine) as db:
        values = {"digest": f"said/{said}", "id": conversation}
        db.execute(text("DELETE FROM said WHERE digest = :digest"), values)
        db.execute(text("INSERT INTO said (digest, conversation) VALUES (:digest, :id)"), values)
