"""Text vectors, photo vectors and words -> one ranking of products and passages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from knowledge.lexical import terms
from knowledge.types import Document, Hit

AGREE = 0.75  # how far a photo that agrees with the text, or the other way round, adds to it
LEXICAL = 0.2  # what a document that says every word of the question gains
NAMED = 0.97  # score of a product whose id or article number was said
WINDOW = 300  # characters of the passage that matched


@dataclass(frozen=True, slots=True)
class Signals:
    """How near each candidate is to a question, by document id."""

    dense: Mapping[str, float]  # cosine with the text's vector; every candidate has one
    photo: Mapping[str, float]  # how much nearer its best photo is than the shop's average one
    lexical: Mapping[str, float]  # share of the question's words, in (0, 1]
    named: frozenset[str] = frozenset()  # the question says the id or article number


def score(signals: Signals) -> dict[str, float]:
    """The score of each candidate, in [0, 1]: how near by meaning or by looks, and by words."""
    scores = {}
    for id, dense in signals.dense.items():
        less, near = sorted((max(0.0, dense), max(0.0, signals.photo.get(id, 0.0))))
        near += AGREE * less * (1 - near)
        total = min(1.0, near + LEXICAL * signals.lexical.get(id, 0.0))
        scores[id] = NAMED + (1 - NAMED) * total if id in signals.named else NAMED * total
    return scores


def rank(words: str, signals: Signals, documents: Mapping[str, Document], k: int) -> list[Hit]:
    """The k best candidates as hits, best first."""
    scores = score(signals)
    places = {
        name: {id: place for place, id in enumerate(order(found), start=1)}
        for name, found in (
            ("dense", signals.dense),
            ("lexical", signals.lexical),
            ("photo", signals.photo),
        )
    }
    hits = []
    for id in order(scores)[:k]:
        start, end = window(documents[id].text, words)
        ranks = {name: place[id] for name, place in places.items() if id in place}
        hits.append(Hit(documents[id], scores[id], ranks, start, end))
    return hits


def order(scores: Mapping[str, float]) -> list[str]:
    """Ids, the highest score first; equal ones by id."""
    return sorted(scores, key=lambda id: (-scores[id], id))


def names_in(words: str) -> set[str]:
    """What in a question may be an id or an article number: words with a digit or a hyphen."""
    found = re.findall(r"\w+(?:[-/_.]\w+)*", words.lower())
    return {word for word in found if re.search(r"[\d-]", word)}


def window(text: str, words: str) -> tuple[int, int]:
    """(start, end) of the sentences, at most WINDOW characters, that say most of the words."""
    wanted = set(terms(words))
    spans = list(_sentences(text))
    best, best_value = (0, 0), (-1, -1)
    for i, (start, end) in enumerate(spans):
        first = len(wanted & set(terms(text[start:end])))
        for _, later in spans[i + 1 :]:
            if later - start > WINDOW:
                break
            end = later
        value = (len(wanted & set(terms(text[start:end]))), first)
        if value > best_value:
            best, best_value = (start, end), value
    return best


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
