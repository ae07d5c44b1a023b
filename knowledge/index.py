"""The index: what the shop knows, on disk, found by meaning, by words and by photo.

    folder/documents.sqlite   the truth: documents, vectors, encoder, revision
    folder/derived/           generations of Chroma and BM25, made from it; current.json names one
    folder/answerable.json    from which score an answer is likely, fitted on the documents
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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from knowledge.answerable import MOST, Answerable, fit
from knowledge.candidates import Shelf, gather
from knowledge.codes import bare
from knowledge.embed import DIM, Embed, EmbedPhotos, Progress, embed_staged, stage
from knowledge.filters import Filters
from knowledge.generation import BROKEN, Generation, make, tidy
from knowledge.lock import take
from knowledge.records import Records
from knowledge.search import Signals, families, rank, score, unfolded
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

ANSWERABLE = "answerable.json"


def open_index(
    folder: Path, encoder: str, create: bool = False, language: Collection[str] = frozenset()
) -> Knowledge:
    """Opens the index in `folder` for searching, which others may do at the same time.

    Args:
        folder: Where the index is.
        encoder: Name of the space of its vectors; must be the one it was made with.
        create: Make an empty index when there is none.
        language: Common words, which are no slips of the pen where the shop has none like them.

    Raises:
        NoIndex, IndexMismatch, IndexDamaged, IndexBusy (to be repaired while another process
        writes) or KnowledgeError (the folder cannot be used); the message says what to do.
    """
    try:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        elif not (folder / "documents.sqlite").is_file():
            raise NoIndex(f"There is no index in {folder}: `deskhand index PATH...` makes one.")
        return Knowledge(folder, encoder, language)
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

    def __init__(self, folder: Path, encoder: str, language: Collection[str]):
        self.folder = folder
        self.encoder = encoder
        self._language = language
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
        self._shelf = Shelf(self._records, self._generation)
        self._answerable = Answerable.read(folder / ANSWERABLE)
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
            self._current()
            record = self._shelf.records([id]).get(id)
        return record.document if record else None

    def documents(self, kind: Kind | None = None, of: Collection[str] = ()) -> list[Document]:
        """All of them, by id; with `of` only those whose attribute "kind" is one of these."""
        with self._lock:
            now = self._current()
            return [record.document for record in self._records.all(now.revision, kind, of)]

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
        vectors: np.ndarray,
        filters: Filters | None = None,
        k: int = 10,
        kinds: Sequence[Kind] = KINDS,
        grouped: bool = False,
    ) -> list[Hit]:
        """The k best documents for a question, best first; passages that say the same only once.

        Args:
            words: What was said, for matching words, names and article numbers.
            vectors: The question in the space of the index, (DIM,) float32, unit norm; or several
                ways to understand it, (v, DIM): a document counts by the one it is nearest to.
            filters: Products that do not fulfil these are left out; passages stay.
            kinds: Kinds of documents wanted.
            grouped: The best variant of each product stands for all; `Hit.variants` has the ids of
                the others that were found.

        Raises ValueError for vectors that are not finite or not of that shape.
        """
        with self._lock:
            signals = self.signals(words, vectors, filters, kinds, k)
            scores = np.stack([score(one) for one in signals])
            order = unfolded(signals[0], scores.max(0))
            records = self._shelf.records(order if grouped else islice(order, k))
        documents = {id: record.document for id, record in records.items()}
        groups = families(documents, k) if grouped else {id: [id] for id in documents}
        found = {id: documents[id] for id in groups}
        hits = rank(words, signals, scores, found, self._answerable.probability)
        return [replace(hit, variants=tuple(groups[hit.document.id][1:])) for hit in hits]

    def signals(
        self,
        words: str,
        vectors: np.ndarray,
        filters: Filters | None = None,
        kinds: Sequence[Kind] = KINDS,
        k: int = 10,
    ) -> list[Signals]:
        """How near the candidates are by text, photo and words, for each of the vectors: what
        `search` ranks by."""
        with self._lock:
            now = self._current()
            vectors = np.atleast_2d(vectors).astype(np.float32)
            candidates = gather(self._shelf, words, vectors, filters, kinds, k)
        return [candidates.signals(one, float(now.average_photo @ one)) for one in vectors]

    def vector(self, id: str) -> np.ndarray | None:
        """What the index has for a document's text, (DIM,) float32, unit norm; None without it."""
        with self._lock:
            self._current()
            keys = [key for _, key, _ in self._shelf.keys([id]).values()]
            return next(iter(self._shelf.vectors(keys).values()), None)

    def related(self, code: str) -> list[Document]:
        """Documents with this id, article number or family, as it stands in their fields, by id."""
        with self._lock:
            self._current()
            records = self._shelf.records(sorted(self._records.coded([bare(code)])))
        return [record.document for record in records.values()]

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
                self._shelf = Shelf(self._records, self._generation)
                self._answerable = Answerable.read(self.folder / ANSWERABLE)
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
            opened = Generation.open(self._derived)
        except BROKEN:
            with take(self.folder):
                make(self._records, self._derived, None, DIM)
                opened = Generation.open(self._derived)
        opened.lexical.language = self._language
        return opened

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

    def calibrate(self, embed: Embed) -> None:
        """Fits how sure a hit is to the documents, where those have changed much."""
        with self._lock:
            now, count = self._current(), self.count()
            if not self._answerable.holds(count, self.encoder):
                kept = list(islice(self._records.all(now.revision), MOST))
                self._answerable = fit(kept, self._records, now.lexical, embed, count, self.encoder)
                self._answerable.write(self.folder / ANSWERABLE)
