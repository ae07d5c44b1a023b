"""What the shop knows about a turn: which words to search with, and which wishes to obey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from agent.policy import only_points
from agent.products import short, word_set
from agent.types import Limits, Reply
from fusion.types import Encoded, Fused, Modality, Percept
from fusion.understand import FusionModule
from fusion.unsold import Unsold, features
from knowledge.filters import COLORS, Filters, parse_filters
from knowledge.index import Knowledge
from knowledge.lexical import terms
from knowledge.search import NAMED
from knowledge.types import Hit


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found for a turn."""

    hits: tuple[Hit, ...]  # best first
    words: str  # the customer's own, with the product a follow-up is about
    filters: str = ""  # the wishes in the words
    relaxed: tuple[str, ...] = ()  # those given up because nothing was left
    unsold: float = 0.0  # in [0, 1]: how likely the photo shows nothing that the shop sells


def find(
    percept: Percept,
    fused: Fused,
    fusion: FusionModule,
    knowledge: Knowledge,
    replies: Sequence[Reply],
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
    about = "" if photo else subject(own, filters, knowledge, replies)
    said = [percept.words] if knowledge.languages or not percept.english else []
    printed = [line.text for line in percept.printed] if not said else []
    words = " ".join(filter(None, [*said, *printed, *percept.english.values(), about]))
    vectors = [fused.vector]
    if "history" in percept.present:  # a new subject is found as if nothing had been said
        vectors.append(fusion.vector(_alone(percept)))

    everything = translated(_search(knowledge, words, vectors), percept.language)
    fitting, wished = everything, filters.describe()
    if filters:
        fitting = _fitting(knowledge, words, vectors, filters, limits, percept.language)
    dropped: tuple[str, ...] = ()
    while not fitting and (fewer := filters.relaxed()) is not None:
        filters, dropped = fewer, fewer.dropped
        fitting = (
            _fitting(knowledge, words, vectors, filters, limits, percept.language)
            if filters
            else everything
        )
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
    if photo and unsold and all(hit.score < NAMED for hit in hits):
        strange = stranger(percept.encoded["photo"], knowledge, unsold)
    return Findings(tuple(hits), f"{own} ({about})" if about else own, wished, dropped, strange)


def stranger(photo: Encoded, knowledge: Knowledge, unsold: Unsold) -> float:
    """How likely a photo shows nothing that the shop sells, in [0, 1]."""
    signals = knowledge.signals("", photo.vector, kinds=("product",))
    if not signals.photo:
        return 0.0
    texts = np.array(list(signals.dense.values()))
    pictures = np.array([signals.photo.get(id, np.nan) for id in signals.dense])
    return float(unsold(features(photo, texts, pictures)))


def own_words(percept: Percept) -> str:
    """What the customer typed and said, as English reads it. Words in a photo are no wishes."""
    heard = percept.heard if "voice" in percept.present else ""
    return " ".join(filter(None, [percept.typed, heard]))


def subject(own: str, filters: Filters, knowledge: Knowledge, replies: Sequence[Reply]) -> str:
    """The product shown last, when the words only point at it: "and in green?"; else ""."""
    values = [knowledge.vocabulary.get(name, ()) for name in ("color", "material", "size")]
    looks = {*COLORS, *word_set(" ".join(chain.from_iterable(values)))}
    shown = [reply.products[0].title for reply in replies if reply.products]
    if not shown or not only_points(own, looks):
        return ""
    return shown[-1].split(",")[0] if filters else shown[-1]  # a wish is for another variant


def translated(hits: Sequence[Hit], language: str) -> list[Hit]:
    """Of hits that are translations of each other (attribute "translation_of": the id of the
    first), only one, in the customer's language if there is one, with the best score of them."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        original = hit.document.attributes.get("translation_of", hit.document.id)
        groups.setdefault(original, []).append(hit)
    kept = []
    for group in groups.values():
        own = [hit for hit in group if hit.document.language[:2] == language]
        kept.append(replace((own or group)[0], score=max(hit.score for hit in group)))
    return sorted(kept, key=lambda hit: -hit.score)


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
    language: str,
) -> list[Hit]:
    """The hits under a filter; none at all unless a product is among them, of a kind named."""
    hits = translated(_search(knowledge, words, vectors, filters), language)
    kinds = {k for k in knowledge.vocabulary["kind"] if set(terms(k)) <= set(terms(words))}
    products = [
        hit
        for hit in hits
        if hit.document.kind == "product"
        and (not kinds or hit.document.attributes.get("kind") in kinds)
    ]
    return hits if any(hit.score >= limits.answerable for hit in products) else []
