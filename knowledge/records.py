"""The truth of an index: one SQLite file with the documents, their vectors and a revision.

Vectors are kept under a digest of what was embedded, not of whose it is. So a new price embeds
nothing, and an update that was interrupted finds the vectors it already has.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from knowledge.types import Document, IndexDamaged

FORMAT = "1"
TABLES = (
    "create table meta (key text primary key, value text not null)",
    "create table vectors (key text primary key, vector blob not null)",
    "create table documents (id text primary key, body text not null, words text not null)",
    "create table photos (id text, place integer, key text not null, primary key (id, place))",
)
MANY = 500  # values in one statement at most


@dataclass(frozen=True, slots=True)
class Record:
    """A document and the digests under which its vectors are kept."""

    document: Document
    words: str
    photos: tuple[str, ...]


class Records:
    """An open `documents.sqlite`. Threads may share it."""

    def __init__(self, path: Path, encoder: str, dimension: int):
        """Opens the file, or makes an empty one for this encoder.

        Raises:
            IndexDamaged: The file is not ours, is broken, or has another format.
        """
        self.path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            fresh = not self._db.execute("select count(*) from sqlite_master").fetchone()[0]
            if fresh:
                self._create(encoder, dimension)
            (verdict,) = self._db.execute("pragma quick_check(1)").fetchone()
            self.meta = dict(self._db.execute("select key, value from meta"))
        except sqlite3.DatabaseError as error:
            raise damaged(path, str(error)) from error
        if verdict != "ok":
            raise damaged(path, verdict)
        if self.meta.get("format") != FORMAT:
            raise damaged(path, f"it has format {self.meta.get('format')}, not {FORMAT}")

    def _create(self, encoder: str, dimension: int) -> None:
        meta = {"format": FORMAT, "encoder": encoder, "dimension": str(dimension), "revision": "0"}
        with self._transaction():
            for table in TABLES:
                self._db.execute(table)
            self._db.executemany("insert into meta values (?, ?)", meta.items())

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._db:  # the connection commits on leaving, or rolls back on an error
            self._db.execute("begin immediate")
            yield

    @property
    def revision(self) -> int:
        return int(self.meta["revision"])

    def close(self) -> None:
        self._db.close()

    def all(self) -> Iterator[Record]:
        photos: dict[str, list[str]] = {}
        for name, key in self._db.execute("select id, key from photos order by id, place"):
            photos.setdefault(name, []).append(key)
        for name, body, words in self._db.execute("select id, body, words from documents"):
            fields = json.loads(body)
            fields["photos"] = tuple(fields["photos"])
            yield Record(Document(**fields), words, tuple(photos.get(name, ())))

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Those of the digests that no vector is kept under."""
        wanted = list(dict.fromkeys(keys))
        have = {key for key, _ in self._select(wanted)}
        return [key for key in wanted if key not in have]

    def vectors(self, keys: Iterable[str]) -> dict[str, np.ndarray]:
        """Digest -> vector, float32; digests without one are left out."""
        return {k: np.frombuffer(blob, dtype="<f4") for k, blob in self._select(list(set(keys)))}

    def _select(self, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        for i in range(0, len(keys), MANY):
            part = keys[i : i + MANY]
            marks = ",".join("?" * len(part))
            with self._lock:
                found = self._db.execute(
                    f"select key, vector from vectors where key in ({marks})", part
                ).fetchall()
            yield from found

    def keep(self, vectors: Mapping[str, np.ndarray]) -> None:
        """Stores vectors at once; they count for nothing until `replace` refers to them."""
        with self._transaction():
            self._db.executemany(
                "insert or replace into vectors values (?, ?)",
                [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()],
            )

    def replace(self, records: Iterable[Record], removed: Iterable[str]) -> None:
        """Puts new and changed records in and takes removed ones out, all in one step."""
        records = list(records)
        meta = {"revision": str(self.revision + 1), "updated_at": datetime.now(UTC).isoformat()}
        with self._transaction():
            names = [(r.document.id,) for r in records] + [(name,) for name in removed]
            self._db.executemany("delete from photos where id = ?", names)
            self._db.executemany("delete from documents where id = ?", names)
            self._db.executemany(
                "insert into documents values (?, ?, ?)",
                [(r.document.id, json.dumps(asdict(r.document)), r.words) for r in records],
            )
            self._db.executemany(
                "insert into photos values (?, ?, ?)",
                [(r.document.id, i, key) for r in records for i, key in enumerate(r.photos)],
            )
            self._db.execute(
                "delete from vectors where key not in"
                " (select words from documents union select key from photos)"
            )
            self._db.executemany("insert or replace into meta values (?, ?)", meta.items())
        self.meta |= meta


def damaged(path: Path, why: str) -> IndexDamaged:
    return IndexDamaged(
        f"The index cannot be read ({path.name}: {why}). "
        f"`deskhand index --rebuild` makes it anew from the shop's files."
    )
