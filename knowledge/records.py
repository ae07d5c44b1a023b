"""The truth of an index: one SQLite file with the documents, their vectors and a revision.

Rows are never changed: a new revision adds rows and marks those it replaces. So a reader of an
older revision goes on seeing exactly that one, and an update that is cut short leaves rows of a
revision that never came to be. Vectors are kept under a digest of what was embedded, not of whose
it is: a new price embeds nothing, and an update that was interrupted finds the vectors it has.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from knowledge.types import Document, IndexDamaged, Kind

FORMAT = "3"
TABLES = (
    "create table meta (key text primary key, value text not null)",
    "create table vectors (key text primary key, vector blob not null)",
    "create table documents (id text, kind text not null, body text not null, words text not null,"
    " photos text not null, size integer not null, since integer not null, until integer,"
    " primary key (id, since))",
    "create index since on documents (since)",
    "create index until on documents (until)",
    "create table codes (code text, id text, primary key (code, id)) without rowid",
)
SEEN = "temp.seen (id text primary key) without rowid"
LIVE = "since <= :revision and (until is null or until > :revision)"
MANY = 500  # values in one statement at most
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Record:
    """A document and the digests under which its vectors are kept."""

    document: Document
    words: str
    photos: tuple[str, ...]


class Records:
    """An open `documents.sqlite`. Threads may share it; other processes may have it open too."""

    def __init__(self, path: Path, encoder: str, dimension: int):
        """Opens the file, or makes an empty one for this encoder.

        Raises:
            IndexDamaged: The file is not ours, is broken, or has another format.
        """
        self.path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(
                path, check_same_thread=False, isolation_level=None, timeout=30
            )
            self._db.execute("pragma journal_mode = wal")  # readers do not wait for the writer
            if not self._db.execute("select count(*) from sqlite_master").fetchone()[0]:
                self._create(encoder, dimension)
            self.meta = dict(self._db.execute("select key, value from meta"))
        except sqlite3.DatabaseError as error:
            raise damaged(path, str(error)) from error
        if self.meta.get("format") != FORMAT:
            raise damaged(path, f"it has format {self.meta.get('format')}, not {FORMAT}")

    def _create(self, encoder: str, dimension: int) -> None:
        meta = {"format": FORMAT, "encoder": encoder, "dimension": str(dimension)}
        with self._transaction():
            for table in TABLES:
                self._db.execute(table)
            self._db.executemany(
                "insert into meta values (?, ?)", [*meta.items(), ("revision", "0")]
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._db:  # the connection commits on leaving, or rolls back on an error
            self._db.execute("begin immediate")
            yield

    def check(self) -> None:
        """Reads the whole file. Raises IndexDamaged where it is broken."""
        with self._lock:
            (verdict,) = self._db.execute("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            raise damaged(self.path, verdict)

    def close(self) -> None:
        self._db.close()

    # --- Reading ------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """The newest one."""
        ((value,),) = self._all("select value from meta where key = 'revision'", {})
        return int(value)

    def all(
        self, revision: int, kind: Kind | None = None, of: Iterable[str] = ()
    ) -> Iterator[Record]:
        """Every document of a revision, by id; a few are in memory at a time. `of`: values of the
        attribute "kind", of which they have one."""
        wanted = " and kind = :kind" if kind else ""
        things = {f"of{i}": thing for i, thing in enumerate(of)}
        if things:
            marks = ", ".join(f":{name}" for name in things)
            wanted += f" and json_extract(body, '$.attributes.kind') in ({marks})"
        return self._paged(LIVE + wanted, {"revision": revision, "kind": kind, **things})

    def some(self, ids: Iterable[str], revision: int) -> dict[str, Record]:
        """Those of a revision that have these ids, by id."""
        found: dict[str, Record] = {}
        for marks, part in _parts(ids):
            rows = self._all(
                f"select id, body, words, photos from documents where {LIVE} and id in ({marks})",
                {"revision": revision, **part},
            )
            found |= {id: _record(*row) for id, *row in rows}
        return found

    def keys(
        self, ids: Iterable[str], revision: int
    ) -> dict[str, tuple[Kind, str, tuple[str, ...]]]:
        """Document id -> its kind, and the digests of its words and of its photos."""
        found: dict[str, tuple[Kind, str, tuple[str, ...]]] = {}
        for marks, part in _parts(ids):
            rows = self._all(
                f"select id, kind, words, photos from documents where {LIVE} and id in ({marks})",
                {"revision": revision, **part},
            )
            found |= {id: (kind, key, tuple(json.loads(photos))) for id, kind, key, photos in rows}
        return found

    def count(self, revision: int) -> dict[Kind, int]:
        counts = "select kind, count(*) from documents where " + LIVE + " group by kind"
        return dict(self._all(counts, {"revision": revision}))

    def changes(self, before: int, revision: int) -> tuple[Iterator[Record], Iterator[Record]]:
        """The records of `before` that `revision` has no longer, and those that it has anew."""
        gone = "since <= :before and until > :before and until <= :revision"
        new = f"{LIVE} and since > :before"
        values = {"before": before, "revision": revision}
        return self._paged(gone, values), self._paged(new, values)

    def _paged(self, where: str, values: Mapping[str, Any]) -> Iterator[Record]:
        """The records that fulfil a condition, by id; MANY are in memory at a time."""
        last = ""
        while rows := self._all(
            f"select id, body, words, photos from documents where {where}"
            f" and id > :last order by id limit {MANY}",
            {**values, "last": last},
        ):
            yield from (_record(*row[1:]) for row in rows)
            last = rows[-1][0]

    def coded(self, codes: Iterable[str]) -> set[str]:
        """Ids of documents that had one of these ids or article numbers at some time."""
        return {
            id
            for marks, part in _parts(codes)
            for (id,) in self._all(f"select id from codes where code in ({marks})", part)
        }

    def vectors(self, keys: Iterable[str]) -> dict[str, np.ndarray]:
        """Digest -> vector, float32; digests without one are left out."""
        found: dict[str, np.ndarray] = {}
        for marks, part in _parts(keys):
            rows = self._all(f"select key, vector from vectors where key in ({marks})", part)
            found |= {key: np.frombuffer(blob, dtype="<f4") for key, blob in rows}
        return found

    def _all(self, sql: str, values: Mapping[str, Any]) -> list[Any]:
        try:
            with self._lock:
                return self._db.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise damaged(self.path, str(error)) from error

    # --- Writing: stage, keep vectors, commit; by one process at a time -------------------------

    def begin(self) -> None:
        """Forgets what an update that never came to its end had staged."""
        with self._transaction():
            self._db.execute("delete from documents where since > ?", (self.revision,))
            self._db.execute("drop table if exists temp.seen")
            self._db.execute(f"create table {SEEN}")

    def stage(self, records: Sequence[Record], codes: Iterable[tuple[str, str]]) -> tuple[int, int]:
        """Puts records aside for the next revision; how many are new, and how many changed."""
        revision = self.revision
        added = changed = 0
        with self._transaction():
            old = self.some([r.document.id for r in records], revision)
            self._db.executemany(
                "insert into temp.seen values (?)", [(r.document.id,) for r in records]
            )
            for record in records:
                if (before := old.get(record.document.id)) == record:
                    continue
                added, changed = added + (before is None), changed + (before is not None)
                body = json.dumps(asdict(record.document), ensure_ascii=False)
                size = len(record.document.title) + len(record.document.text)
                self._db.execute(
                    "insert into documents values (?, ?, ?, ?, ?, ?, ?, null)",
                    (record.document.id, record.document.kind, body, record.words,
                     json.dumps(record.photos), size, revision + 1),
                )  # fmt: skip
            self._db.executemany("insert or ignore into codes values (?, ?)", codes)
        return added, changed

    def seen(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that were staged, or found unchanged, in this update."""
        return {
            id
            for marks, part in _parts(ids)
            for (id,) in self._all(f"select id from temp.seen where id in ({marks})", part)
        }

    def lacking(self) -> array[int]:
        """The rows of the staged documents that have no text vector yet, each of other words, the
        shortest first: eight bytes a row, as there may be a million."""
        rows = self._all(f"select min(rowid), size {_LACKING} group by words order by size", {})
        return array("q", (row for row, _ in rows))

    def at(self, rows: Sequence[int]) -> list[Record]:
        """The records in these rows, in their order."""
        found: dict[int, Record] = {}
        for marks, part in _parts(rows):
            sql = f"select rowid, body, words, photos from documents where rowid in ({marks})"
            found |= {row: _record(*columns) for row, *columns in self._all(sql, part)}
        return [found[row] for row in rows]

    def keep(self, vectors: Mapping[str, np.ndarray]) -> None:
        """Stores vectors at once; they count for nothing until a document refers to them."""
        with self._transaction():
            self._db.executemany(
                "insert or replace into vectors values (?, ?)",
                [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()],
            )

    def commit(self, complete: bool) -> int:
        """Makes what was staged the next revision, in one step; how many documents it removed.

        With `complete`, documents that were not seen in this update are removed.
        """
        revision = self.revision
        values = {"revision": revision, "next": revision + 1}
        replaced = "id in (select id from documents where since = :next)"
        unseen = "id not in (select id from temp.seen)"
        live = f"update documents set until = :next where {LIVE} and"
        with self._transaction():
            self._db.execute(f"{live} {replaced}", values)
            removed = self._db.execute(f"{live} {unseen}", values).rowcount if complete else 0
            if (
                removed
                or self._db.execute(
                    "select 1 from documents where since = :next limit 1", {"next": revision + 1}
                ).fetchone()
            ):
                meta = {"revision": str(revision + 1), "updated_at": datetime.now(UTC).isoformat()}
                self._db.executemany("insert or replace into meta values (?, ?)", meta.items())
        return removed

    def forget(self, before: int) -> None:
        """Lets go of documents that no revision from `before` on has, and of their vectors."""
        with self._transaction():
            gone = self._db.execute("delete from documents where until <= ?", (before,)).rowcount
            if gone:
                self._db.execute("delete from codes where id not in (select id from documents)")
                self._db.execute(
                    "delete from vectors where key not in (select words from documents union"
                    " select value from documents, json_each(documents.photos))"
                )


_LACKING = (
    "from documents where since > (select cast(value as integer) from meta where key = 'revision')"
    " and words not in (select key from vectors)"
)


def _record(body: str, words: str, photos: str) -> Record:
    fields = json.loads(body)
    fields |= {name: tuple(fields.get(name, ())) for name in ("photos", "links")}
    return Record(Document(**fields), words, tuple(json.loads(photos)))


def _parts(values: Iterable[Item]) -> Iterator[tuple[str, dict[str, Item]]]:
    """Named marks for a statement and their values, a few hundred at a time."""
    for some in batched(dict.fromkeys(values), MANY):
        part = {f"v{i}": value for i, value in enumerate(some)}
        yield ",".join(f":{name}" for name in part), part


def batched(items: Iterable[Item], n: int) -> Iterator[list[Item]]:
    """Lists of n items each, the last one shorter."""
    rest = iter(items)
    while part := list(islice(rest, n)):
        yield part


def damaged(path: Path, why: str) -> IndexDamaged:
    return IndexDamaged(
        f"The index cannot be read ({path.name}: {why}). "
        f"`deskhand index --rebuild` makes it anew from the shop's files."
    )
