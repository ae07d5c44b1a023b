"""What the shop knows about a turn: which words to search with, and which wishes to obey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from agent.browsing import browses, names_nothing, wants_ideas
from agent.chips import chips, obeyed
from agent.each import asked_of
from agent.memory import Memory
from agent.policy import (
    ABOUT_ONE_PRODUCT,
    EVIDENCE,
    PASSAGES,
    SEARCHES,
    asks_no_more,
    points,
    sure_intent,
)
from agent.printed import shown_codes
from agent.products import facets_asked, short, word_set
from agent.refer import referred
from agent.relations import Baskets, kinds_named, last_shown, named_hit, relate, utmost
from agent.types import Chip, Limits, Related
from agent.words import ordinal
from fusion.types import Encoded, Fused, Percept
from fusion.unsold import Unsold, features
from knowledge.codes import codes_of
from knowledge.filters import COLORS, Filters
from knowledge.index import Knowledge
from knowledge.lexical import spoken, terms
from knowledge.parse import parse_filters
from knowledge.relations import ideas
from knowledge.search import NAMED, Signals, order
from knowledge.types import Document, Hit


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found for a turn."""

    hits: tuple[Hit, ...]  # best first
    words: str  # the customer's own, with the product a follow-up is about
    filters: str = ""  # the wishes in the words
    wishes: tuple[Chip, ...] = ()  # those that what was found fulfils
    relaxed: tuple[str, ...] = ()  # those given up because nothing was left
    related: Related | None = None  # how the hits belong together
    unsold: float = 0.0  # in [0, 1]: how likely the photo shows nothing that the shop sells
    seen: tuple[Document, ...] = ()  # the products most like the photo, whatever was said of it
    page: Hit | None = None  # the passage on the code that the photo shows: an error on a display
    stated: bool = False  # what is asked is stated of every product, and of one shown before


