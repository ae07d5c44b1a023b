"""Text vectors, photo vectors and words -> one ranking of products and passages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

import numpy as np

from knowledge.lexical import terms
from knowledge.types import Document, Hit

AGREE = 0.75  # how far a photo that agrees with the text, or the other way round, adds to it
LEXICAL = 0.7  # how far a document that says every word of the question comes nearer
BEST = 5  # what most of the best documents are alike in is what is sought
AKIN = 0.4  # how far a document that is quite unlike the best ones goes back
SAME = 0.985  # cosine from which two passages say the same
NAMED = 0.97  # score of a document whose id or article number was said
WINDOW = 300  # characters of the passage that matched


@dataclass(frozen=True, slots=True)
class Signals:
    """How near each candidate is to a question, an array (n,) each in the order of `ids`."""

    ids: tuple[str, ...]  # of the candidates, sorted
    dense: np.ndarray  # cosine with the text's vector
    photo: np.ndarray  # how much nearer its best photo is than the shop's average one; NaN: none
    lexical: np.ndarray  # share of the question's words, in [0, 1]
    named: np.ndarray  # bool: the question says the id or article number
    passages: np.ndarray  # bool: those that are not products
    akin: np.ndarray  # cosine with the best ones' mean, as a part of the best one's; 1: not asked
    texts: np.ndarray  # (n, DIM): vectors of the texts


def score(signals: Signals) -> np.ndarray:
    """The score of each candidate (n,), in [0, 1]: how near by meaning or by looks, and by words.

    Each signal takes away a part of what is left to 1, so that the score stays a share. A document
    that is unlike the best ones goes back (pseudo-relevance feedback): "notebook" finds many
    notebooks, and a case for one is not of their kind. The weights were chosen on a made-up
    catalogue of electronics, on the demo shop and on half of the questions about a clothes shop.
    """
    dense, photo = np.fmax(signals.dense, 0), np.fmax(signals.photo, 0)
    less, near = np.minimum(dense, photo), np.maximum(dense, photo)
    near = blend(near + AGREE * less * (1 - near), signals.lexical)
    near = near * (1 - AKIN * (1 - np.maximum(signals.akin, 0)))
    return np.where(signals.named, NAMED + (1 - NAMED) * near, NAMED * near)


def blend(near: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """How near by meaning, with the share of the question's words that a document says."""
    near = np.maximum(near, 0)
    return near + LEXICAL * share * (1 - near)


def akin(signals: Signals) -> Signals:
    """The signals with how alike each candidate is to the best ones; as they are without words."""
    if not signals.lexical.any():
        return signals
    scores = score(signals)
    best = order(scores)[:BEST]
    mean = scores[best] @ signals.texts[best]
    if not mean.any():
        return signals
    near = signals.texts @ (mean / np.linalg.norm(mean))
    return replace(signals, akin=np.minimum(near / near[best].max(), 1))


def unfolded(signals: Signals, scores: np.ndarray) -> Iterator[str]:
    """Ids, the best first, without passages that say the same as a better one."""
    told: list[int] = []
    for i in order(scores).tolist():
        if signals.passages[i]:
            if told and (signals.texts[told] @ signals.texts[i]).max() >= SAME:
                continue
            told.append(i)
        yield signals.ids[i]


def families(documents: Mapping[str, Document], k: int) -> dict[str, list[str]]:
    """The first of each of the first k families, with the ids of all that are found of it."""
    found: dict[str, list[str]] = {}
    for id, document in documents.items():
        found.setdefault(document.family or id, []).append(id)
    return {ids[0]: ids for ids in islice(found.values(), k)}


def rank(
    words: str,
    signals: Sequence[Signals],
    scores: np.ndarray,
    documents: Mapping[str, Document],
    sure: Callable[[float], float],
) -> list[Hit]:
    """The documents, given in their order, as hits.

    `signals` and their `scores` (v, n): one for each vector of the question; a document's are those
    by which it is nearest. `sure`: score -> how likely it answers.
    """
    ranks = [places(one) for one in signals]
    hits = []
    for id, document in documents.items():
        i = signals[0].ids.index(id)
        by = int(scores[:, i].argmax())
        start, end = window(document.text, words)
        found = {name: int(place[i]) for name, place in ranks[by].items() if place[i]}
        best = float(scores[by, i])
        hits.append(Hit(document, best, found, start, end, sure(best)))
    return hits


def places(signals: Signals) -> dict[str, np.ndarray]:
    """Each candidate's place (n,) by each signal, from 1; 0 where the signal does not find it."""
    found = {
        "dense": signals.dense,
        "lexical": np.where(signals.lexical > 0, signals.lexical, np.nan),
        "photo": signals.photo,
    }
    placed = {}
    for name, values in found.items():
        placed[name] = np.zeros(len(values), int)
        has = np.flatnonzero(~np.isnan(values))
        placed[name][has[order(values[has])]] = np.arange(1, len(has) + 1)
    return placed


def order(scores: np.ndarray) -> np.ndarray:
    """Places of the scores, the highest first; of equal ones the first."""
    return np.argsort(-scores, kind="stable")


def window(text: str, words: str) -> tuple[int, int]:
    """(start, end) of the sentences, at most WINDOW characters, that say most of the words."""
    wanted = set(terms(words))
    spans, spoken = _sentences_of(text)
    said = [wanted & each for each in spoken]
    best, best_value = (0, 0), (-1, -1)
    for i, (start, end) in enumerate(spans):
        together = set(said[i])
        for (_, later), more in zip(spans[i + 1 :], said[i + 1 :], strict=True):
            if later - start > WINDOW:
                break
            end = later
            together |= more
        value = (len(together), len(said[i]))
        if value > best_value:
            best, best_value = (start, end), value
    return best


@lru_cache(maxsize=2000)
def _sentences_of(text: str) -> tuple[list[tuple[int, int]], list[set[str]]]:
    """The spans of a text, and what each of them says; the same texts are found again and again."""
    spans = list(_sentences(text))
    return spans, [set(terms(text[start:end])) for start, end in spans]


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Spans of sentences and lines; a longer one than WINDOW is cut between words."""
    for match in re.finditer(r"\S(?:[^\n.!?]|[.!?](?!\s|$))*[.!?]*", text):
        start, end = match.span()
        while end - start > WINDOW:
            cut = text.rfind(" ", start + 1, start + WINDOW)
            cut = cut if cut > 0 else start + WINDOW
            yield start, cut
            start = cut + 1 if text[cut] == " " else cut
        end = start + len(text[start:end].rstrip())
        if end > start:
            yield start, end
