"""What is remembered between turns: conversations, flow states and hand-offs.

Every method is one short transaction, so nothing here lives across a `yield`. Where two processes
could meet, the transaction begins with the write that only one of them can do.
"""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from agent.errors import NotFound, SetupError
from agent.state import FlowState
from agent.types import Reply
from fusion.types import Message

MIGRATIONS = [
    "CREATE TABLE conversations (id TEXT PRIMARY KEY, began_at TEXT NOT NULL,"
    " flow TEXT NOT NULL DEFAULT '')",
    # One row a turn. `words` are the customer's as heard, `reply` is the Reply as JSON.
    "CREATE TABLE turns (conversation TEXT NOT NULL REFERENCES conversations (id),"
    " place INTEGER NOT NULL, reply_id TEXT NOT NULL UNIQUE, words TEXT NOT NULL,"
    " reply TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (conversation, place))",
    "CREATE TABLE hand_offs (id TEXT PRIMARY KEY,"
    " conversation TEXT NOT NULL REFERENCES conversations (id), reason TEXT NOT NULL,"
    " summary TEXT NOT NULL, state TEXT NOT NULL, at TEXT NOT NULL)",
    "CREATE INDEX hand_offs_by_state ON hand_offs (state, conversation)",
]
"""One statement each, run in this order, once. Append; never edit."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A hand-off that no person has resolved yet."""

    conversation: str
    reason: str
    summary: str
    since: str  # ISO 8601, UTC


