"""What is asked of several products at once: "are both in stock?", "how heavy are these?"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from agent import products
from agent.evidence import card, money, quote_title
from agent.policy import contentful, points
from agent.relations import kinds_named
from agent.types import Answer, Draft
from knowledge.index import Knowledge
from knowledge.types import Document

MOST = 4  # products told of
_SEVERAL = re.compile(
    r"\b(?:them|they|their|these|those|both|all of|(?:the|which|these|those) (?:two|three))\b",
    re.I,
)
_BOTH = re.compile(r"\b(?:both|two)\b", re.I)
_POINTING = products.word_set("both two three which one ones all there got")


def asked_of(
    words: str, shown: Sequence[Document], pictured: bool, knowledge: Knowledge
) -> list[Document]:
    """The products that the words ask something of; none unless they are several.

    `shown` are those of the last reply, or, where they are `pictured`, one for each photo of the
    customer's, which is a question by itself: "do you have these?".
    """
    several = bool(_SEVERAL.search(words))
    told_all = pictured and not contentful(words) - _POINTING and (several or not points(words))
    if not told_all and not (several and products.facets_asked(words)):
        return []
    if len(shown) < 2 or not kinds_named(words, knowledge) <= {
        d.attributes.get("kind", "") for d in shown
    }:
        return []
    return list(shown[: 2 if _BOTH.search(words) else MOST])


def about_each(answer: Answer, words: str) -> Draft:
    """What was asked, of each product; those that state the same are named together."""
    found = [hit.document for hit in answer.hits]
    said = []
    if answer.photo:
        names = products.listed([f"the {document.title}" for document in found])
        said.append(f"Your photos look like {names}.")
    for facet in asked_facets(words):
        for value, titles in alike(found, partial(_stated, facet)):
            said.append(f"{products.listed(titles)}: {value.rstrip('.')}.")
    return Draft(" ".join(said), tuple(map(quote_title, found)), tuple(map(card, found)))


def asked_facets(words: str) -> Sequence[str]:
    """What to tell of each: what is asked, else what one wants to know of anything."""
    return products.facets_asked(words) or ("price and stock",)


def alike(
    found: Sequence[Document], value: Callable[[Document], str]
) -> Iterable[tuple[str, list[str]]]:
    """Each value, with the titles of the products that have it."""
    having: dict[str, list[str]] = {}
    for document in found:
        having.setdefault(value(document), []).append(document.title)
    return having.items()


def _stated(facet: str, product: Document) -> str:
    """What a product states, in the shop's words."""
    if facet in ("price", "stock", "price and stock"):
        price = money(product.price, product.currency) if product.price is not None else ""
        stock = (products.supply(product) or "").removeprefix("is ")
        known = [value for name, value in (("price", price), ("stock", stock)) if name in facet]
        value = ", ".join(filter(None, known))
    else:
        value = product.attributes.get(facet, "")
        if value[1:2].islower():  # no abbreviation
            value = value[0].lower() + value[1:]
    return value or f"the shop does not state the {facet}"
