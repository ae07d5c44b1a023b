"""What is made from one revision of the records: Chroma, BM25 and a few facts about the shop.

Two processes that have one Chroma folder open can break it as soon as one of them writes. So no
folder is written once it is in use: every finished update is a folder of its own, a generation,
and `current.json`, replaced in one step, names the one to search. The writer begins the next one
from a copy of the last and puts the differences in. Readers, as many as there are, only ever ask;
asking changes nothing but a row in a lock table of Chroma's SQLite, which SQLite itself guards.
They look at `current.json` before every search, and so see a finished update without a restart.
The generation before the current one is kept for searches that are still running.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from knowledge.lexical import Lexical
from knowledge.neighbours import Name, Neighbours
from knowledge.records import Record, Records, damaged
from knowledge.types import Document, IndexDamaged

FEW = 4  # photos of a shop before their average means much
VOCABULARY = ("color", "material", "size", "kind")
BROKEN = (IndexDamaged, OSError, ValueError, KeyError, TypeError)
"""What `Generation.open` raises on a generation that is not whole."""

WORDS = 5000  # values of an attribute in the vocabulary at most


@dataclass(frozen=True)
class Generation:
    """One revision, open for searching."""

    revision: int
    folder: Path
    neighbours: Neighbours
    lexical: Lexical
    vocabulary: Mapping[str, frozenset[str]]
    average_photo: np.ndarray

    @classmethod
    def open(cls, derived: Path) -> Self:
        """The current one. Raises IndexDamaged, OSError, ValueError or KeyError if it is broken."""
        current = json.loads((derived / "current.json").read_text())
        folder = derived / current["folder"]
        facts = json.loads((folder / "facts.json").read_text())
        lexical = Lexical.load(folder / "bm25")
        neighbours = Neighbours(folder / "chroma")
        average = np.array(facts["average_photo"], dtype=np.float32)
        try:
            for name, count in facts["counts"].items():
                if neighbours.counts[name] != count:
                    raise damaged(folder, f"{neighbours.counts[name]} {name} instead of {count}")
                neighbours.near(name, np.ones_like(average)[None], 1)
        except IndexDamaged:
            neighbours.close()
            raise
        vocabulary = {name: frozenset(values) for name, values in facts["vocabulary"].items()}
        return cls(current["revision"], folder, neighbours, lexical, vocabulary, average)

    def close(self) -> None:
        self.neighbours.close()


def make(records: Records, derived: Path, before: Generation | None, dimension: int) -> None:
    """Makes the newest revision's generation and, last of all, the current one.

    `before`: a whole generation to start from. Raises IndexDamaged or OSError; nothing is left of
    what was begun then.
    """
    revision = records.revision
    # A new name each time: within one process Chroma cannot open again what was damaged.
    folder = derived / f"{revision}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True)
        if before:
            shutil.copytree(before.folder / "chroma", folder / "chroma")
        neighbours = Neighbours(folder / "chroma")
        try:
            if before:
                gone, new = records.changes(before.revision, revision)
                neighbours.drop(gone)
                neighbours.put(records, new)
            else:
                neighbours.put(records, records.all(revision))
        finally:
            neighbours.close()
        vocabulary: defaultdict[str, set[str]] = defaultdict(set)
        photos: list[str] = []
        Lexical.build(_noting(records.all(revision), vocabulary, photos)).save(folder / "bm25")
        facts = {
            "counts": _counts(folder / "chroma"),
            "vocabulary": {name: sorted(values) for name, values in vocabulary.items()},
            "average_photo": _average(records, photos, dimension).tolist(),
            "vectors": _digests(folder / "chroma"),
        }
        (folder / "facts.json").write_text(json.dumps(facts))
        _point(derived, {"revision": revision, "folder": folder.name})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def fault(derived: Path) -> str:
    """What is wrong with the current generation; "" when it is whole. Nothing is mended."""
    try:
        folder = derived / json.loads((derived / "current.json").read_text())["folder"]
        facts = json.loads((folder / "facts.json").read_text())
        if not facts["vectors"].items() <= _digests(folder / "chroma").items():
            return "the file of vectors is not the one that was written"
        for path in (folder / "chroma").glob("*.sqlite3"):  # a broken one can crash Chroma
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
                (verdict,) = db.execute("pragma quick_check(1)").fetchone()
            if verdict != "ok":
                return f"{path.name}: {verdict}"
        Generation.open(derived).close()
    except (*BROKEN, AttributeError, sqlite3.Error) as error:
        return str(error)
    return ""


def tidy(derived: Path, kept: Iterable[Path]) -> None:
    """Removes the generations that nobody needs any longer."""
    names = {"current.json", *(folder.name for folder in kept)}
    for folder in derived.iterdir():
        if folder.name not in names:
            shutil.rmtree(folder, ignore_errors=True)


def _counts(folder: Path) -> Mapping[Name, int]:
    """What Chroma has on disk, as a reader will find it."""
    neighbours = Neighbours(folder)
    neighbours.close()
    return neighbours.counts


def _digests(folder: Path) -> dict[str, str]:
    """Of the graphs of vectors that Chroma has finished; asking leaves those as they are.

    Up to a thousand vectors are rows of its SQLite file, beside a graph that is only begun.
    """
    digests = {}
    for path in sorted(folder.rglob("*.bin")):
        if not (path.parent / "index_metadata.pickle").exists():
            continue
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "blake2b").hexdigest()
        digests[path.relative_to(folder).as_posix()] = digest
    return digests


def _noting(
    records: Iterable[Record], vocabulary: defaultdict[str, set[str]], photos: list[str]
) -> Iterator[Document]:
    """The documents, while what they say of themselves is noted."""
    for name in (*VOCABULARY, "currency"):
        vocabulary[name] = set()
    for record in records:
        document = record.document
        photos += record.photos
        if document.kind == "product":
            for name in VOCABULARY:
                if name in document.attributes and len(vocabulary[name]) < WORDS:
                    vocabulary[name].add(document.attributes[name])
            vocabulary["currency"] |= {document.currency} - {""}
        yield document


def _average(records: Records, photos: list[str], dimension: int) -> np.ndarray:
    """What photos of this shop have in common, (dimension,) float32; nearly nothing for a few."""
    total, count = np.zeros(dimension, dtype=np.float32), 0
    for i in range(0, len(photos), 1000):
        vectors = records.vectors(photos[i : i + 1000]).values()
        total, count = sum(vectors, start=total), count + len(vectors)
    return total / (count + FEW)


def _point(derived: Path, current: dict[str, Any]) -> None:
    """Replaces `current.json` in one step, so that a reader finds the old one or the new one."""
    new = derived / "current.json.new"
    with new.open("w") as file:
        json.dump(current, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(derived / "current.json")
