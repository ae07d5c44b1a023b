"""The database under the store: opened once, brought up to date, written in short transactions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from agent.errors import SetupError

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
    # A hand-off is open (waits), taken (by a person) or resolved (the agent answers again).
    "ALTER TABLE hand_offs ADD COLUMN person TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE hand_offs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
    # Whose conversation it turned out to be, each time a flow identified somebody.
    "CREATE TABLE identified (conversation TEXT NOT NULL REFERENCES conversations (id),"
    " customer TEXT NOT NULL, PRIMARY KEY (conversation, customer))",
    "CREATE INDEX identified_by_customer ON identified (customer)",
    "CREATE TABLE attachments (conversation TEXT NOT NULL, turn INTEGER NOT NULL,"
    " place INTEGER NOT NULL, kind TEXT NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY (conversation, turn, place),"
    " FOREIGN KEY (conversation, turn) REFERENCES turns (conversation, place))",
    # Who is answering in it, and until when that counts (agent/store/lease.py).
    "ALTER TABLE conversations ADD COLUMN holder TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE conversations ADD COLUMN held_until TEXT NOT NULL DEFAULT ''",
    # The helpdesk's own name of it; what is said in it goes out there.
    "ALTER TABLE conversations ADD COLUMN channel TEXT NOT NULL DEFAULT ''",
    "CREATE UNIQUE INDEX conversations_by_channel ON conversations (channel) WHERE channel <> ''",
    # The sender's name of a turn, by which it is answered once, and a digest of what was sent.
    "ALTER TABLE turns ADD COLUMN delivery TEXT",
    "ALTER TABLE turns ADD COLUMN fingerprint TEXT NOT NULL DEFAULT ''",
    "CREATE UNIQUE INDEX turns_by_delivery ON turns (conversation, delivery)",
    "CREATE TABLE events (conversation TEXT NOT NULL, turn INTEGER NOT NULL,"
    " place INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (conversation, turn, place),"
    " FOREIGN KEY (conversation, turn) REFERENCES turns (conversation, place))",
    "CREATE TABLE feedback (conversation TEXT NOT NULL REFERENCES conversations (id),"
    " reply_id TEXT NOT NULL REFERENCES turns (reply_id), rating INTEGER NOT NULL,"
    " comment TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (conversation, reply_id))",
    "CREATE TABLE keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL,"
    " scopes TEXT NOT NULL, made_at TEXT NOT NULL, revoked_at TEXT NOT NULL DEFAULT '')",
    # Requests that carried an Idempotency-Key; without a status they are being answered.
    "CREATE TABLE requests (id TEXT PRIMARY KEY, conversation TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL, holder TEXT NOT NULL, at TEXT NOT NULL, status INTEGER,"
    " body TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX requests_by_age ON requests (at)",
    # Digests of what was said in a conversation, for callers who send that and no id.
    "CREATE TABLE said (digest TEXT PRIMARY KEY,"
    " conversation TEXT NOT NULL REFERENCES conversations (id))",
    "CREATE INDEX said_by_conversation ON said (conversation)",
    # What helpdesks delivered, kept before it is acknowledged; answered in this order.
    "CREATE TABLE inbox (place INTEGER PRIMARY KEY, delivery TEXT NOT NULL UNIQUE,"
    " message TEXT NOT NULL UNIQUE, channel TEXT NOT NULL, body TEXT NOT NULL, at TEXT NOT NULL,"
    " state TEXT NOT NULL DEFAULT 'waiting', tries INTEGER NOT NULL DEFAULT 0,"
    " due TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',"
    " holder TEXT NOT NULL DEFAULT '')",
    # What goes out to helpdesks, written together with the turn that says it.
    "CREATE TABLE outbox (id TEXT PRIMARY KEY, conversation TEXT NOT NULL"
    " REFERENCES conversations (id), place INTEGER NOT NULL, channel TEXT NOT NULL,"
    " kind TEXT NOT NULL, body TEXT NOT NULL, at TEXT NOT NULL,"
    " state TEXT NOT NULL DEFAULT 'waiting', tries INTEGER NOT NULL DEFAULT 0,"
    " due TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',"
    " holder TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX outbox_by_state ON outbox (state, due)",
    "CREATE INDEX outbox_by_conversation ON outbox (conversation, place)",
    # Digest of the secret of the browser that shows it again after a reload.
    "ALTER TABLE conversations ADD COLUMN browser TEXT NOT NULL DEFAULT ''",
    "CREATE UNIQUE INDEX conversations_by_browser ON conversations (browser) WHERE browser <> ''",
    # Browsers of the shop's people that are logged in, each by the digest of its cookie.
    "CREATE TABLE sessions (digest TEXT PRIMARY KEY, key TEXT NOT NULL REFERENCES keys (id),"
    " person TEXT NOT NULL, until TEXT NOT NULL)",
]
"""One statement each, run in this order, once. Append; never edit."""


def connect(url: str) -> Engine:
    """An engine for `url`, tried once. SQLite files get their folder, WAL and foreign keys.

    Raises SetupError when the database cannot be opened or written.
    """
    address = make_url(url)
    file = address.database if address.get_backend_name() == "sqlite" else None
    try:
        engine = create_engine(
            address, pool_pre_ping=not file, connect_args={"timeout": 30} if file else {}
        )
    except ModuleNotFoundError as error:
        raise SetupError(
            f"The database needs the package {error.name}: install deskhand[postgres]."
        ) from error
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
    connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten


def _spoken(statement: str, engine: Engine) -> str:
    """PostgreSQL has another word for bytes."""
    return statement.replace(" BLOB ", " BYTEA ") if engine.name == "postgresql" else statement


def migrate(engine: Engine) -> None:
    try:
        with engine.begin() as db:
            if engine.name == "postgresql":  # of two that make it at once, one would fail
                db.execute(text("SELECT pg_advisory_xact_lock(7860)"))
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
                db.execute(text(_spoken(statement, engine)))
        except IntegrityError:
            continue
