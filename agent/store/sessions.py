"""Who of the shop's people is logged in: a browser's cookie, kept as a digest, for half a day.

A session opens what its key opens, and nothing once that key is revoked.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain, count

from sqlalchemy import text

from agent.store import Store
from agent.store.keys import Key
from agent.store.sql import writing
from agent.store.turns import now

HOURS = 12
"""After which somebody logs in again."""


@dataclass(frozen=True, slots=True)
class Session:
    person: str  # as colleagues and customers read it
    scopes: frozenset[str]


def begin_session(store: Store, key: Key, person: str) -> str:
    """The cookie of a new session, 256 bits of it random, which is kept nowhere.

    Each session is a person of its own: while another one has the name, it is "Ann (2)".
    """
    cookie = secrets.token_urlsafe(32)
    until = datetime.now(UTC) + timedelta(hours=HOURS)
    with writing(store.engine) as db:
        db.execute(text("DELETE FROM sessions WHERE until < :now"), {"now": now()})
        names = set(db.scalars(text("SELECT person FROM sessions")))
        numbered = (f"{person} ({number})" for number in count(2))
        person = next(name for name in chain([person], numbered) if name not in names)
        db.execute(
            text(
                "INSERT INTO sessions (digest, key, person, until)"
                " VALUES (:digest, :key, :person, :until)"
            ),
            {
                "digest": _digest(cookie),
                "key": key.id,
                "person": person,
                "until": until.isoformat(timespec="microseconds"),
            },
        )
    return cookie


def find_session(store: Store, cookie: str) -> Session | None:
    """The session of this cookie, if it is not over and its key still opens."""
    query = text(
        "SELECT sessions.person, keys.scopes FROM sessions JOIN keys ON keys.id = sessions.key"
        " WHERE sessions.digest = :digest AND until > :now AND revoked_at = ''"
    )
    with store.engine.begin() as db:
        row = db.execute(query, {"digest": _digest(cookie), "now": now()}).first()
    return Session(row.person, frozenset(row.scopes.split(","))) if row else None


def end_session(store: Store, cookie: str) -> None:
    with store.engine.begin() as db:
        db.execute(text("DELETE FROM sessions WHERE digest = :digest"), {"digest": _digest(cookie)})


def _digest(cookie: str) -> str:
    # A random cookie needs no slow digest: there is nothing to guess.
    return sha256(cookie.encode(errors="surrogatepass")).hexdigest()
