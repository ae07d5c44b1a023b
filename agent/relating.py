"""Products beside others in plain English, every value from the shop's own fields."""

from __future__ import annotations

from collections.abc import Sequence

from agent import products
from agent.evidence import card, money, quote_title
from agent.types import Answer, Comparison, Draft
from knowledge.relations import Difference, differences
from knowledge.types import Document

TOLD = 6  # differences put into words; the table has all of them
CARDS = 4  # products shown at most
TOGETHER = {
    "links": "With the {} the shop suggests",
    "orders": "Customers who bought the {} also bought",
    "style": "In looks, these go with the {}:",
}


def about_related(answer: Answer) -> Draft:
    """What is similar, cheaper, of another option or goes with the first product; or the table."""
    assert answer.related is not None
    found = [hit.document for hit in answer.hits]
    if answer.related.relation == "compare":
        return _comparing(found)
    first, others = found[0], found[1:]
    name = first.title
    match answer.related.relation:
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
    following = "Ask me to compare them, or for the details of one." if others else ""
    shown = others[:CARDS] or [first]
    return Draft(
        " ".join(filter(None, [said or nothing, following])),
        tuple(map(quote_title, shown)),
        tuple(map(card, shown)),
    )


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
