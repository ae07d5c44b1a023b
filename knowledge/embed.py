"""Documents are staged and get the vectors they lack, through whatever encoders the caller has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from knowledge.codes import codes_of
from knowledge.lexical import spoken
from knowledge.records import Record, Records, batched
from knowledge.types import Document, KnowledgeError, Skipped

DIM = 384
"""Width of every vector in the index."""

BATCH = 256  # texts embedded, and kept, at a time: shortest first, so that batches are alike
PHOTOS = 64  # the same for photos
ROWS = 500  # documents staged at a time

Embed = Callable[[Sequence[str]], np.ndarray]
"""Texts -> (n, DIM) float32, unit norm."""

EmbedPhotos = Callable[[Sequence[Path]], Sequence[np.ndarray | None]]
"""Paths of photos -> the vector of each, (DIM,) float32, unit norm, or None if it is unreadable."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and of how many (0: not known yet)."""


@dataclass(slots=True)
class Staged:
    """What an update has put aside."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    photos: dict[str, Path] = field(default_factory=dict)  # digest -> a photo


def stage(documents: Iterable[Document | Skipped], records: Records, progress: Progress) -> Staged:
    """Reads the documents once and puts aside what is new or changed; of one id, the first."""
    staged = Staged()
    records.begin()
    for items in batched(documents, ROWS):
        staged.skipped += [item for item in items if isinstance(item, Skipped)]
        wanted: dict[str, Document] = {}
        again = records.seen([item.id for item in items if isinstance(item, Document)])
        for item in items:
            if isinstance(item, Skipped):
                continue
            if item.id in wanted or item.id in again:
                reason = f"second document with id {item.id!r}; the first was kept"
                staged.skipped.append(Skipped(item.title, 0, reason))
            else:
                wanted[item.id] = item
        drafts = [_record(document, staged) for document in wanted.values()]
        codes = ((code, d.id) for d in wanted.values() for code in codes_of(d))
        added, changed = records.stage(drafts, codes)
        staged.added, staged.changed = staged.added + added, staged.changed + changed
        staged.unchanged += len(drafts) - added - changed
        progress("reading", staged.added + staged.changed + staged.unchanged, 0)
    return staged


def embed_staged(
    staged: Staged, records: Records, embed: Embed, embed_photos: EmbedPhotos, progress: Progress
) -> None:
    """Makes and keeps the vectors that staged documents lack. Unreadable photos are reported."""
    lacking, done = records.lacking(), 0
    for rows in batched(lacking, BATCH):
        some = records.at(rows)
        vectors = embed([spoken(record.document) for record in some])
        keys = [record.words for record in some]
        records.keep(_checked(dict(zip(keys, vectors, strict=True))))
        done += len(some)
        progress("embedding", done, len(lacking))
    have = records.vectors(staged.photos) if staged.photos else {}
    new = [key for key in staged.photos if key not in have]
    for done, keys in enumerate(batched(new, PHOTOS)):
        seen = dict(zip(keys, embed_photos([staged.photos[k] for k in keys]), strict=True))
        records.keep(_checked({key: v for key, v in seen.items() if v is not None}))
        staged.skipped += [
            Skipped(str(staged.photos[key]), 0, "is not a readable photo")
            for key, vector in seen.items()
            if vector is None
        ]
        progress("looking at photos", done * PHOTOS + len(keys), len(new))


def _record(document: Document, staged: Staged) -> Record:
    photos = dict(_photos(document, staged.skipped))
    staged.photos |= photos
    return Record(document, _digest(b"text:" + spoken(document).encode()), tuple(photos))


def _photos(document: Document, skipped: list[Skipped]) -> Iterator[tuple[str, Path]]:
    for photo in document.photos:
        try:
            yield _digest(b"photo:" + Path(photo).read_bytes()), Path(photo)
        except OSError as error:
            skipped.append(Skipped(photo, 0, f"photo of {document.id}: {error.strerror}"))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def _checked(vectors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    for vector in vectors.values():
        if vector.shape != (DIM,):
            raise KnowledgeError(f"The encoder gives vectors {vector.shape}, not ({DIM},).")
        if not abs(float(np.linalg.norm(vector)) - 1.0) < 1e-2:  # so that NaN fails too
            raise KnowledgeError("The encoder gives vectors that are not of unit norm.")
    return vectors
