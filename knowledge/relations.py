"""Beyond lookup: what is like a product, what is of its family, what goes with it, what differs.

Everything here comes from the shop's own fields, vectors and orders; nothing is made up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from knowledge.codes import NAMES
from knowledge.filters import Filters
from knowledge.index import Knowledge
from knowledge.scales import Scale, ordered, stated
from knowledge.types import Document, Hit, Why

NEAR = 40  # products looked through
CLOSE = 0.5  # score from which a product of another kind is like one
TOGETHER = 2  # orders that must hold two products: one alone would tell what one customer bought
ALIKE = 0.3  # how much nearer one colour or material brings what goes with a product
LOOKS = ("color", "material", "style", "pattern")
UNTOLD = {*NAMES, "family", "kind"}  # attributes that are no difference between products


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of a comparison: a value for each product, "" where the shop does not state it."""

    name: str
    values: tuple[str, ...]


def similar(
    knowledge: Knowledge, product: Document, filters: Filters | None = None, k: int = 3
) -> list[Hit]:
    """The k products most like this one, best first, one a family and none of its own.

    Products of its kind come first; those of another kind must be close.
    """
    hits = _around(knowledge, product, filters)
    return _one_a_family(hit for hit in hits if not _kin(hit.document, product))[:k]


def cheaper(
    knowledge: Knowledge, product: Document, filters: Filters | None = None, k: int = 3
) -> list[Hit]:
    """The k most similar products that cost less, in the same currency, best first.

    Cheaper variants of the product itself are among them.
    """
    if product.price is None:
        return []
    less = [
        hit
        for hit in _around(knowledge, product, filters)
        if hit.document.price is not None
        and hit.document.price < product.price
        and hit.document.currency == product.currency
    ]
    return _one_a_family(less)[:k]


def beyond(
    knowledge: Knowledge,
    product: Document,
    scale: Scale,
    more: bool,
    filters: Filters | None = None,
    k: int = 3,
) -> list[Document]:
    """The k products of its kind that state more of a scale than this one, or less.

    Others of its family come first, the next bigger before bigger ones, and of what states the same
    what looks most like it; then those most like it, one a family.
    """
    own = stated(product, scale)
    if own is None:
        return []

    def further(other: Document) -> bool:
        its = stated(other, scale)
        return (
            its is not None
            and its.unit == own.unit
            and (its.amount > own.amount if more else its.amount < own.amount)
        )

    looks = sorted(
        filter(further, options(knowledge, product, filters)),
        key=lambda other: -_shared_looks(other, product),
    )
    family = ordered(looks, scale, not more)
    kind = product.attributes.get("kind")
    near = [
        hit.document
        for hit in _near(knowledge, product, filters)
        if hit.document.attributes.get("kind") == kind
        and not _kin(hit.document, product)
        and further(hit.document)
    ]
    return [*family, *_first_of_each(near)][:k]


def ideas(
    knowledge: Knowledge, words: str, vectors: np.ndarray, filters: Filters, k: int = 4
) -> list[Hit]:
    """The k products in stock, one a family, that come nearest to words which name none, nearest
    first. `vectors` as of `Knowledge.search`."""
    filters = replace(filters, in_stock=True)
    return _one_a_family(knowledge.search(words, vectors, filters, k=NEAR, kinds=("product",)))[:k]


def options(
    knowledge: Knowledge, product: Document, filters: Filters | None = None
) -> list[Document]:
    """The other variants of a product, those in stock first."""
    others = [
        other
        for other in _family(knowledge, product)
        if other.id != product.id and (filters is None or filters.accepts(other))
    ]
    return sorted(others, key=lambda other: other.stock == 0)


