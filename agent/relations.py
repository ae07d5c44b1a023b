"""Wishes for products beside others: "something similar but cheaper", "compare the two", "the
biggest planter"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from agent.browsing import names_nothing, wants_ideas
from agent.degrees import COMPARATIVES, SCALES, UTMOST, superlative_in
from agent.errors import ShopError
from agent.memory import Memory
from agent.policy import contentful
from agent.products import short, variant, word_set
from agent.types import Related, Relation
from agent.words import ordinal, ordinals
from knowledge import relations
from knowledge.filters import Filters
from knowledge.index import Knowledge
from knowledge.lexical import terms
from knowledge.scales import ordered, stated
from knowledge.search import NAMED
from knowledge.types import Document, Hit, Why

COMPARED = 3  # products at most
LISTED = 4  # products at most

Baskets = Callable[[Collection[str]], Iterable[Collection[str]]]
"""Ids of articles -> the ids of the others in each order that holds one of them."""

_LIKE = r"(?:it|this|that|these|those|the)\b"
PATTERNS: Mapping[Relation, re.Pattern[str]] = {
    "compare": re.compile(
        r"\bcompar(?:e|es|ed|ing|ison)\b|\bdiffer(?:s|ences?|ent from)?\b|\bversus\b|\bvs\b", re.I
    ),
    "cheaper": re.compile(
        r"\b(?:cheaper|less expensive|less costly|more affordable|lower[- ]priced|too expensive)\b"
        r"(?! than (?:about |around )?\W?\d)",
        re.I,
    ),
    **COMPARATIVES,
    "goes_with": re.compile(
        r"\b(?:go(?:es)?|fits?|match(?:es)?|pairs?|suits?|combines?)\b(?: \w+){0,3}? with\b"
        r"|\b(?:what|which(?: \w+){1,2}) (?:else )?(?:would )?(?:match(?:es)?|suits?)\b"
        r"|\bmatching\b|\baccessor(?:y|ies)\b|\bbought together\b",
        re.I,
    ),
    "similar": re.compile(
        r"\b(?:similar|comparable|alternatives?|resembl\w+)\b|\bsame style\b"
        rf"|\b(?:something|anything|one|ones|others?|more|else) like {_LIKE}",
        re.I,
    ),
    "options": re.compile(
        r"\b(?:another|other|different)\b (?:\w+ )?"
        r"(?:colou?rs?|sizes?|options?|variants?|versions?|materials?)\b",
        re.I,
    ),
}
"""How each relation is asked for; of two in one sentence, the first here is meant."""

_SEVERAL = re.compile(r"\b(?:them|these|those|both|two|three|all)\b", re.I)
_THREE = re.compile(r"\b(?:three|all)\b", re.I)
_POINTING = re.compile(r"\b(?:it|its|this|that|these|those|them|one|ones)\b", re.I)
_THESE = re.compile(r"\b(?:them|these|those|both|two|three)\b", re.I)
_WHICH = re.compile(r"\bwhich\b", re.I)
_TWO = re.compile(r"\b(?:than|or)\b", re.I)
_TOO = re.compile(r"\btoo\b", re.I)  # of what was bought, as likely as of what is looked at


def relation_in(words: str) -> Relation | None:
    """What relation between products the words ask for; None when for none."""
    return next((name for name, pattern in PATTERNS.items() if pattern.search(words)), None)


def kinds_named(words: str, knowledge: Knowledge) -> set[str]:
    """The kinds of products, as the shop calls them, that the words name."""
    said = set(terms(words))
    return {kind for kind in knowledge.vocabulary["kind"] if set(terms(kind)) <= said}


def relate(
    words: str,
    found: Sequence[Hit],
    filters: Filters,
    photo: bool,
    knowledge: Knowledge,
    shown: Sequence[Document],
    baskets: Baskets,
) -> tuple[Related, list[Hit]] | None:
    """The product meant, followed by what is related to it; or the products to compare.

    `found` is what a plain search finds; `photo`: a picture came with the turn; `shown`: the
    products that the words may point at. None when they ask for no relation, or when it is not
    clear of which product: they are searched for then.
    """
    asked = relation_in(words)
    if asked is None:
        return None
    named = _named(words, found)
    if asked == "compare" or (asked in COMPARATIVES and _TWO.search(words)):
        compared = _compared(words, shown, named, knowledge)
        if len(compared) > 1:
            return Related("compare"), list(map(named_hit, compared))
    if asked == "compare" or (asked in UTMOST and len(shown) > 1 and _WHICH.search(words)):
        return None
    kinds = kinds_named(words, knowledge)
    meant = _anchor(words, found, photo, shown, named, kinds if asked != "goes_with" else set())
    if meant is None:
        return None
    if meant in named:  # the looks in the words are its own
        filters = replace(filters, colors=(), materials=(), sizes=())
    why: Why = ""
    bought: Iterable[Collection[str]]
    match asked:
        case "similar":
            hits = relations.similar(knowledge, meant, filters or None)
        case "cheaper":
            hits = relations.cheaper(knowledge, meant, filters or None)
        case "options":
            hits = list(map(named_hit, relations.options(knowledge, meant, filters or None)))
        case "goes_with":
            family = {meant.id, *(d.id for d in relations.options(knowledge, meant))}
            wanted = kinds - {meant.attributes.get("kind")}
            try:
                bought = baskets(family)
            except ShopError:  # looks still say what goes with it
                bought = ()
            beside, why = relations.goes_with(knowledge, meant, bought, filters or None, wanted)
            hits = list(map(named_hit, beside))
        case _:
            scale, more = SCALES[asked]
            if stated(meant, scale) is None:
                return None
            beyond = relations.beyond(knowledge, meant, scale, more, filters or None)
            hits = list(map(named_hit, beyond))
    return Related(asked, why), [named_hit(meant), *hits]


def utmost(
    words: str,
    found: Sequence[Hit],
    sure: float,
    filters: Filters,
    knowledge: Knowledge,
    shown: Sequence[Document],
) -> tuple[Related, list[Hit]] | None:
    """What is cheapest, biggest, best rated of the products meant, the first few in this order.

    `found` is what a plain search finds, and `sure` how sure of it one must be. A kind that is to
    be cheaper than nothing shown, or which of those shown is cheaper, is told so too. None when the
    words ask for no such thing, or no product that is meant and grants the wishes states it.
    """
    compared = relation_in(words)
    if asked := superlative_in(words):
        relation, rest = asked
        among = bool(_THESE.search(words))
    elif compared and compared in UTMOST and not _TOO.search(words):
        relation, rest = UTMOST[compared], PATTERNS[compared].sub(" ", words)
        among = bool(_WHICH.search(words))
        if not among and not _kinds_ending(rest, knowledge):
            return None
    else:
        return None
    scale, most = SCALES[relation]
    meant = _meant(rest, found, sure, among, filters, knowledge, shown)
    products = ordered(filter(filters.accepts, meant), scale, most)
    return (Related(relation), list(map(named_hit, products[:LISTED]))) if products else None


def _meant(
    words: str,
    found: Sequence[Hit],
    sure: float,
    among: bool,
    filters: Filters,
    knowledge: Knowledge,
    shown: Sequence[Document],
) -> list[Document]:
    """The products that a superlative is about: of a name or a kind in the words; where nothing is
    named those shown (`among`: and no others of their kind), or all."""
    families = {product.family or product.id for product in _named(words, found)}
    kinds = _kinds_ending(words, knowledge)
    if not families | kinds:
        if among and len(shown) > 1:
            return list(shown)
        if not names_nothing(words, filters):
            best = found[0] if found and found[0].sure >= sure else None
            kinds = {best.document.attributes.get("kind", "")} if best else set()
            if kinds <= {""}:
                return []
        elif shown and not wants_ideas(words):
            kinds = {product.attributes.get("kind", "") for product in shown} - {""}
    if families:
        return list({p.id: p for family in families for p in knowledge.related(family)}.values())
    return knowledge.documents("product", kinds)


def _kinds_ending(words: str, knowledge: Knowledge) -> set[str]:
    """The kinds that the words name, in whole or by the last word: "lamp" is any kind of lamp."""
    if whole := kinds_named(words, knowledge):
        return whole
    said = set(terms(words))
    return {kind for kind in knowledge.vocabulary["kind"] if set(terms(kind)[-1:]) & said}


def named_hit(document: Document) -> Hit:
    """A hit as sure as one whose name was said."""
    return Hit(document, NAMED, {})


def last_shown(memory: Memory, knowledge: Knowledge) -> list[Document]:
    """The products of the last reply that showed some, in its order."""
    found = [knowledge.document(talked.id) for talked in memory.offered]
    return [document for document in found if document]


def _named(words: str, found: Sequence[Hit]) -> list[Document]:
    """The products that the words name, the best of each family; or the variants of one family."""
    said = word_set(words)
    families: dict[str, list[Document]] = {}
    for hit in found:
        product = hit.document
        if product.kind == "product" and (
            word_set(short(product)) <= said or hit.score >= NAMED  # by its article number
        ):
            families.setdefault(product.family or product.id, []).append(product)

    if len(families) == 1:
        (variants,) = families.values()
        ways = [word for word in dict.fromkeys(re.findall(r"\w+", words.lower()))
                if any(word in word_set(variant(v)) for v in variants)]  # fmt: skip
        having = [[v for v in variants if way in word_set(variant(v))] for way in ways]
        meant = [min(some, key=lambda v: _spare(v, said)) for some in having] or variants[:1]
        return list({product.id: product for product in meant}.values())
    return _closest(families, words)


def _spare(product: Document, said: Collection[str]) -> int:
    """How many words tell this variant from others that were not said."""
    return len(word_set(variant(product)) - set(said))


def _closest(families: Mapping[str, Sequence[Document]], words: str) -> list[Document]:
    """Of each family the variant that the words come nearest to: "the blue mug and the white
    plate". What stands nearer to the name of another family is said of that one."""
    said = re.findall(r"[^\W_]+", words.lower())
    places = {
        family: [i for i, word in enumerate(said) if word in word_set(short(variants[0]))]
        for family, variants in families.items()
    }
    closest = []
    for family, variants in families.items():
        others = [i for other, where in places.items() if other != family for i in where]
        own = {
            word
            for i, word in enumerate(said)
            if _distance(i, places[family]) <= _distance(i, others)
        }
        shared = {v.id: len(word_set(variant(v)) & own) for v in variants}
        closest.append(max(variants, key=lambda v: (shared[v.id], -_spare(v, own))))
    return closest


