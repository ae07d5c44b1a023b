"""Chroma: which documents and photos are near a vector. Everything in it comes from the records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import chromadb
import numpy as np
from chromadb.config import Settings
from chromadb.errors import ChromaError

from knowledge.records import Record, Records, batched, damaged

Name = Literal["products", "passages", "photos"]
NAMES: tuple[Name, ...] = ("products", "passages", "photos")
COSINE: Any = {"hnsw": {"space": "cosine"}}
BATCH = 1000  # records at a time


class Neighbours:
    """Three collections: `products` and `passages`, a vector a document under its id; `photos`,
    several a product, ids "docid#0"."""

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
            self.counts: dict[Name, int] = {n: c.count() for n, c in self._collections.items()}
        except (ChromaError, AttributeError) as error:  # the latter from closing what never opened
            raise damaged(folder, str(error)) from error
        for name, collection in self._collections.items():
            if collection.configuration_json["hnsw"]["space"] != "cosine":
                raise damaged(folder, f"{name} are not compared by cosine")

    def close(self) -> None:
        self._client.close()

    def put(self, records: Records, changed: Iterable[Record]) -> None:
        """Adds records, whose vectors are kept already."""
        for part in batched(changed, BATCH):
            documents = [(_home(r), r.document.id, r.words) for r in part]
            photos = [
                ("photos", f"{r.document.id}#{i}", key)
                for r in part
                for i, key in enumerate(r.photos)
            ]
            vectors = records.vectors(key for _, _, key in (*documents, *photos))
            for name in NAMES:
                pairs = [
                    (id, vectors[key])
                    for home, id, key in (*documents, *photos)
                    if home == name and key in vectors  # an unreadable photo has none
                ]
                for some in batched(pairs, BATCH):
                    self._do(
                        self._collections[name].upsert,
                        ids=[id for id, _ in some],
                        embeddings=np.stack([vector for _, vector in some]),
                    )

    def drop(self, gone: Iterable[Record]) -> None:
        """Takes records out; their photos are those that the record names."""
        for part in batched(gone, BATCH):
            photos = [f"{r.document.id}#{i}" for r in part for i in range(len(r.photos))]
            for name in NAMES:
                ids = [r.document.id for r in part if _home(r) == name]
                for some in batched(photos if name == "photos" else ids, BATCH):
                    self._do(self._collections[name].delete, ids=list(some))

    def near(self, name: Name, vectors: np.ndarray, n: int) -> list[list[str]]:
        """Ids of the n nearest to each of some vectors (v, dimension), nearest first."""
        if not self.counts[name]:
            return [[] for _ in vectors]
        found = self._do(
            self._collections[name].query,
            query_embeddings=vectors,
            n_results=min(n, self.counts[name]),
            include=[],
        )
        return found["ids"]

    def _do(self, action: Any, **arguments: Any) -> Any:
        try:
            return action(**arguments)
        except ChromaError as error:
            raise damaged(self.folder, str(error)) from error


def _home(record: Record) -> Name:
    return "products" if record.document.kind == "product" else "passages"