class Store:
    """The memory at `url`, e.g. "sqlite:////path/conversations.db", brought up to date on opening.

    Raises SetupError when the database cannot be opened or written, and NotFound from any method
    given a conversation that does not exist.
    """

    def __init__(self, url: str) -> None:
        self._engine = connect(url)
        _migrate(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    def new_conversation(self) -> str:
        """The id of a new conversation: a token that cannot be guessed."""
        token = secrets.token_urlsafe(18)
        with self._engine.begin() as db:
            db.execute(
                text("INSERT INTO conversations (id, began_at) VALUES (:id, :at)"),
                {"id": token, "at": _now()},
            )
        return token

    def exists(self, conversation_id: str) -> bool:
        with self._engine.begin() as db:
            found = db.execute(
                text("SELECT 1 FROM conversations WHERE id = :id"), {"id": conversation_id}
            )
            return found.first() is not None

    def append(self, conversation_id: str, words: str, reply: Reply) -> None:
        """Remember one turn: the customer's `words` as heard, and the reply.

        Raises ValueError when a reply of this id is already stored.
        """
        try:
            with self._engine.begin() as db:
                db.execute(
                    text(
                        "INSERT INTO turns (conversation, place, reply_id, words, reply, at) VALUES"
                        " (:conversation, (SELECT COALESCE(MAX(place), 0) + 1 FROM turns"
                        " WHERE conversation = :conversation), :reply_id, :words, :reply, :at)"
                    ),
                    {
                        "conversation": conversation_id,
                        "reply_id": reply.id,
                        "words": words,
                        "reply": reply.model_dump_json(),
                        "at": _now(),
                    },
                )
        except IntegrityError as error:
            self._require(conversation_id)
            raise ValueError(f"A reply with the id {reply.id} is already stored.") from error

    def transcript(self, conversation_id: str) -> list[tuple[str, Reply]]:
        """Every turn in order: the customer's words and the whole reply."""
        self._require(conversation_id)
        return self._turns(conversation_id, limit=-1)

    def replies(self, conversation_id: str) -> list[Reply]:
        """Every reply in order."""
        return [reply for _, reply in self.transcript(conversation_id)]

    def history(self, conversation_id: str, limit: int = 12) -> list[Message]:
        """The last `limit` messages of both sides, oldest first."""
        self._require(conversation_id)
        messages = [
            message
            for words, reply in self._turns(conversation_id, limit=(limit + 1) // 2)
            for message in (Message("customer", words), Message("agent", reply.text))
        ]
        return messages[max(len(messages) - limit, 0) :]

    def flow(self, conversation_id: str) -> FlowState:
        """Where the conversation's order flow stands; a fresh state when none was saved."""
        with self._engine.begin() as db:
            row = db.execute(
                text("SELECT flow FROM conversations WHERE id = :id"), {"id": conversation_id}
            ).first()
        if row is None:
            raise NotFound("There is no such conversation.")
        if not row.flow:
            return FlowState(conversation=conversation_id)
        return FlowState.model_validate_json(row.flow)

    def save_flow(self, conversation_id: str, state: FlowState) -> None:
        with self._engine.begin() as db:
            saved = db.execute(
                text("UPDATE conversations SET flow = :flow WHERE id = :id"),
                {"flow": state.model_dump_json(), "id": conversation_id},
            )
        if saved.rowcount == 0:
            raise NotFound("There is no such conversation.")

    def hand_off(self, conversation_id: str, reason: str, summary: str) -> None:
        """Put the conversation among those that wait for a person."""
        try:
            with self._engine.begin() as db:
                db.execute(
                    text(
                        "INSERT INTO hand_offs (id, conversation, reason, summary, state, at)"
                        " VALUES (:id, :conversation, :reason, :summary, 'open', :at)"
                    ),
                    {
                        "id": secrets.token_urlsafe(12),
                        "conversation": conversation_id,
                        "reason": reason,
                        "summary": summary,
                        "at": _now(),
                    },
                )
        except IntegrityError as error:
            raise NotFound("There is no such conversation.") from error

    def handed_off(self, conversation_id: str) -> bool:
        """Whether the conversation waits for a person."""
        with self._engine.begin() as db:
            found = db.execute(
                text("SELECT 1 FROM hand_offs WHERE conversation = :id AND state = 'open'"),
                {"id": conversation_id},
            )
            return found.first() is not None

    def waiting(self) -> list[Waiting]:
        """The open hand-offs, longest waiting first."""
        with self._engine.begin() as db:
            rows = db.execute(
                text(
                    "SELECT conversation, reason, summary, at FROM hand_offs"
                    " WHERE state = 'open' ORDER BY at, id"
                )
            )
            return [Waiting(*row) for row in rows]

    def resolve(self, conversation_id: str) -> None:
        """A person is done: every open hand-off of the conversation is closed."""
        self._require(conversation_id)
        with self._engine.begin() as db:
            db.execute(
                text("UPDATE hand_offs SET state = 'resolved' WHERE conversation = :id"),
                {"id": conversation_id},
            )

    def _turns(self, conversation_id: str, limit: int) -> list[tuple[str, Reply]]:
        with self._engine.begin() as db:
            rows = db.execute(
                text(
                    "SELECT words, reply FROM turns WHERE conversation = :id"
                    " ORDER BY place DESC LIMIT :limit"
                ),
                {"id": conversation_id, "limit": limit},
            ).all()
        return [(row.words, Reply.model_validate_json(row.reply)) for row in reversed(rows)]

    def _require(self, conversation_id: str) -> None:
        if not self.exists(conversation_id):
            raise NotFound("There is no such conversation.")


def connect(url: str) -> Engine:
    """An engine for `url`, tried once. SQLite files get their folder, WAL and foreign keys.

    Raises SetupError when the database cannot be opened or written.
    """
    address = make_url(url)
    file = address.database if address.get_backend_name() == "sqlite" else None
    engine = create_engine(address, connect_args={"timeout": 30} if file else {})
    try:
        if file:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        engine.connect().close()
    except (OSError, DBAPIError) as error:
        where = file or address.render_as_string(hide_password=True)
        raise SetupError(
            f"The database {where} cannot be opened ({error}). "
            "Set DESKHAND_HOME to a folder that can be written."
        ) from error
    return engine


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that writes what depends on what it reads: SQLite locks before the reading."""
    return engine.execution_options(writing=True).begin()


def _begin_sqlite(db: Connection) -> None:
    db.exec_driver_sql("BEGIN IMMEDIATE" if db.get_execution_options().get("writing") else "BEGIN")


def _prepare_sqlite(connection, _record) -> None:
    # The driver would begin transactions late and not at all for DDL; "begin" above does it.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _migrate(engine: Engine) -> None:
    try:
        with engine.begin() as db:
            db.execute(text("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY)"))
            done = db.execute(text("SELECT COALESCE(MAX(version), 0) FROM migrations")).scalar_one()
    except DBAPIError as error:
        raise SetupError(
            f"The database {engine.url.database} cannot be written ({error.orig}). "
            "Set DESKHAND_HOME to a folder that can be written."
        ) from error
    if done > len(MIGRATIONS):
        raise SetupError(
            f"The database {engine.url.database} was written by a newer Deskhand "
            f"(version {done}, this one knows {len(MIGRATIONS)}). Update Deskhand."
        )
    for version, statement in enumerate(MIGRATIONS[done:], start=done + 1):
        try:
            with engine.begin() as db:
                # Claimed first: of two processes that open a new database, one runs it.
                db.execute(text("INSERT INTO migrations (version) VALUES (:v)"), {"v": version})
                db.execute(text(statement))
        except IntegrityError:
            continue


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
