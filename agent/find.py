"""What the shop knows about a turn: which words to search with, and which wishes to obey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from agent.memory import Memory
from agent.products import short, word_set
from agent.refer import cheaper, referred
from agent.types import Limits
from fusion.types import Encoded, Fused, Modality, Percept
from fusion.understand import FusionModule
from fusion.unsold import Unsold, features
from knowledge.filters import COLORS, Filters, parse_filters
from knowledge.index import Knowledge
from knowledge.lexical import terms
from knowledge.search import NAMED, Signals
from knowledge.types import Document, Hit


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found for a turn."""

    hits: tuple[Hit, ...]  # best first
    words: str  # the customer's own, with the product a follow-up is about
    filters: str = ""  # the wishes in the words
    relaxed: tuple[str, ...] = ()  # those given up because nothing was left
    unsold: float = 0.0  # in [0, 1]: how likely the photo shows nothing that the shop sells
    seen: tuple[Document, ...] = ()  # the products most like the photo, whatever was said of it


def find(
    percept: Percept,
    fused: Fused,
    fusion: FusionModule,
    knowledge: Knowledge,
    memory: Memory,
    limits: Limits,
    unsold: Unsold | None = None,
) -> Findings:
    """Search with every word, and with the wishes in the customer's own words as a filter.

    When no product is left, wishes are given up one by one. A product that the words name stays,
    whatever the wishes: "the Tove mug in blue" is about the Tove mug first.
    """
    own = own_words(percept)
    filters = parse_filters(own, knowledge.vocabulary)
    photo = "photo" in percept.present
    about, filters = ("", filters) if photo else subject(own, filters, knowledge, memory)
    words = " ".join(filter(None, [percept.words, about]))
    vectors = [fused.vector]
    if "history" in percept.present:  # a new subject is found as if nothing had been said
        vectors.append(fusion.vector(_alone(percept)))

    everything = _search(knowledge, words, vectors)
    fitting, wished = everything, filters.describe()
    if filters:
        fitting = _fitting(knowledge, words, vectors, filters, limits)
    dropped: tuple[str, ...] = ()
    while not fitting and (fewer := filters.relaxed()) is not None:
        filters, dropped = fewer, fewer.dropped
        fitting = _fitting(knowledge, words, vectors, filters, limits) if filters else everything
    scores = [hit.score for hit in fitting if hit.document.kind == "product"]
    top = max(scores, default=0.0)
    named = {  # at least as likely as a product that merely fits
        hit.document.id: replace(hit, score=max(hit.score, top))
        for hit in everything
        if hit.document.kind == "product" and word_set(short(hit.document)) <= word_set(words)
    }
    others = [hit for hit in fitting if hit.document.id not in named]
    hits = sorted([*named.values(), *others], key=lambda hit: -hit.score)
    strange = 0.0
    seen: tuple[Document, ...] = ()
    if photo:
        alone = knowledge.signals("", percept.encoded["photo"].vector, kinds=("product",))
        seen = nearest(alone, knowledge, limits.agree)
        if unsold and all(hit.score < NAMED for hit in hits):
            strange = stranger(percept.encoded["photo"], alone, unsold)
    said = f"{own} ({about})" if about else own
    return Findings(tuple(hits), said, wished, dropped, strange, seen)


def nearest(alone: Signals, knowledge: Knowledge, most: int) -> tuple[Document, ...]:
    """The products that look most like a photo, whatever was said of it."""
    ids = sorted(alone.photo, key=lambda id: -alone.photo[id])[:most]
    return tuple(document for id in ids if (document := knowledge.document(id)))


def stranger(photo: Encoded, signals: Signals, unsold: Unsold) -> float:
    """How likely a photo shows nothing that the shop sells, in [0, 1]; `signals` are its own."""
    if not signals.photo:
        return 0.0
    texts = np.array(list(signals.dense.values()))
    pictures = np.array([signals.photo.get(id, np.nan) for id in signals.dense])
    return float(unsold(features(photo, texts, pictures)))


def own_words(percept: Percept) -> str:
    """What the customer typed and said. Words printed in a photo are evidence, never wishes."""
    heard = percept.transcript.text if percept.transcript and "voice" in percept.present else ""
    return " ".join(filter(None, [percept.text, heard]))


def subject(
    own: str, filters: Filters, knowledge: Knowledge, memory: Memory
) -> tuple[str, Filters]:
    """The product shown before that the words mean, and the wishes with "cheaper" among them; ""
    when they mean none."""
    values = [knowledge.vocabulary.get(name, ()) for name in ("color", "material", "size")]
    looks = {*COLORS, *word_set(" ".join(chain.from_iterable(values)))}
    talked = referred(own, memory, looks)
    if talked is None and cheaper(own) and memory.products:
        talked = memory.products[-1]
    if talked is None:
        return "", filters
    name = talked.title.split(",")[0]
    if cheaper(own) and talked.price is not None and not filters:
        return name.rsplit(" ", 1)[-1], Filters(under=talked.price)
    return (name if filters else talked.title), filters  # a wish is for another variant


def _alone(percept: Percept) -> Percept:
    """The turn without what was said before."""
    encoded: dict[Modality, Encoded] = dict(percept.encoded)
    del encoded["history"]
    return replace(percept, encoded=encoded)


def _search(
    knowledge: Knowledge,
    words: str,
    vectors: Sequence[np.ndarray],
    filters: Filters | None = None,
) -> list[Hit]:
    """By every vector; a document counts by the better of its scores."""
    best: dict[str, Hit] = {}
    for vector in vectors:
        for hit in knowledge.search(words, vector, filters):
            kept = best.setdefault(hit.document.id, hit)
            best[hit.document.id] = max(kept, hit, key=lambda hit: hit.score)
    return sorted(best.values(), key=lambda hit: -hit.score)


def _fitting(
    knowledge: Knowledge,
    words: str,
    vectors: Sequence[np.ndarray],
    filters: Filters,
    limits: Limits,
) -> list[Hit]:
    """The hits under a filter; none at all unless a product is among them, of a kind named."""
    hits = _search(knowledge, words, vectors, filters)
    kinds = {k for k in knowledge.vocabulary["kind"] if set(terms(k)) <= set(terms(words))}
    products = [
        hit
        for hit in hits
        if hit.document.kind == "product"
        and (not kinds or hit.document.attributes.get("kind") in kinds)
    ]
    return hits if any(hit.score >= limits.answerable for hit in products) else []
