"""The index: what the shop knows, on disk, found by meaning, by words and by photo.

    folder/documents.sqlite   the truth: documents, vectors, encoder, revision
    folder/derived/           Chroma and BM25, made from it; current.json says of which revision
    folder/lock, holder.json  the one process that has the index open

An update first keeps new vectors, then replaces the documents in one transaction, then brings the
derived parts up to date. Cut short anywhere, the index opens with the old documents or the new
ones, and derived parts of another revision are made anew without embedding anything.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from knowledge.embed import DIM, Embed, EmbedPhotos, Progress, embed_missing
from knowledge.filters import Filters
from knowledge.lexical import Lexical
from knowledge.lock import take
from knowledge.neighbours import Neighbours
from knowledge.records import Record, Records
from knowledge.search import Signals, names_in, rank
from knowledge.types import (
    KINDS,
    Document,
    Hit,
    IndexDamaged,
    IndexMismatch,
    IndexReport,
    Kind,
    KnowledgeError,
    NoIndex,
    Skipped,
)

FEW = 4  # photos of a shop before their average means much
CANDIDATES = 60  # nearest passages, photos and lexical matches that are scored
VOCABULARY = ("color", "material", "size", "kind")


def open_index(folder: Path, encoder: str, create: bool = False) -> Knowledge:
    """Opens the index in `folder` for this process alone, until it is closed.

    Args:
        folder: Where the index is.
        encoder: Name of the space of its vectors; must be the one it was made with.
        create: Make an empty index when there is none.

    Raises:
        NoIndex, IndexMismatch, IndexDamaged, IndexBusy, or KnowledgeError when the folder cannot be
        used; the message says what to do.
    """
    path = folder / "documents.sqlite"
    try:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        elif not path.is_file():
            raise NoIndex(f"There is no index in {folder}: `deskhand index PATH...` makes one.")
        lock = take(folder)
        try:
            return Knowledge(folder, encoder, lock)
        except BaseException:
            lock.release()
            raise
    except (OSError, sqlite3.OperationalError) as error:
        raise KnowledgeError(f"The index in {folder} cannot be used: {error}.") from error


def rebuild(folder: Path) -> list[Document]:
    """Empties the index, for any encoder, and returns the documents that could still be read.

    `open_index(folder, encoder, create=True)` and an update with these documents, or with the
    shop's files, make it anew. Raises IndexBusy or KnowledgeError.
    """
    documents: list[Document] = []
    try:
        with take(folder):
            path = folder / "documents.sqlite"
            with contextlib.suppress(IndexDamaged, ValueError, TypeError):
                records = Records(path, "", DIM)
                documents = [record.document for record in records.all()]
                records.close()
            for file in (path, folder / "documents.sqlite-journal"):
                file.unlink(missing_ok=True)
            shutil.rmtree(folder / "derived", ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        raise KnowledgeError(f"The index in {folder} cannot be emptied: {error}.") from error
    return documents


class Knowledge:
    """An open index; safe to search from several threads while one of them updates it."""

    def __init__(self, folder: Path, encoder: str, lock: FileLock):
        self.folder = folder
        self.encoder = encoder
        self._held = lock
        self._lock = threading.RLock()
        self._updating = threading.Lock()
        self._records = Records(folder / "documents.sqlite", encoder, DIM)
        made_with = self._records.meta["encoder"]
        if made_with != encoder:
            self._records.close()
            raise IndexMismatch(
                f"The index was made with the encoder {made_with}, but {encoder} is in use. "
                f"`deskhand index --rebuild` makes it anew."
            )
        self._load()
        try:
            self._neighbours, self._lexical = self._open_derived()
        except (IndexDamaged, OSError, ValueError, KeyError, TypeError):
            self._neighbours, self._lexical = self._make_derived()

    def __enter__(self) -> Knowledge:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the index free for other processes."""
        with self._updating, self._lock:
            if not self._held.is_locked:
                return
            self._neighbours.close()
            self._records.close()
            (self.folder / "holder.json").unlink(missing_ok=True)
            self._held.release()

    # --- What is there ------------------------------------------------------------------------

    def count(self, kind: Kind | None = None) -> int:
        return len(self.documents(kind))

    def document(self, id: str) -> Document | None:
        record = self._all.get(id)
        return record.document if record else None

    def documents(self, kind: Kind | None = None) -> list[Document]:
        return [r.document for r in self._all.values() if kind in (None, r.document.kind)]

    @property
    def vocabulary(self) -> Mapping[str, frozenset[str]]:
        """Values of color, material, size, kind and currency among the products."""
        return self._vocabulary

    def _load(self) -> None:
        self._all = {record.document.id: record for record in self._records.all()}
        products = self.documents("product")
        self._vocabulary = {
            name: frozenset(p.attributes[name] for p in products if name in p.attributes)
            for name in VOCABULARY
        } | {"currency": frozenset(p.currency for p in products if p.currency)}
        self._named = {p.attributes.get("sku", p.id).lower(): p.id for p in products}
        self._named |= {p.id.lower(): p.id for p in products}
        photos = self._records.vectors(key for r in self._all.values() for key in r.photos)
        total = sum(photos.values(), start=np.zeros(DIM, dtype=np.float32))
        self._average_photo = total / (len(photos) + FEW)

    # --- Search -------------------------------------------------------------------------------

    def search(
        self,
        words: str,
        vector: np.ndarray,
        filters: Filters | None = None,
        k: int = 10,
        kinds: Sequence[Kind] = KINDS,
    ) -> list[Hit]:
        """The k best documents for a question, best first.

        Args:
            words: What was said, for matching words, names and article numbers.
            vector: The question in the space of the index, (DIM,) float32, unit norm.
            filters: Products that do not fulfil these are left out; passages stay.
            kinds: Kinds of documents wanted.
        """
        signals = self.signals(words, vector, filters, kinds)
        documents = {id: self._all[id].document for id in signals.dense}
        return rank(words, signals, documents, k)

    def signals(
        self,
        words: str,
        vector: np.ndarray,
        filters: Filters | None = None,
        kinds: Sequence[Kind] = KINDS,
    ) -> Signals:
        """How near the candidates are by text, photo and words: what `search` ranks by."""
        if vector.shape != (DIM,) or not np.isfinite(vector).all():
            raise ValueError(f"a search needs a finite vector ({DIM},), not {vector.shape}")
        vector = vector.astype(np.float32)
        with self._lock:
            everything = not filters and set(kinds) == set(KINDS)
            allowed = {
                id: r
                for id, r in self._all.items()
                if everything
                or (r.document.kind in kinds and (not filters or filters.accepts(r.document)))
            }
            passages = photos = None
            if not everything:
                passages = list(allowed)
                photos = [f"{id}#{i}" for id, r in allowed.items() for i in range(len(r.photos))]
            found = self._neighbours.near("passages", vector, CANDIDATES, passages)
            found += [
                id.rpartition("#")[0]
                for id in self._neighbours.near("photos", vector, CANDIDATES, photos)
            ]
            lexical = {
                id: share for id, share in self._lexical.shares(words).items() if id in allowed
            }
            best = sorted(lexical, key=lambda id: -lexical[id])[:CANDIDATES]
            exact = {self._named[name] for name in names_in(words) if name in self._named}
            candidates = [allowed[id] for id in {*found, *best, *exact} if id in allowed]
            vectors = self._records.vectors(key for r in candidates for key in (r.words, *r.photos))
            usual = float(self._average_photo @ vector)
        ids = [r.document.id for r in candidates]
        return Signals(
            dense={r.document.id: float(vectors[r.words] @ vector) for r in candidates},
            photo={
                r.document.id: max(
                    (float(vectors[key] @ vector) - usual) / (1 - usual) for key in r.photos
                )
                for r in candidates
                if r.photos
            },
            lexical={id: lexical[id] for id in ids if id in lexical},
            named=frozenset(exact),
        )

    # --- Update -------------------------------------------------------------------------------

    def update(
        self,
        documents: Iterable[Document | Skipped],
        embed: Embed,
        embed_photos: EmbedPhotos,
        progress: Progress | None = None,
        complete: bool = True,
    ) -> IndexReport:
        """Brings the index up to these documents; searches see the old ones until it is done.

        Args:
            documents: As `read_documents` yields them; what it skipped is passed on to the report.
            embed: Embeds texts; called for those that are new or changed.
            embed_photos: Embeds photos by their paths; unreadable ones are reported as skipped.
            progress: Called with (done, total) texts and photos as they are embedded.
            complete: These are all documents there are; others are removed from the index.
        """
        started = time.monotonic()
        skipped: list[Skipped] = []
        wanted: dict[str, Document] = {}
        for item in documents:
            if isinstance(item, Skipped):
                skipped.append(item)
            elif item.id in wanted:
                skipped.append(Skipped(item.title, 0, f"second document with id {item.id!r}"))
            else:
                wanted[item.id] = item
        try:
            with self._updating:
                records = embed_missing(
                    wanted, self._records, embed, embed_photos, progress, skipped
                )
                old = self._all
                added = [r for id, r in records.items() if id not in old]
                changed = [r for id, r in records.items() if id in old and old[id] != r]
                removed = [r for id, r in old.items() if id not in records] if complete else []
                if added or changed or removed:
                    gone = removed + [old[r.document.id] for r in changed]
                    with self._lock:
                        self._records.replace(added + changed, [r.document.id for r in removed])
                        self._refresh(added + changed, gone)
        except (OSError, sqlite3.Error) as error:
            raise KnowledgeError(
                f"The index in {self.folder} cannot be written: {error}."
            ) from error
        return IndexReport(
            added=len(added),
            changed=len(changed),
            removed=len(removed),
            unchanged=len(records) - len(added) - len(changed),
            skipped=tuple(skipped),
            seconds=time.monotonic() - started,
        )

    # --- What is made from the records ----------------------------------------------------------

    def _open_derived(self) -> tuple[Neighbours, Lexical]:
        derived = self.folder / "derived"
        current = json.loads((derived / "current.json").read_text())
        if current["revision"] != self._records.revision:
            raise ValueError("made from another revision")
        lexical = Lexical.load(derived / "bm25")
        neighbours = Neighbours(derived / current["chroma"])
        try:
            first = next(iter(self._all.values()), None)
            probe = self._records.vectors([first.words])[first.words] if first else None
            photos = sum(len(record.photos) for record in self._all.values())
            neighbours.check(len(self._all), photos, probe)
        except IndexDamaged:
            neighbours.close()
            raise
        return neighbours, lexical

    def _make_derived(self) -> tuple[Neighbours, Lexical]:
        derived = self.folder / "derived"
        shutil.rmtree(derived, ignore_errors=True)
        # A new name each time: within one process Chroma cannot open again what was damaged.
        neighbours = Neighbours(derived / f"chroma-{secrets.token_hex(4)}")
        neighbours.put(self._records, self._all.values())
        return neighbours, self._finish_derived(neighbours)

    def _refresh(self, put: list[Record], gone: list[Record]) -> None:
        """Follows the records: takes `gone` out of the derived parts and puts `put` in."""
        self._load()
        self._neighbours.drop(gone)
        self._neighbours.put(self._records, put)
        self._lexical = self._finish_derived(self._neighbours)

    def _finish_derived(self, neighbours: Neighbours) -> Lexical:
        """Makes the lexical index and notes, last of all, which revision the parts are of."""
        derived = self.folder / "derived"
        lexical = Lexical.build(record.document for record in self._all.values())
        lexical.save(derived / "bm25")
        current = {"revision": self._records.revision, "chroma": neighbours.folder.name}
        (derived / "current.json").write_text(json.dumps(current))
        return lexical
