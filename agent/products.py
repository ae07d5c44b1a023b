"""Products in plain English, every figure from the shop's own fields.

Nothing here states what a field does not hold: where the shop is silent, the sentence says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from agent.evidence import money
from agent.words import ORDINALS
from knowledge.lexical import terms
from knowledge.types import Document, Hit

FACETS: Mapping[str, re.Pattern[str]] = {
    "capacity": re.compile(r"\bholds?\b|capacity|\blit(?:re|er)s?\b|volume|\bml\b", re.I),
    "weight": re.compile(r"\bweigh|heavy|\bweight\b", re.I),
    "dimensions": re.compile(
        r"\b(?:big|size|dimensions?|wide|width|tall|height|high|long|length|deep|depth|diameter|"
        r"measures?|fits?)\b",
        re.I,
    ),
    "material": re.compile(r"\bmade (?:of|from|out)\b|material", re.I),
    "care": re.compile(r"wash|clean|\bcare\b|look after|microwave|\boven\b", re.I),
    "rating": re.compile(r"\brat(?:ed|ing)\b|review|\bstars\b|people (?:say|think)", re.I),
    "color": re.compile(r"\b(?:which|what|other|more|all)\b.*\bcolou?rs?\b", re.I),
    "stock": re.compile(r"stock|availab|sold out|\bleft\b|still (?:have|get|sell)", re.I),
    "price": re.compile(r"\bpric|\bcosts?\b|how much|expensive|cheap", re.I),
}
"""What is asked of a product -> how it is asked. All but price and stock are attributes."""

CARING = re.compile(r"\b(?:(?:hand )?wash(?:ed|ing)?|clean\w*|care|look after)\b", re.I)

SAID = {
    "capacity": "holds {}",
    "weight": "weighs {}",
    "dimensions": "measures {}",
    "material": "is made of {}",
    "rating": "is rated {}",
}
AVERSE = {"capacity": "capacity", "weight": "weight", "dimensions": "size", "care": "care"}


def facets_asked(words: str) -> list[str]:
    """The facets the words ask for, in the order of FACETS."""
    facets = [facet for facet, pattern in FACETS.items() if pattern.search(words)]
    if {"capacity", "weight"} & set(facets) and not re.search(r"\bpric|\bcosts?\b", words, re.I):
        facets = [facet for facet in facets if facet != "price"]  # "how much does it hold?"
    return facets


def beside_facets(words: str) -> str:
    """The words without those that ask for a facet; what it is to bear ("the oven") stays."""
    for facet, pattern in FACETS.items():
        words = (CARING if facet == "care" else pattern).sub(" ", words)
    return words


def asked(words: str, document: Document) -> list[str]:
    """The facets the words ask for, then other attributes of the product by name; where neither is
    asked for, what says a word of theirs: "how do I descale it?"."""
    named = words.lower()
    facets = facets_asked(words) + [
        name
        for name in document.attributes
        if name.replace("_", " ") in named
        and name not in (*FACETS, "kind", "family")
        and not any(pattern.search(name) for pattern in FACETS.values())  # said already
    ]
    telling = set(terms(words)) - set(terms(document.title)) - ORDINALS.keys()
    return facets or [
        name
        for name, value in document.attributes.items()
        if name not in ("kind", "family", "color") and telling & set(terms(value))
    ]


def the(document: Document) -> str:
    """The product inside a sentence: "the Aster mug, blue,"."""
    title = document.title if document.title.lower().startswith("the ") else f"the {document.title}"
    return f"{title}," if "," in title else title


def short(document: Document) -> str:
    """The title without what sets a variant apart: "Aster mug"."""
    return document.title.split(",")[0].strip()


def variants(document: Document, hits: Sequence[Hit]) -> list[Document]:
    """The products of the same family among the hits, the document first."""
    family = document.family
    return [document] + [
        hit.document
        for hit in hits
        if family and hit.document.family == family and hit.document is not document
    ]


def variant(document: Document) -> str:
    """What sets a variant apart: "blue, small"."""
    return document.title.partition(",")[2].strip() or document.attributes.get("color", "")


def settled(document: Document, siblings: Sequence[Document], words: str) -> bool:
    """Whether the words say which variant is meant."""
    others = {word for other in siblings for word in word_set(variant(other))}
    return len(siblings) < 2 or bool(word_set(variant(document)) & others & word_set(words))


def price_and_stock(document: Document, subject: str, *, stock_first: bool = False) -> str:
    """As in: The Aster mug, blue, costs 16.90 EUR and is in stock (42 pieces)."""
    cost = None if document.price is None else f"costs {money(document.price, document.currency)}"
    held = supply(document)
    parts = [part for part in ((held, cost) if stock_first else (cost, held)) if part]
    joint = " but " if document.stock == 0 and not stock_first else " and "
    return sentence(f"{subject} {joint.join(parts) or 'has no price in the catalogue'}")


def supply(document: Document) -> str | None:
    """As in: is in stock (42 pieces). None when the shop does not say."""
    match document.stock:
        case None:
            return None
        case 0:
            return "is sold out at the moment"
        case 1:
            return "is in stock (1 piece)"
        case pieces:
            return f"is in stock ({pieces} pieces)"


def price_range(siblings: Sequence[Document]) -> str | None:
    """From the cheapest variant to the dearest; None when all have one price."""
    priced = [document for document in siblings if document.price is not None]
    if len({document.price for document in priced}) < 2:
        return None
    low = min(priced, key=lambda document: document.price or 0)
    high = max(priced, key=lambda document: document.price or 0)
    return (
        f"The {short(low)} costs {money(low.price or 0, low.currency)} ({variant(low)}) to "
        f"{money(high.price or 0, high.currency)} ({variant(high)})."
    )


def facet_sentence(
    facet: str, document: Document, siblings: Sequence[Document], subject: str
) -> str:
    """One sentence that answers one facet, from the fields; price and stock go elsewhere."""
    value = document.attributes.get(facet, "")
    if facet == "color":
        return colors(siblings)
    if not value:
        name = AVERSE.get(facet, facet.replace("_", " "))
        return sentence(f"the shop does not state the {name} of {the(document).rstrip(',')}")
    if facet == "care":
        opening = "care" if subject == "it" else subject.rstrip(",")
        return sentence(f"{opening}: {value[0].lower()}{value[1:]}")
    if facet in SAID:
        return sentence(f"{subject} {SAID[facet].format(value)}")
    return sentence(f"{facet.replace('_', ' ')}: {value}")


def colors(siblings: Sequence[Document]) -> str:
    """As in: I find the Aster mug in blue, green and white."""
    known = list(dict.fromkeys(d.attributes.get("color", "") for d in siblings))
    known = [color for color in known if color]
    if not known:
        return f"The shop does not state the colours of the {short(siblings[0])}."
    return f"I find the {short(siblings[0])} in {listed(known)}."


def in_stock_instead(document: Document, siblings: Sequence[Document]) -> str:
    """What of the family can be had when the document is sold out; "" when nothing can."""
    left = [other for other in siblings if other is not document and other.stock]
    names = [f"{variant(other)} ({other.stock})" for other in left[:3]]
    return f"In stock: {'; '.join(names)}." if names else ""


def priced(
    opening: str, documents: Sequence[Document], fact: Callable[[Document], str] = lambda _: ""
) -> str:
    """As in: In blue I find Fjord vase, blue (36.00 EUR); "" without documents. `fact`: what is
    said before the price, "" for nothing."""
    names = []
    for document in documents:
        facts = [fact(document)]
        if document.price is not None:
            facts.append(money(document.price, document.currency))
            facts.append("sold out" if document.stock == 0 else "")
        said = ", ".join(filter(None, facts))
        names.append(f"{document.title} ({said})" if said else document.title)
    return f"{opening} {listed(names)}." if names else ""


def listed(items: Sequence[str]) -> str:
    """As in: a; a and b; a, b and c."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""


def sentence(text: str) -> str:
    """Capitalised, with a full stop."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def word_set(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.lower()))
