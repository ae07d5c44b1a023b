"""Requests that are carried out once, however often they are sent (Idempotency-Key)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from agent.errors import Busy
from agent.store import Store
from agent.store.lease import holder, is_dead
from agent.store.sql import writing
from agent.store.turns import now
from fusion.types import BadInput

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that is being carried out; `status` None: not yet answered."""

    id: str
    fingerprint: str
    holder: str
    status: int | None = None
    body: str = ""


def claim(store: Store, id: str, fingerprint: str, conversation: str) -> Claim:
    """Claim the request `id`, or the answer that it had.

    Raises Busy while it is being carried out, and BadInput when another one was sent under its id.
    """
    ours = Claim(id, fingerprint, holder())
    try:
        with writing(store.engine) as db:
            until = (datetime.now(UTC) - KEPT).isoformat(timespec="microseconds")
            db.execute(text("DELETE FROM requests WHERE at < :until"), {"until": until})
            db.execute(
                text(
                    "INSERT INTO requests (id, conversation, fingerprint, holder, at)"
                    " VALUES (:id, :conversation, :fingerprint, :holder, :at)"
                ),
                {
                    "id": id,
                    "conversation": conversation,
                    "fingerprint": fingerprint,
                    "holder": ours.holder,
                    "at": now(),
                },
            )
        return ours
    except IntegrityError:
        pass
    with writing(store.engine) as db:
        query = text("SELECT id, fingerprint, holder, status, body FROM requests WHERE id = :id")
        row = db.execute(query, {"id": id}).first()
        if row is None:
            raise Busy("The same request has just failed. Please send it again.")
        if row.fingerprint != fingerprint:
            raise BadInput("Another request was sent under this Idempotency-Key.")
        if row.status is not None:
            return Claim(*row)
        if not is_dead(row.holder):
            raise Busy("The same request is still being answered. Please wait a moment.")
        again = text("UPDATE requests SET holder = :holder WHERE id = :id AND holder = :dead")
        values = {"holder": ours.holder, "id": id, "dead": row.holder}
        if not db.execute(again, values).rowcount:
            raise Busy("The same request is still being answered. Please wait a moment.")
    return ours


def settle(store: Store, claim: Claim, status: int, body: str) -> None:
    """Keep the answer for whoever sends the request again."""
    with store.engine.begin() as db:
        db.execute(
            text(
                "UPDATE requests SET status = :status, body = :body"
                " WHERE id = :id AND holder = :holder"
            ),
            {"status": status, "body": body, "id": claim.id, "holder": claim.holder},
        )


def drop(store: Store, claim: Claim) -> None:
    """It failed: it may be sent again."""
    with store.engine.begin() as db:
        db.execute(
            text("DELETE FROM requests WHERE id = :id AND holder = :holder"),
            {"id": claim.id, "holder": claim.holder},
        )