def find(
    percept: Percept,
    fused: Fused,
    knowledge: Knowledge,
    memory: Memory,
    limits: Limits,
    baskets: Baskets,
    embed: Callable[[Sequence[str]], np.ndarray],
    unsold: Unsold | None = None,
    kept: frozenset[str] | None = None,
) -> Findings:
    """Search with every word, and with the wishes in the customer's own words as a filter.

    When no product is left, one wish is given up, or more if need be. A product that the words name
    stays, whatever the wishes: "the Tove mug in blue" is about the Tove mug first. Where the words
    ask for products beside another one, or for ideas, those are what is found. `embed`: texts ->
    their vectors; `kept`: ids of the wishes to obey when the customer took one away; None: all.
    """
    own = own_words(percept)
    filters = obeyed(parse_filters(own, knowledge.vocabulary), kept)
    photo = "photo" in percept.present
    asks = fused.intent in ABOUT_ONE_PRODUCT
    pictured = in_each_photo(percept.seen, knowledge, limits, unsold)
    place = ordinal(own, len(pictured))
    if place is not None:
        about = pictured[place].title
    else:
        about = "" if photo else subject(own, filters, knowledge, memory, asks)
    words = " ".join(filter(None, [_searched(percept, knowledge), about]))
    vectors = fused.vector[None]
    if "history" in percept.present:  # a new subject is found as if nothing had been said
        vectors = np.stack([fused.vector, fused.alone])

    # What is nearest without a filter is the beginning of what is nearest with one: asked once.
    fitting = _fitting(percept, knowledge, words, vectors, filters, limits) if filters else []
    everything = translated(knowledge.search(words, vectors), percept.language)
    topic = sure_intent(fused, limits)
    everything = with_rules(
        everything, topic, own, words, knowledge, limits, embed, percept.language
    )
    codes = shown_codes(percept.printed)
    pages = [hit for hit in everything if codes and hit.document.kind != "product"]
    page = next((hit for hit in pages if codes_of(hit.document) & codes), None)
    wished = filters.describe()
    shown = pictured or last_shown(memory, knowledge)
    one_photo = photo and not pictured
    beside = relate(own, everything, filters, one_photo, knowledge, shown, baskets)
    rules_meant = EVIDENCE.get(topic) == PASSAGES
    if not beside and (not rules_meant or names_nothing(own, filters)):
        beside = utmost(own, everything, limits.answerable, filters, knowledge, shown)
    if not (beside or rules_meant or one_photo) and (
        each := asked_of(own, shown, bool(pictured), knowledge)
    ):
        beside = Related("each"), list(map(named_hit, each))
    if beside:
        related, hits = beside
        return Findings(tuple(hits), own, wished, chips(filters), related=related)
    fitting = fitting if filters else everything
    unsure = not any(
        hit.sure >= limits.answerable and hit.document.kind == "product"
        for hit in chain(fitting, everything)
    )
    open_to_ideas = unsure and fused.intent in SEARCHES and wants_ideas(own)
    shown_fits = bool(memory.products and fitting)
    anything = not photo and not about and browses(own, filters, shown_fits)
    if (open_to_ideas or anything) and (hits := ideas(knowledge, words, vectors, filters)):
        return Findings(tuple(hits), own, wished, chips(filters), related=Related("ideas"))
    for fewer in () if fitting else filters.relaxed():
        filters, fitting = fewer, everything
        if filters:
            fitting = _fitting(percept, knowledge, words, vectors, filters, limits)
        if fitting:
            break
    products = [hit for hit in fitting if hit.document.kind == "product"]
    top = max((hit.score for hit in products), default=0.0)
    stated = bool(about) and asks and bool(facets_asked(own))
    sure = 1.0 if stated else max((hit.sure for hit in products), default=0.0)
    named = {  # at least as likely as a product that merely fits
        hit.document.id: replace(hit, score=max(hit.score, top), sure=max(hit.sure, sure))
        for hit in everything
        if hit.document.kind == "product" and word_set(short(hit.document)) <= word_set(words)
    }
    others = [hit for hit in fitting if hit.document.id not in named]
    hits = sorted([*named.values(), *others], key=lambda hit: -hit.score)
    if topic in ABOUT_ONE_PRODUCT and (about or photo or named):
        hits = without_other_kinds(hits, knowledge)
    strange = 0.0
    seen: tuple[Document, ...] = ()
    if photo:
        [alone] = knowledge.signals("", percept.encoded["photo"].vector, kinds=("product",))
        seen = nearest(alone, knowledge, limits.agree)
        if unsold and all(hit.score < NAMED for hit in hits):
            strange = stranger(percept.encoded["photo"], alone, unsold)
    return Findings(
        tuple(hits),
        f"{own} ({about})" if about else own,
        wished,
        chips(filters),
        filters.dropped,
        unsold=strange,
        seen=seen,
        page=page,
        stated=stated,
    )


def with_rules(
    found: Sequence[Hit],
    topic: str,
    own: str,
    words: str,
    knowledge: Knowledge,
    limits: Limits,
    embed: Callable[[Sequence[str]], np.ndarray],
    language: str,
) -> list[Hit]:
    """The hits for `words`, with the passages found where no product is named: "can I return a
    mug?" and "how long is the warranty on it?" are asked of the shop's rules, which speak of none.

    Of a question about a product only a FAQ that asks no more than it is worth this.
    """
    rules_meant = EVIDENCE.get(topic) == PASSAGES
    answered = any(
        hit.document.kind != "product" and hit.sure >= limits.answerable for hit in found
    )
    if answered or not (rules_meant or topic in ABOUT_ONE_PRODUCT):
        return list(found)
    products = [hit for hit in found if hit.document.kind == "product"]
    names = [*knowledge.vocabulary["kind"], *(short(hit.document) for hit in products[:1])]
    named = set(terms(" ".join(names)))
    general = " ".join(word for word in own.split() if not named & set(terms(word)))
    if general == words:
        return list(found)
    rules = translated(knowledge.search(general, embed([general])[0], kinds=PASSAGES), language)
    rules = [hit for hit in rules if rules_meant or asks_no_more(hit.document, general)]
    return sorted([*products, *rules], key=lambda hit: -hit.score)


