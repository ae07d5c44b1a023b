"""Text vectors, photo vectors and words -> one ranking of products and passages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

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
    """How near each candidate is to a question, by document id."""

    dense: Mapping[str, float]  # cosine with the text's vector; every candidate has one
    photo: Mapping[str, float]  # how much nearer its best photo is than the shop's average one
    lexical: Mapping[str, float]  # share of the question's words, in (0, 1]
    named: frozenset[str] = frozenset()  # the question says the id or article number
    passages: frozenset[str] = frozenset()  # those that are not products
    akin: Mapping[str, float] = field(default_factory=dict)  # cosine with the best ones' mean
    texts: Mapping[str, np.ndarray] = field(default_factory=dict)  # vectors of the texts


def score(signals: Signals) -> dict[str, float]:
    """The score of each candidate, in [0, 1]: how near by meaning or by looks, and by words.

    Each signal takes away a part of what is left to 1, so that the score stays a share. A document
    that is unlike the best ones goes back (pseudo-relevance feedback): "notebook" finds many
    notebooks, and a case for one is not of their kind. The weights were chosen on a made-up
    catalogue of electronics, on the demo shop and on half of the questions about a clothes shop.
    """
    scores = {}
    for id, dense in signals.dense.items():
        less, near = sorted((max(0.0, dense), max(0.0, signals.photo.get(id, 0.0))))
        near += AGREE * less * (1 - near)
        near = blend(near, signals.lexical.get(id, 0.0))
        near *= 1 - AKIN * (1 - max(0.0, signals.akin.get(id, 1.0)))
        scores[id] = NAMED + (1 - NAMED) * near if id in signals.named else NAMED * near
    return scores


def blend(near: float, share: float) -> float:
    """How near by meaning, with the share of the question's words that a document says."""
    near = max(0.0, near)
    return near + LEXICAL * share * (1 - near)


def akin(signals: Signals) -> Signals:
    """The signals with how alike each candidate is to the best ones; as they are without words."""
    if not signals.lexical:
        return signals
    scores = score(signals)
    best = order(scores)[:BEST]
    mean = np.sum([scores[id] * signals.texts[id] for id in best], axis=0)
    length = float(np.linalg.norm(mean))
    if not length:
        return signals
    near = np.stack(list(signals.texts.values())) @ mean / length
    like = dict(zip(signals.texts, near.tolist(), strict=True))
    top = max(like[id] for id in best)
    return replace(signals, akin={id: min(1.0, near / top) for id, near in like.items()})


def unfolded(signals: Signals, scores: Mapping[str, float]) -> Iterator[str]:
    """Ids, the best first, without passages that say the same as a better one."""
    texts: list[np.ndarray] = []
    for id in order(scores):
        if id in signals.passages:
            text = signals.texts[id]
            if texts and float((np.stack(texts) @ text).max()) >= SAME:
                continue
            texts.append(text)
        yield id


def rank(
    words: str,
    signals: Signals,
    scores: Mapping[str, float],
    documents: Mapping[str, Document],
    sure: Callable[[float], float],
) -> list[Hit]:
    """The documents, given in their order, as hits; `sure`: score -> how likely it answers."""
    places = {
        name: {id: place for place, id in enumerate(order(found), start=1)}
        for name, found in (
            ("dense", signals.dense),
            ("lexical", signals.lexical),
            ("photo", signals.photo),
        )
    }
    hits = []
    for id, document in documents.items():
        start, end = window(document.text, words)
        ranks = {name: place[id] for name, place in places.items() if id in place}
        hits.append(Hit(document, scores[id], ranks, start, end, sure(scores[id])))
    return hits


def order(scores: Mapping[str, float]) -> list[str]:
    """Ids, the highest score first; equal ones by id."""
    return sorted(scores, key=lambda id: (-scores[id], id))


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
