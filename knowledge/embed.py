"""Vectors for documents that have none yet, through whatever encoders the caller hands in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from knowledge.lexical import spoken
from knowledge.records import Record, Records
from knowledge.types import Document, KnowledgeError, Skipped

DIM = 384
"""Width of every vector in the index."""

BATCH = 64  # texts or photos embedded, and kept, at a time

Embed = Callable[[Sequence[str]], np.ndarray]
"""Texts -> (n, DIM) float32, unit norm."""

EmbedPhotos = Callable[[Sequence[Path]], Sequence[np.ndarray | None]]
"""Paths of photos -> the vector of each, (DIM,) float32, unit norm, or None if it is unreadable."""

Progress = Callable[[int, int], None]
"""Called with how many texts and photos are embedded, and of how many."""


def embed_missing(
    documents: Mapping[str, Document],
    records: Records,
    embed: Embed,
    embed_photos: EmbedPhotos,
    progress: Progress | None,
    skipped: list[Skipped],
) -> dict[str, Record]:
    """Records of the documents, by id, after the vectors they lack were made and kept.

    Photos that cannot be read are added to `skipped`; their documents stay.
    """
    texts: dict[str, str] = {}  # digest -> words
    paths: dict[str, Path] = {}  # digest -> photo
    drafts = []
    for document in documents.values():
        words = spoken(document)
        key = _digest(b"text:" + words.encode())
        texts[key] = words
        photos = dict(_photos(document, skipped))
        paths |= photos
        drafts.append((document, key, list(photos)))

    new = sorted(records.missing(texts), key=lambda key: len(texts[key]))  # alike in length
    new_photos = records.missing(paths)
    total, done = len(new) + len(new_photos), 0
    for keys in _batches(new):
        records.keep(_checked(dict(zip(keys, embed([texts[k] for k in keys]), strict=True))))
        done += len(keys)
        if progress:
            progress(done, total)
    unreadable = set()
    for keys in _batches(new_photos):
        seen = dict(zip(keys, embed_photos([paths[k] for k in keys]), strict=True))
        unreadable |= {key for key in keys if seen[key] is None}
        records.keep(_checked({key: v for key, v in seen.items() if v is not None}))
        done += len(keys)
        if progress:
            progress(done, total)
    skipped += [Skipped(str(paths[key]), 0, "is not a readable photo") for key in unreadable]
    return {
        document.id: Record(document, key, tuple(p for p in photos if p not in unreadable))
        for document, key, photos in drafts
    }


def _photos(document: Document, skipped: list[Skipped]) -> Iterator[tuple[str, Path]]:
    for photo in document.photos:
        try:
            yield _digest(b"photo:" + Path(photo).read_bytes()), Path(photo)
        except OSError as error:
            skipped.append(Skipped(photo, 0, f"photo of {document.id}: {error.strerror}"))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def _batches(keys: list[str]) -> Iterator[list[str]]:
    return (keys[i : i + BATCH] for i in range(0, len(keys), BATCH))


def _checked(vectors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    for vector in vectors.values():
        if vector.shape != (DIM,):
            raise KnowledgeError(f"The encoder gives vectors {vector.shape}, not ({DIM},).")
        if not abs(float(np.linalg.norm(vector)) - 1.0) < 1e-2:  # so that NaN fails too
            raise KnowledgeError("The encoder gives vectors that are not of unit norm.")
    return vectors
