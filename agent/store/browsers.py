"""Which conversation a browser goes on with, known by a secret that only the browser has."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import text

from agent.store import Store
from agent.store.sql import writing


def remember(store: Store, secret: str, conversation: str) -> None:
    """From now on the browser of this secret shows this conversation again, and no other."""
    forget(store, secret)
    with writing(store.engine) as db:
        db.execute(
            text("UPDATE conversations SET browser = :browser WHERE id = :id"),
            {"browser": _digest(secret), "id": conversation},
        )


def remembered(store: Store, secret: str) -> str:
    """The conversation of the browser; "" when it has none, or it was erased."""
    query = text("SELECT id FROM conversations WHERE browser = :browser")
    with store.engine.begin() as db:
        return db.scalar(query, {"browser": _digest(secret)}) or ""


def forget(store: Store, secret: str) -> None:
    """The browser begins anew; the shop keeps what was said."""
    with writing(store.engine) as db:
        db.execute(
            text("UPDATE conversations SET browser = '' WHERE browser = :browser"),
            {"browser": _digest(secret)},
        )


def photos(store: Store, conversation: str) -> dict[int, list[bytes]]:
    """The photos sent in each turn, by its place in the conversation."""
    query = text(
        "SELECT turn, data FROM attachments WHERE conversation = :id AND kind = 'photo'"
        " ORDER BY turn, place"
    )
    sent: dict[int, list[bytes]] = {}
    with store.engine.begin() as db:
        for turn, data in db.execute(query, {"id": conversation}):
            sent.setdefault(turn, []).append(data)
    return sent


def _digest(secret: str) -> str:
    """A secret is long and random, so that a plain digest cannot be turned back."""
    return sha256(secret.encode()).hexdigest()