def without_other_kinds(hits: Sequence[Hit], knowledge: Knowledge) -> list[Hit]:
    """Without the passages that speak of other kinds of products than the best of them: that a
    tumbler is dishwasher safe says nothing of an armchair."""
    kinds = [hit.document.attributes.get("kind") for hit in hits if hit.document.kind == "product"]
    return [
        hit
        for hit in hits
        if hit.document.kind == "product"
        or not (named := kinds_named(spoken(hit.document), knowledge))
        or not kinds
        or kinds[0] in named
    ]


def nearest(alone: Signals, knowledge: Knowledge, most: int) -> tuple[Document, ...]:
    """The products that look most like a photo, whatever was said of it."""
    photographed = (~np.isnan(alone.photo)).sum()
    ids = [alone.ids[i] for i in order(alone.photo)[: min(most, photographed)]]
    return tuple(document for id in ids if (document := knowledge.document(id)))


def in_each_photo(
    photos: Sequence[Encoded], knowledge: Knowledge, limits: Limits, unsold: Unsold | None
) -> list[Document]:
    """The product most like each of several photos, those that show nothing of the shop left out;
    none unless they are of several families."""
    found: dict[str, Document] = {}
    for photo in photos if len(photos) > 1 else ():
        [alone] = knowledge.signals("", photo.vector, kinds=("product",))
        if unsold is None or stranger(photo, alone, unsold) < limits.unsold:
            for product in nearest(alone, knowledge, 1):
                found.setdefault(product.family or product.id, product)
    return list(found.values()) if len(found) > 1 else []


def stranger(photo: Encoded, signals: Signals, unsold: Unsold) -> float:
    """How likely a photo shows nothing that the shop sells, in [0, 1]; `signals` are its own."""
    if np.isnan(signals.photo).all():
        return 0.0
    return float(unsold(features(photo, signals.dense, signals.photo)))


def own_words(percept: Percept) -> str:
    """What the customer typed and said, as English reads it. Words in a photo are no wishes."""
    heard = percept.heard if "voice" in percept.present else ""
    return " ".join(filter(None, [percept.typed, heard]))


def subject(own: str, filters: Filters, knowledge: Knowledge, memory: Memory, asks: bool) -> str:
    """The product shown before that the words mean; "" when they mean none. `asks`: it is a
    question about a product, which is the last one shown unless a kind is named."""
    values = [knowledge.vocabulary.get(name, ()) for name in ("color", "material", "size")]
    talked = referred(own, memory, {*COLORS, *word_set(" ".join(chain.from_iterable(values)))})
    if talked is None and asks and memory.products and not kinds_named(own, knowledge):
        talked = memory.products[-1] if points(own) or facets_asked(own) else None
    if talked is None:
        return ""
    return talked.title.split(",")[0] if filters else talked.title  # a wish: another variant


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


def _searched(percept: Percept, knowledge: Knowledge) -> str:
    """The words to search with: as said where documents may say them so, and as English reads
    them."""
    if not percept.english:
        return percept.words
    said = [percept.words] if knowledge.languages else [line.text for line in percept.printed]
    return " ".join([*said, *percept.english.values()])


def _fitting(
    percept: Percept,
    knowledge: Knowledge,
    words: str,
    vectors: np.ndarray,
    filters: Filters,
    limits: Limits,
) -> list[Hit]:
    """The hits under a filter; none at all unless a product is among them, of a kind named."""
    hits = translated(knowledge.search(words, vectors, filters), percept.language)
    kinds = kinds_named(words, knowledge)
    products = [
        hit
        for hit in hits
        if hit.document.kind == "product"
        and (not kinds or hit.document.attributes.get("kind") in kinds)
    ]
    return hits if any(hit.sure >= limits.answerable for hit in products) else []
