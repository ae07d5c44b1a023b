"""API keys: shown once when they are made, kept as a digest, revoked by their id."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

from sqlalchemy import text

from agent.errors import NotFound
from agent.store import Store
from agent.store.turns import now

Scope = Literal["chat", "knowledge", "desk", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""chat: talk and search; knowledge: change documents, search; desk: the work of the people of the
shop, who take conversations over, read what customers ask for, and add to the FAQ what was missing
there; admin: everything."""

PREFIX = "dh_"


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    name: str  # what it is for
    scopes: frozenset[str]
    made_at: str  # ISO 8601, UTC
    revoked_at: str  # "" while it opens


def create_key(store: Store, name: str, scopes: Sequence[Scope]) -> str:
    """The secret of a new key, which is kept nowhere: dh_ID_SECRET, 256 bits of it random."""
    id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with store.engine.begin() as db:
        db.execute(
            text(
                "INSERT INTO keys (id, name, digest, scopes, made_at)"
                " VALUES (:id, :name, :digest, :scopes, :at)"
            ),
            {
                "id": id,
                "name": name,
                # A random secret needs no slow digest: there is nothing to guess.
                "digest": _digest(secret),
                "scopes": ",".join(sorted(set(scopes))),
                "at": now(),
            },
        )
    return f"{PREFIX}{id}_{secret}"


def list_keys(store: Store) -> list[Key]:
    """All there ever were, oldest first."""
    with store.engine.begin() as db:
        rows = db.execute(text("SELECT * FROM keys ORDER BY made_at, id")).all()
    return [_key(row) for row in rows]


def revoke_key(store: Store, id: str) -> None:
    """It opens nothing from now on. Raises NotFound."""
    with store.engine.begin() as db:
        revoked = db.execute(
            text("UPDATE keys SET revoked_at = :at WHERE id = :id AND revoked_at = ''"),
            {"id": id, "at": now()},
        )
    if not revoked.rowcount:
        raise NotFound(f"There is no key {id} that opens anything.")


def has_keys(store: Store) -> bool:
    """Whether any key opens; without one, only programs on this machine are let in."""
    with store.engine.begin() as db:
        return db.execute(text("SELECT 1 FROM keys WHERE revoked_at = ''")).first() is not None


def find_key(store: Store, sent: str) -> Key | None:
    """The key that was sent, if it opens."""
    id, _, secret = sent.removeprefix(PREFIX).partition("_")
    query = text("SELECT * FROM keys WHERE id = :id AND revoked_at = ''")
    with store.engine.begin() as db:
        row = db.execute(query, {"id": id}).first()
    if row is None or not secrets.compare_digest(row.digest, _digest(secret)):
        return None
    return _key(row)


def _key(row) -> Key:
    scopes = frozenset(row.scopes.split(","))
    return Key(row.id, row.name, scopes, row.made_at, row.revoked_at)


def _digest(secret: str) -> str:
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()
