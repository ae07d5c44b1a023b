"""Products beside others in plain English, every value from the shop's own fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from agent import products
from agent.degrees import SCALES
from agent.evidence import card, money, quote_title
from agent.types import Answer, Comparison, Draft, Relation
from knowledge.relations import Difference, differences
from knowledge.scales import stated
from knowledge.types import Document

TOLD = 6  # differences put into words; the table has all of them
CARDS = 4  # products shown at most
TOGETHER = {
    "links": "With the {} the shop suggests",
    "orders": "Customers who bought the {} also bought",
    "style": "In looks, these go with the {}:",
}
UTMOST: Mapping[Relation, str] = {
    "cheapest": "The cheapest I find:",
    "dearest": "The most expensive I find:",
    "best_rated": "The best rated I find:",
    "biggest": "The biggest I find:",
    "smallest": "The smallest I find:",
    "tallest": "The tallest I find:",
    "heaviest": "The heaviest I find:",
    "lightest": "The lightest I find:",
}


def about_related(answer: Answer) -> Draft:
    """What is similar, cheaper, of another option or goes with the first product; or the table."""
    assert answer.related is not None
    found = [hit.document for hit in answer.hits]
    relation = answer.related.relation
    if relation == "compare":
        return _comparing(found)
    first, others = found[0], found[1:]
    name = first.title
    match relation:
        case "ideas":
            others = found
            said, nothing = products.priced("Some ideas from the shop:", found), ""
        case "similar":
            said = products.priced(f"Like the {name} I find", others)
            nothing = f"I find nothing in the shop that is much like the {name}."
        case "cheaper":
            price = "" if first.price is None else f" ({money(first.price, first.currency)})"
            said = products.priced(f"Like the {name}{price} but cheaper, I find", others)
            nothing = f"I find nothing like the {name}{price} that costs less."
        case "options":
            said = products.priced(f"Besides the {name} I find", others)
            nothing = f"I find the {name} in no other option."
        case "goes_with":
            opening = TOGETHER[answer.related.why or "style"].format(name)
            said = products.priced(opening, others)
            nothing = f"I find nothing that goes with the {name}."
        case _ if relation in UTMOST:
            others = found
            said, nothing = _utmost(relation, found), ""
        case _:  # bigger, lighter: a degree is its own word
            fact = partial(_fact, relation)
            like = f"{name} ({fact(first)})"
            said = products.priced(f"Like the {like} but {relation}, I find", others, fact)
            nothing = f"I find nothing like the {like} that is {relation}."
    following = "Ask me to compare them, or for the details of one." if others else ""
    shown = others[:CARDS] or [first]
    return Draft(
        " ".join(filter(None, [said or nothing, following])),
        tuple(map(quote_title, shown)),
        tuple(map(card, shown)),
    )


def _utmost(relation: Relation, found: Sequence[Document]) -> str:
    """The utmost, all of them where several state the same; then those that come after."""
    amounts = [one.amount for d in found if (one := stated(d, SCALES[relation][0]))]
    equal = amounts.count(amounts[0])
    fact = partial(_fact, relation)
    first = products.priced(UTMOST[relation], found[:equal], fact)
    return f"{first} {products.priced('After that:', found[equal:], fact)}".strip()


def _fact(relation: Relation, product: Document) -> str:
    """What a product states of what a degree compares, in the shop's words."""
    scale, _ = SCALES[relation]
    own = stated(product, scale)
    words = own.words.rstrip(".") if own else ""
    return f"★ {words}" if words and scale == "rating" else words


def _comparing(found: Sequence[Document]) -> Draft:
    rows = differences(found)
    names = products.listed([f"the {document.title}" for document in found])
    said = [f"{_row(row)}." for row in rows[:TOLD]]
    opening = f"I compare {names}, in this order."
    nothing = "They differ in nothing that the shop states."
    return Draft(
        " ".join([opening, *(said or [nothing])]),
        tuple(map(quote_title, found)),
        tuple(map(card, found)),
        comparison=compared(found),
    )


def compared(found: Sequence[Document]) -> Comparison:
    """The table of what products differ in."""
    return Comparison(
        products=tuple(document.title for document in found),
        rows=tuple((_label(row), *row.values) for row in differences(found)),
    )


def _label(row: Difference) -> str:
    return products.sentence(row.name.replace("_", " ")).rstrip(".")


def _row(row: Difference) -> str:
    values = [value.rstrip(".") or "not stated" for value in row.values]
    return f"{_label(row)}: {' against '.join(values)}"
