"""Which documents may answer a question, and how near each of them is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
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
        self._near: dict[tuple[Name, bytes], list[list[str]]] = {}

    def keys(self, ids: Iterable[str]) -> dict[str, tuple[Kind, str, tuple[str, ...]]]:
        """Document id -> its kind, and the digests of its words and of its photos."""
        return _remembered(self._keys, ids, lambda new: self._all.keys(new, self.now.revision))

    def records(self, ids: Iterable[str]) -> dict[str, Record]:
        return _remembered(self._records, ids, lambda new: self._all.some(new, self.now.revision))

    def vectors(self, keys: Iterable[str]) -> dict[str, np.ndarray]:
        """Digest -> vector, for those that have one."""
        return _remembered(self._vectors, keys, self._all.vectors)

    def near(self, name: Name, vectors: np.ndarray, n: int) -> list[list[str]]:
        """Ids of the n nearest to each vector; a turn asks for the same ones several times."""
        key = (name, vectors.tobytes())
        most = min(n, self.now.neighbours.counts[name])
        known = self._near.get(key)
        if known is None or len(known[0]) < most:
            if len(self._near) > ASKED:
                self._near.clear()
            known = self._near[key] = self.now.neighbours.near(name, vectors, n)
        return [ids[:n] for ids in known]

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


@dataclass(frozen=True, slots=True)
class Candidates:
    """Documents that may answer a question: arrays of (n,) in the order of `ids`."""

    ids: tuple[str, ...]  # sorted
    lexical: np.ndarray  # share of the question's words, in [0, 1]
    named: np.ndarray  # bool: the question says the id or article number
    passages: np.ndarray  # bool: those that are not products
    texts: np.ndarray  # (n, DIM): vectors of the texts
    photos: np.ndarray  # (m, DIM): vectors of all their photos
    shown: np.ndarray  # (m,): whose each photo is, by its place in `ids`

    def signals(self, vector: np.ndarray, usual: float) -> Signals:
        """How near they are to a vector (DIM,), of which the shop's average photo is `usual`."""
        photo = np.full(len(self.ids), np.nan)
        np.fmax.at(photo, self.shown, (self.photos @ vector - usual) / (1 - usual))
        return akin(
            Signals(
                ids=self.ids,
                dense=self.texts @ vector,
                photo=photo,
                lexical=self.lexical,
                named=self.named,
                passages=self.passages,
                akin=np.ones(len(self.ids)),
                texts=self.texts,
            )
        )


def gather(
    shelf: Shelf,
    words: str,
    vectors: np.ndarray,
    filters: Filters | None,
    kinds: Sequence[Kind],
    k: int,
) -> Candidates:
    """What is near to any of the vectors (v, DIM), or says the words.

    The other arguments are those of `Knowledge.search`. Raises ValueError for vectors that are not
    finite or not of that shape.
    """
    if vectors.shape[1:] != (DIM,) or not np.isfinite(vectors).all():
        raise ValueError(f"a search needs finite vectors (v, {DIM}), not {vectors.shape}")
    named = shelf.named(words)
    for n in DEEPER if filters else (CANDIDATES,):
        lexical = shelf.now.lexical.shares(words, n)
        near = _near(shelf, vectors, n, kinds)
        keys = shelf.keys(sorted({*lexical, *named, *near}))
        keys = {id: key for id, key in keys.items() if key[0] in kinds}
        if filters:
            records = shelf.records(keys)
            keys = {i: key for i, key in keys.items() if filters.accepts(records[i].document)}
            if sum(kind == "product" for kind, _, _ in keys.values()) >= k:
                break
    known = shelf.vectors(
        dict.fromkeys(key for _, text, photos in keys.values() for key in (text, *photos))
    )
    shown = [
        (place, known[key])
        for place, (_, _, photos) in enumerate(keys.values())
        for key in photos
        if key in known  # an unreadable photo has none
    ]
    return Candidates(
        ids=tuple(keys),
        lexical=np.array([lexical.get(id, 0.0) for id in keys]),
        named=np.array([id in named for id in keys], bool),
        passages=np.array([kind != "product" for kind, _, _ in keys.values()], bool),
        texts=_matrix([known[text] for _, text, _ in keys.values()]),
        photos=_matrix([vector for _, vector in shown]),
        shown=np.array([place for place, _ in shown], int),
    )


def _matrix(vectors: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(vectors) if vectors else np.empty((0, DIM), np.float32)


def _near(shelf: Shelf, vectors: np.ndarray, n: int, kinds: Sequence[Kind]) -> Iterator[str]:
    homes: dict[Name, bool] = {
        "products": "product" in kinds,
        "passages": bool({"faq", "policy"} & set(kinds)),
        "photos": "product" in kinds,
    }
    for name, wanted in homes.items():
        for id in chain.from_iterable(shelf.near(name, vectors, n)) if wanted else ():
            yield id.rpartition("#")[0] if name == "photos" else id
