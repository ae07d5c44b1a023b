"""Which documents may answer a question, and how near each of them is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from knowledge.codes import codes_in
from knowledge.embed import DIM
from knowledge.filters import Filters
from knowledge.generation import Generation
from knowledge.neighbours import Name
from knowledge.records import Record, Records
from knowledge.search import Signals, akin
from knowledge.types import Kind

CANDIDATES = 60  # nearest products, passages and photos, and lexical matches, that are scored
DEEPER = (400, 3000)  # candidates under a filter, until enough fulfil it
ASKED = 12  # lists of near ones kept in memory: of a turn's vectors, one a collection
REMEMBERED = 10_000  # records, and vectors, kept in memory at most

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Shelf:
    """What was asked of one generation's records before: a question reads few rows anew."""

    def __init__(self, records: Records, now: Generation):
        self.now = now
        self._all = records
        self._keys: dict[str, tuple[Kind, str, tuple[str, ...]]] = {}
        self._records: dict[str, Record] = {}
        self._vectors: dict[str, np.ndarray] = {}
        self._near: dict[tuple[Name, bytes], list[str]] = {}

    def keys(self, ids: Iterable[str]) -> dict[str, tuple[Kind, str, tuple[str, ...]]]:
        """Document id -> its kind, and the digests of its words and of its photos."""
        return _remembered(self._keys, ids, lambda new: self._all.keys(new, self.now.revision))

    def records(self, ids: Iterable[str]) -> dict[str, Record]:
        return _remembered(self._records, ids, lambda new: self._all.some(new, self.now.revision))

    def vectors(self, keys: Iterable[str]) -> dict[str, np.ndarray]:
        """Digest -> vector, for those that have one."""
        return _remembered(self._vectors, keys, self._all.vectors)

    def near(self, name: Name, vector: np.ndarray, n: int) -> list[str]:
        """Ids of the n nearest; a turn asks for the same vector several times."""
        key = (name, vector.tobytes())
        if len(known := self._near.get(key, [])) < min(n, self.now.neighbours.counts[name]):
            if len(self._near) > ASKED:
                self._near.clear()
            known = self._near[key] = self.now.neighbours.near(name, vector, n)
        return known[:n]

    def named(self, words: str) -> set[str]:
        """Documents whose id, article number or family the words say."""
        codes = codes_in(words)
        return self._all.coded(codes) if codes else set()


def _remembered(
    known: dict[Key, Value], wanted: Iterable[Key], fetch: Callable[[list[Key]], dict[Key, Value]]
) -> dict[Key, Value]:
    """What is wanted, the rest of it fetched."""
    wanted = list(wanted)
    if len(known) > REMEMBERED:
        known.clear()
    if new := [key for key in wanted if key not in known]:
        known |= fetch(new)
    return {key: known[key] for key in wanted if key in known}


def gather(
    shelf: Shelf,
    words: str,
    vector: np.ndarray,
    filters: Filters | None,
    kinds: Sequence[Kind],
    k: int,
) -> Signals:
    """How near the candidates are by text, photo and words.

    Arguments are those of `Knowledge.search`. Raises ValueError for a vector that is not finite or
    not (DIM,).
    """
    if vector.shape != (DIM,) or not np.isfinite(vector).all():
        raise ValueError(f"a search needs a finite vector ({DIM},), not {vector.shape}")
    vector = vector.astype(np.float32)
    named = shelf.named(words)
    for n in DEEPER if filters else (CANDIDATES,):
        lexical = shelf.now.lexical.shares(words, n)
        keys = shelf.keys({*lexical, *named, *_near(shelf, vector, n, kinds)})
        keys = {id: key for id, key in keys.items() if key[0] in kinds}
        if filters:
            records = shelf.records(keys)
            keys = {i: key for i, key in keys.items() if filters.accepts(records[i].document)}
            if sum(kind == "product" for kind, _, _ in keys.values()) >= k:
                break
    vectors = shelf.vectors(
        dict.fromkeys(key for _, text, photos in keys.values() for key in (text, *photos))
    )
    near = _cosines(vectors, vector)
    usual = float(shelf.now.average_photo @ vector)
    looks = {
        id: max((near[key] for key in photos if key in near), default=None)
        for id, (_, _, photos) in keys.items()
    }
    return akin(
        Signals(
            dense={id: near[key] for id, (_, key, _) in keys.items()},
            photo={id: (n - usual) / (1 - usual) for id, n in looks.items() if n is not None},
            lexical={id: lexical[id] for id in keys if id in lexical},
            named=frozenset(named & keys.keys()),
            passages=frozenset(id for id, (kind, _, _) in keys.items() if kind != "product"),
            texts={id: vectors[key] for id, (_, key, _) in keys.items()},
        )
    )


def _cosines(vectors: dict[str, np.ndarray], vector: np.ndarray) -> dict[str, float]:
    if not vectors:
        return {}
    return dict(zip(vectors, (np.stack(list(vectors.values())) @ vector).tolist(), strict=True))


def _near(shelf: Shelf, vector: np.ndarray, n: int, kinds: Sequence[Kind]) -> Iterator[str]:
    homes: dict[Name, bool] = {
        "products": "product" in kinds,
        "passages": bool({"faq", "policy"} & set(kinds)),
        "photos": "product" in kinds,
    }
    for name, wanted in homes.items():
        for id in shelf.near(name, vector, n) if wanted else ():
            yield id.rpartition("#")[0] if name == "photos" else id
