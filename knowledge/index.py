"""The index: what the shop knows, on disk, found by meaning, by words and by photo.

    folder/documents.sqlite   the truth: documents, vectors, encoder, revision
    folder/derived/           generations of Chroma and BM25, made from it; current.json names one
    folder/lock, holder.json  the one process that is writing

An update stages documents and keeps their new vectors, then makes them the next revision in one
transaction, then makes that revision's generation, then names it the current one. Cut short
anywhere, searches go on with the old generation or find the new one, never half of either; the
next update goes on with the vectors there are. Any number of processes may search meanwhile.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from knowledge.codes import codes_in
from knowledge.embed import DIM, Embed, EmbedPhotos, Progress, embed_staged, stage
from knowledge.filters import Filters
from knowledge.generation import Generation, make, tidy
from knowledge.lock import take
from knowledge.neighbours import Name
from knowledge.records import Records
from knowledge.search import Signals, akin, rank, unfolded
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

CANDIDATES = 60  # nearest products, passages and photos, and lexical matches, that are scored
DEEPER = (400, 3000)  # candidates under a filter, until enough fulfil it


def open_index(folder: Path, encoder: str, create: bool = False) -> Knowledge:
    """Opens the index in `folder` for searching, which others may do at the same time.

    Args:
        folder: Where the index is.
        encoder: Name of the space of its vectors; must be the one it was made with.
        create: Make an empty index when there is none.

    Raises:
        NoIndex, IndexMismatch, IndexDamaged, IndexBusy (it must be repaired first, but another
        process is writing), or KnowledgeError when the folder cannot be used; the message says
        what to do.
    """
    try:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        elif not (folder / "documents.sqlite").is_file():
            raise NoIndex(f"There is no index in {folder}: `deskhand index PATH...` makes one.")
        return Knowledge(folder, encoder)
    except (OSError, sqlite3.OperationalError) as error:
        raise KnowledgeError(f"The index in {folder} cannot be used: {error}.") from error


def kept_documents(folder: Path) -> list[Document]:
    """The documents of the index in `folder` that can be read, whichever encoder it is of."""
    documents: list[Document] = []
    path = folder / "documents.sqlite"
    if not path.is_file():
        return documents
    with contextlib.suppress(IndexDamaged, ValueError, TypeError, sqlite3.DatabaseError):
        records = Records(path, "", DIM)
        with contextlib.closing(records):
            documents = [record.document for record in records.all(records.revision)]
    return documents


def empty(folder: Path) -> None:
    """Empties the index, for any encoder. Raises IndexBusy or KnowledgeError.

    `open_index(folder, encoder, create=True)` and an update with its `kept_documents`, or with the
    shop's files, make it anew.
    """
    try:
        with take(folder):
            for file in folder.glob("documents.sqlite*"):
                file.unlink()
            shutil.rmtree(folder / "derived", ignore_errors=True)
    except (OSError, sqlite3.Error) as error:
        raise KnowledgeError(f"The index in {folder} cannot be emptied: {error}.") from error


class Knowledge:
    """An open index; safe to search from several threads while one of them updates it."""

    def __init__(self, folder: Path, encoder: str):
        self.folder = folder
        self.encoder = encoder
        self._derived = folder / "derived"
        self._lock = threading.RLock()
        self._updating = threading.Lock()
        self._records = self._open_records("`deskhand index --rebuild` makes it anew.")
        self._file = self._identity()
        try:
            self._generation = self._open_current()
        except BaseException:
            self._records.close()
            raise
        self._pointer = self._seen()

    def __enter__(self) -> Knowledge:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        with self._updating, self._lock:
            self._generation.close()
            self._records.close()

    # --- What is there ------------------------------------------------------------------------

    def count(self, kind: Kind | None = None) -> int:
        with self._lock:
            now = self._current()
            counts = self._records.count(now.revision)
        return counts.get(kind, 0) if kind else sum(counts.values())

    def document(self, id: str) -> Document | None:
        with self._lock:
            now = self._current()
            record = self._records.some([id], now.revision).get(id)
        return record.document if record else None

    def documents(self, kind: Kind | None = None) -> list[Document]:
        """All of them, by id."""
        with self._lock:
            now = self._current()
            return [record.document for record in self._records.all(now.revision, kind)]

    @property
    def vocabulary(self) -> Mapping[str, frozenset[str]]:
        """Values of color, material, size, kind and currency among the products."""
        return self._current().vocabulary

    @property
    def languages(self) -> Sequence[str]:
        """Languages of the documents (ISO 639-1), but for English."""
        return self._current().lexical.languages

    def corrected(self, words: str) -> str:
        """The words, with slips of the pen put right where the shop knows a word much like one."""
        return self._current().lexical.corrected(words)

    def check(self) -> None:
        """Reads the whole file of documents. Raises IndexDamaged where it is broken."""
        self._records.check()

    # --- Search -------------------------------------------------------------------------------

    def search(
        self,
        words: str,
        vector: np.ndarray,
        filters: Filters | None = None,
        k: int = 10,
        kinds: Sequence[Kind] = KINDS,
    ) -> list[Hit]:
        """The k best documents for a question, best first; passages that say the same only once.

        Args:
            words: What was said, for matching words, names and article numbers.
            vector: The question in the space of the index, (DIM,) float32, unit norm.
            filters: Products that do not fulfil these are left out; passages stay.
            kinds: Kinds of documents wanted.
        """
        with self._lock:
            signals = self.signals(words, vector, filters, kinds, k)
            order = unfolded(signals)[:k]
            records = self._records.some(order, self._current().revision)
        return rank(words, signals, {id: records[id].document for id in order})

    def signals(
        self,
        words: str,
        vector: np.ndarray,
        filters: Filters | None = None,
        kinds: Sequence[Kind] = KINDS,
        k: int = 10,
    ) -> Signals:
        """How near the candidates are by text, photo and words: what `search` ranks by."""
        if vector.shape != (DIM,) or not np.isfinite(vector).all():
            raise ValueError(f"a search needs a finite vector ({DIM},), not {vector.shape}")
        vector = vector.astype(np.float32)
        with self._lock:
            now = self._current()
            named = self._named(words, now.revision)
            for n in DEEPER if filters else (CANDIDATES,):
                lexical = now.lexical.shares(words, n)
                found = {*lexical, *named, *self._near(now, vector, n, kinds)}
                keys = self._records.keys(found, now.revision)
                keys = {id: key for id, key in keys.items() if key[0] in kinds}
                if filters:
                    some = self._records.some(keys, now.revision)
                    keys = {i: key for i, key in keys.items() if filters.accepts(some[i].document)}
                    if sum(kind == "product" for kind, _, _ in keys.values()) >= k:
                        break
            vectors = self._records.vectors(
                key for _, text, photos in keys.values() for key in (text, *photos)
            )
        usual = float(now.average_photo @ vector)
        texts = {id: vectors[key] for id, (_, key, _) in keys.items()}
        looks = {
            id: [float(vectors[key] @ vector) for key in photos if key in vectors]
            for id, (_, _, photos) in keys.items()
        }
        return akin(
            Signals(
                dense={id: float(text @ vector) for id, text in texts.items()},
                photo={id: (max(n) - usual) / (1 - usual) for id, n in looks.items() if n},
                lexical={id: lexical[id] for id in keys if id in lexical},
                named=frozenset(named & keys.keys()),
                passages=frozenset(id for id, (kind, _, _) in keys.items() if kind != "product"),
                texts=texts,
            )
        )

    def _near(
        self, now: Generation, vector: np.ndarray, n: int, kinds: Sequence[Kind]
    ) -> Iterator[str]:
        homes: dict[Name, bool] = {
            "products": "product" in kinds,
            "passages": bool({"faq", "policy"} & set(kinds)),
            "photos": "product" in kinds,
        }
        for name, wanted in homes.items():
            for id in now.neighbours.near(name, vector, n) if wanted else ():
                yield id.rpartition("#")[0] if name == "photos" else id

    def _named(self, words: str, revision: int) -> set[str]:
        """Documents whose id or article number the words say."""
        codes = codes_in(words)
        return self._records.coded(codes) if codes else set()

    # --- Generations --------------------------------------------------------------------------

    def _current(self) -> Generation:
        """The newest finished generation; a new one is opened when there is one."""
        with self._lock:
            if (pointer := self._seen()) != self._pointer:
                if (file := self._identity()) != self._file:  # emptied and made anew
                    records = self._open_records("Start Deskhand again to use it.")
                    self._records.close()
                    self._records, self._file = records, file
                before, self._generation = self._generation, self._open_current()
                before.close()
                self._pointer = pointer
            return self._generation

    def _seen(self) -> tuple[int, int]:
        """What tells one `current.json` from the next."""
        try:
            status = (self._derived / "current.json").stat()
        except FileNotFoundError:
            raise NoIndex(
                f"The index in {self.folder} is being made anew. Ask again when `deskhand index` "
                "is done."
            ) from None
        return status.st_ino, status.st_mtime_ns

    def _identity(self) -> int:
        """What tells one file of documents from another."""
        return (self.folder / "documents.sqlite").stat().st_ino

    def _open_records(self, fix: str) -> Records:
        """Raises IndexMismatch, which ends with the `fix`, when they are of another encoder."""
        records = Records(self.folder / "documents.sqlite", self.encoder, DIM)
        made_with = records.meta["encoder"]
        if made_with != self.encoder:
            records.close()
            raise IndexMismatch(
                f"The index was made with the encoder {made_with}, but {self.encoder} is in use. "
                f"{fix}"
            )
        return records

    def _open_current(self) -> Generation:
        """The current generation, made anew from the records first if it is not whole."""
        try:
            return Generation.open(self._derived)
        except (IndexDamaged, OSError, ValueError, KeyError, TypeError):
            with take(self.folder):
                make(self._records, self._derived, None, DIM)
                return Generation.open(self._derived)

    # --- Update -------------------------------------------------------------------------------

    def update(
        self,
        documents: Iterable[Document | Skipped],
        embed: Embed,
        embed_photos: EmbedPhotos,
        progress: Progress = lambda doing, done, total: None,
        complete: bool = True,
    ) -> IndexReport:
        """Brings the index up to these documents; searches see the old ones until it is done.

        Args:
            documents: As `read_documents` yields them, read once; what it skipped is passed on to
                the report.
            embed: Embeds texts; called for those that are new or changed.
            embed_photos: Embeds photos by their paths; unreadable ones are reported as skipped.
            progress: Called with what is being done, how many are done, and of how many.
            complete: These are all documents there are; others are removed from the index.

        Raises IndexBusy while another process updates it, or KnowledgeError.
        """
        started = time.monotonic()
        try:
            with self._updating, take(self.folder):
                before = self._current()
                staged = stage(documents, self._records, progress)
                embed_staged(staged, self._records, embed, embed_photos, progress)
                removed = self._records.commit(complete)
                if self._records.revision != before.revision:
                    progress("finishing", 0, 0)
                    make(self._records, self._derived, before, DIM)
                tidy(self._derived, [before.folder, self._current().folder])
                self._records.forget(before.revision)
        except (OSError, sqlite3.Error, IndexDamaged) as error:  # what is made anew is not damaged
            raise KnowledgeError(
                f"The index in {self.folder} cannot be written: {error}."
            ) from error
        return IndexReport(
            added=staged.added,
            changed=staged.changed,
            removed=removed,
            unchanged=staged.unchanged,
            skipped=tuple(staged.skipped),
            seconds=time.monotonic() - started,
        )