def _distance(place: int, places: Sequence[int]) -> float:
    """To the nearest; a name is described by what stands before it rather than after it."""
    return min((abs(at - place) + 0.5 * (at < place) for at in places), default=math.inf)


def _told_apart(words: str, knowledge: Knowledge) -> list[Document]:
    """The products named by words that stand in the name of one family alone: "pantry or cellar",
    the best of each family, in the order of the words."""
    families: dict[str, list[Document]] = {}
    holders: dict[str, set[str]] = {}  # word -> families
    for product in knowledge.documents("product"):
        family = product.family or product.id
        families.setdefault(family, []).append(product)
        for word in terms(short(product)):
            holders.setdefault(word, set()).add(family)
    named = [holders[word] for word in terms(words) if len(holders.get(word, ())) == 1]
    meant = dict.fromkeys(chain.from_iterable(named))
    return _closest({family: families[family] for family in meant}, words)


def _compared(
    words: str, shown: Sequence[Document], named: list[Document], knowledge: Knowledge
) -> list[Document]:
    """By their places, by their names, or those shown last."""
    if len(named) > 1:
        return named[:COMPARED]
    if len(places := ordinals(words, len(shown))) > 1:
        return [shown[place] for place in places][:COMPARED]
    if len(named := _told_apart(words, knowledge) or named) > 1:
        return named[:COMPARED]
    if named and _POINTING.search(words):
        return [*[product for product in shown[:1] if product not in named], *named]
    if not named and _SEVERAL.search(words):
        return list(shown[: COMPARED if _THREE.search(words) else 2])
    return []


def _anchor(
    words: str,
    found: Sequence[Hit],
    photo: bool,
    shown: Sequence[Document],
    named: Sequence[Document],
    kinds: Collection[str],
) -> Document | None:
    """The product that the words are about."""
    if named:
        return named[0]
    if photo:
        return next((hit.document for hit in found if hit.document.kind == "product"), None)
    if not shown:
        return None
    if (place := ordinal(words, len(shown))) is not None:
        return shown[place]
    last = shown[0]
    if kinds and last.attributes.get("kind") not in kinds:
        return None
    rest = contentful(words) - word_set(last.title) - _RELATING
    return last if _POINTING.search(words) or not rest else None


_RELATING = word_set(
    "similar alike alternative alternatives comparable cheaper less expensive affordable lower "
    "priced another other others different color colour colors colours size sizes option options "
    "variant variants version versions material materials matching match matches go goes fit fits "
    "suit suits with something anything else more but style same green blue red yellow black white "
    "grey pink in not under below than euros dollars maybe perhaps bit little which what come "
    "comes bigger larger smaller taller higher heavier lighter too big small huge tiny heavy light"
)
"""Words that say what relation is wanted, and nothing of another subject."""
