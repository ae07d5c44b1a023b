"""A person's own: what the store holds of somebody, given out, erased, or forgotten with time.

Erased is erased: SQLite overwrites what is deleted (`secure_delete`), and the file is written anew
without it (`VACUUM`), its write-ahead log included.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, text

from agent.errors import Busy
from agent.store import Store
from agent.store.sql import writing

TABLES = (
    "attachments", "events", "feedback", "outbox", "said", "turns", "hand_offs", "identified",
)  # fmt: skip
"""In the order of their references."""


def conversations_of(store: Store, customer: str, email: str) -> list[str]:
    """The conversations in which the customer with this id was identified, or wrote this e-mail
    address, oldest first; and the conversation of this id. "" stands for nothing known."""
    query = text(
        "SELECT id FROM conversations c WHERE id = :customer"
        " OR id IN (SELECT conversation FROM identified WHERE customer = :customer)"
        " OR (:email <> '' AND EXISTS (SELECT 1 FROM turns"
        " WHERE conversation = c.id AND replace(lower(words), :email, '') <> lower(words)))"
        " ORDER BY began_at, id"
    )
    with store.engine.begin() as db:
        return list(db.scalars(query, {"customer": customer, "email": email.lower()}))


def customers_of(store: Store, conversation: str) -> set[str]:
    """The ids of the customers who were identified in the conversation."""
    query = text("SELECT customer FROM identified WHERE conversation = :id")
    with store.engine.begin() as db:
        return set(db.scalars(query, {"id": conversation}))


def records(store: Store, conversation: str) -> dict[str, Any]:
    """Everything of one conversation, row by row; the data of attachments as bytes."""
    with store.engine.begin() as db:
        begun = db.execute(
            text("SELECT began_at, flow FROM conversations WHERE id = :id"), {"id": conversation}
        ).one()
        rows = {
            table: [
                dict(row)
                for row in db.execute(
                    text(f"SELECT * FROM {table} WHERE conversation = :id"), {"id": conversation}
                ).mappings()
            ]
            for table in TABLES
        }
    return {"id": conversation, **begun._asdict(), **rows}


def erase(store: Store, conversations: Sequence[str]) -> None:
    """Delete these conversations with everything that hangs on them.

    Raises Busy when another process reads the database for so long that its log cannot be emptied;
    what was to be erased is deleted then, and erasing once more empties the log.
    """
    if not conversations:
        return
    with writing(store.engine) as db:
        _delete(db, conversations)
    if store.engine.dialect.name != "sqlite":
        return
    with closing(store.engine.raw_connection()) as raw:  # VACUUM wants no transaction around it
        raw.execute("VACUUM")
        (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise Busy("The database is being read: what was erased still stands in its log. Again?")


def forget_older(store: Store, days: int) -> int:
    """Erase the conversations in which nothing was said for `days`, also those that wait for a
    person; how many."""
    until = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")
    query = text(
        "SELECT id FROM conversations WHERE COALESCE("
        "(SELECT MAX(at) FROM turns WHERE conversation = conversations.id), began_at) < :until"
    )
    with store.engine.begin() as db:
        old = list(db.scalars(query, {"until": until}))
    erase(store, old)
    return len(old)


def _delete(db: Connection, conversations: Sequence[str]) -> None:
    inbox = (
        "DELETE FROM inbox WHERE channel IN"
        " (SELECT channel FROM conversations WHERE id IN :ids AND channel <> '')"
    )
    tables = [f"DELETE FROM {table} WHERE conversation IN :ids" for table in (*TABLES, "requests")]
    for delete in (inbox, *tables, "DELETE FROM conversations WHERE id IN :ids"):
        statement = text(delete)
        statement = statement.bindparams(bindparam("ids", expanding=True))
        for at in range(0, len(conversations), 500):  # SQLite takes so many parameters at once
            db.execute(statement, {"ids": conversations[at : at + 500]})
