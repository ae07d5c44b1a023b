"""Chroma: which passages and photos are near a vector. Everything in it comes from the records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import chromadb
import numpy as np
from chromadb.config import Settings
from chromadb.errors import ChromaError

from knowledge.records import Record, Records, damaged

Name = Literal["passages", "photos"]
NAMES: tuple[Name, Name] = ("passages", "photos")
COSINE: Any = {"hnsw": {"space": "cosine"}}


class Neighbours:
    """Two collections: `passages`, a vector a document, ids "docid"; `photos`, ids "docid#0"."""

    def __init__(self, folder: Path):
        """Opens or makes the collections. Raises IndexDamaged when Chroma cannot."""
        self.folder = folder
        try:
            settings = Settings(anonymized_telemetry=False)
            self._client: Any = chromadb.PersistentClient(path=str(folder), settings=settings)
            self._collections: dict[Name, Any] = {
                name: self._client.get_or_create_collection(
                    name, embedding_function=None, configuration=COSINE
                )
                for name in NAMES
            }
        except (ChromaError, AttributeError) as error:  # the latter from closing what never opened
            raise damaged(folder, str(error)) from error
        for name, collection in self._collections.items():
            if collection.configuration_json["hnsw"]["space"] != "cosine":
                raise damaged(folder, f"{name} are not compared by cosine")

    def close(self) -> None:
        self._client.close()

    def check(self, passages: int, photos: int, probe: np.ndarray | None) -> None:
        """Raises IndexDamaged unless it holds that many vectors and can be asked for one."""
        for name, count in zip(NAMES, (passages, photos), strict=True):
            try:
                held = self._collections[name].count()
            except ChromaError as error:
                raise damaged(self.folder, str(error)) from error
            if held != count:
                raise damaged(self.folder, f"{held} {name} instead of {count}")
            if held and probe is not None:
                self.near(name, probe, 1)

    def put(self, records: Records, changed: Iterable[Record]) -> None:
        """Adds records, whose vectors are kept already."""
        changed = list(changed)
        passages = [(r.document.id, r.words) for r in changed]
        photos = [(f"{r.document.id}#{i}", k) for r in changed for i, k in enumerate(r.photos)]
        batch = self._client.get_max_batch_size()
        try:
            for name, pairs in zip(NAMES, (passages, photos), strict=True):
                for i in range(0, len(pairs), batch):
                    part = pairs[i : i + batch]
                    vectors = records.vectors(key for _, key in part)
                    self._collections[name].upsert(
                        ids=[id_ for id_, _ in part],
                        embeddings=np.stack([vectors[key] for _, key in part]),
                    )
        except ChromaError as error:
            raise damaged(self.folder, str(error)) from error

    def drop(self, gone: Iterable[Record]) -> None:
        """Takes records out; their photos are those that the record names."""
        gone = list(gone)
        batch = self._client.get_max_batch_size()
        photos = [f"{r.document.id}#{i}" for r in gone for i in range(len(r.photos))]
        try:
            for name, ids in zip(NAMES, ([r.document.id for r in gone], photos), strict=True):
                for i in range(0, len(ids), batch):
                    self._collections[name].delete(ids=ids[i : i + batch])
        except ChromaError as error:
            raise damaged(self.folder, str(error)) from error

    def near(
        self, name: Name, vector: np.ndarray, n: int, among: Sequence[str] | None = None
    ) -> list[str]:
        """Ids of the n nearest to a vector (dimension,), nearest first; only `among` these ids."""
        if among is not None and not among:
            return []
        try:
            found = self._collections[name].query(
                query_embeddings=[vector],
                n_results=n,
                ids=list(among) if among is not None else None,
                include=[],
            )
        except ChromaError as error:
            raise damaged(self.folder, str(error)) from error
        return found["ids"][0]