def goes_with(
    knowledge: Knowledge,
    product: Document,
    baskets: Iterable[Collection[str]] = (),
    filters: Filters | None = None,
    kinds: Collection[str] = (),
    k: int = 3,
) -> tuple[list[Document], Why]:
    """The k products that go best with one, and what says so: "links", "orders" or "style".

    What the feed links comes before what was bought together, and that before what looks alike.

    Args:
        baskets: Ids of the other articles in each order that holds one of the product's family.
        kinds: The kinds of product wanted; any if empty.
    """

    def fits(other: Document | None) -> bool:
        return (
            other is not None
            and other.kind == "product"
            and not _kin(other, product)
            and (not kinds or other.attributes.get("kind") in kinds)
            and (filters is None or filters.accepts(other))
        )

    linked = [other for id in product.links for other in knowledge.related(id) if fits(other)]
    if linked:
        return _first_of_each(linked)[:k], "links"
    bought = [other for other in _bought(knowledge, baskets) if fits(other)]
    if bought:
        return _first_of_each(bought)[:k], "orders"
    own = product.attributes.get("kind")
    near = [
        hit
        for hit in _near(knowledge, product, filters, " ".join(kinds))
        if fits(hit.document) and (not own or hit.document.attributes.get("kind") != own)
    ]
    near.sort(key=lambda hit: -hit.score * (1 + ALIKE * _shared_looks(hit.document, product)))
    return _first_of_each([hit.document for hit in near])[:k], "style"


def differences(products: Sequence[Document]) -> list[Difference]:
    """What the products differ in: price, stock, then attributes in the order they are stated."""
    rows = [
        Difference("price", tuple(_price(product) for product in products)),
        Difference("stock", tuple(_stock(product) for product in products)),
    ]
    names = dict.fromkeys(name for product in products for name in product.attributes)
    rows += [
        Difference(name, tuple(product.attributes.get(name, "") for product in products))
        for name in names
        if name not in UNTOLD
    ]
    return [row for row in rows if len(set(row.values)) > 1]


def _price(product: Document) -> str:
    return "" if product.price is None else f"{product.price:,.2f} {product.currency}".strip()


def _stock(product: Document) -> str:
    match product.stock:
        case None:
            return ""
        case 0:
            return "sold out"
        case pieces:
            return f"{pieces}"


def _near(
    knowledge: Knowledge, product: Document, filters: Filters | None, words: str = ""
) -> list[Hit]:
    """The other products near this one, best first."""
    vector = knowledge.vector(product.id)
    if vector is None:
        return []
    hits = knowledge.search(words, vector, filters, NEAR, kinds=("product",))
    return [hit for hit in hits if hit.document.id != product.id]


def _around(knowledge: Knowledge, product: Document, filters: Filters | None) -> list[Hit]:
    """The other products near this one, those of its kind first, then close ones of others."""
    kind = product.attributes.get("kind")
    hits = _near(knowledge, product, filters)
    if not kind:
        return hits
    same = [hit for hit in hits if hit.document.attributes.get("kind") == kind]
    others = [hit for hit in hits if hit not in same and hit.score >= CLOSE]
    return [*same, *(replace(hit, score=min(hit.score, CLOSE)) for hit in others)]


def _family(knowledge: Knowledge, product: Document) -> list[Document]:
    """The variants of a product, itself included."""
    if not product.family:
        return [product]
    return [other for other in knowledge.related(product.family) if _kin(other, product)]


def _bought(knowledge: Knowledge, baskets: Iterable[Collection[str]]) -> list[Document]:
    """Products that stand in several of the baskets, the most frequent family first."""
    families: Counter[str] = Counter()
    articles: Counter[str] = Counter()
    known: dict[str, Document | None] = {}
    for basket in baskets:
        for id in basket:
            if id not in known:
                known[id] = knowledge.document(id)
        found = [product for id in basket if (product := known[id])]
        families.update({_family_of(product) for product in found})
        articles.update({product.id for product in found})
    often = [p for p in known.values() if p and families[_family_of(p)] >= TOGETHER]
    return sorted(often, key=lambda p: (-families[_family_of(p)], -articles[p.id], p.id))


def _kin(one: Document, other: Document) -> bool:
    return _family_of(one) == _family_of(other)


def _family_of(product: Document) -> str:
    return product.family or product.id


def _one_a_family(hits: Iterable[Hit]) -> list[Hit]:
    kept: dict[str, Hit] = {}
    for hit in hits:
        kept.setdefault(_family_of(hit.document), hit)
    return list(kept.values())


def _first_of_each(products: Iterable[Document]) -> list[Document]:
    """The first of each family; one in stock before one that is sold out."""
    kept: dict[str, Document] = {}
    for product in sorted(products, key=lambda product: product.stock == 0):
        kept.setdefault(_family_of(product), product)
    return list(kept.values())


def _shared_looks(one: Document, other: Document) -> int:
    return sum(
        bool(value) and value == other.attributes.get(name)
        for name, value in one.attributes.items()
        if name in LOOKS
    )
