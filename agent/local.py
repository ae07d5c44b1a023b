"""A reply in the customer's language.

A reply is in one language: what a catalogue lacks is said in English, and then all of it. What the
shop itself wrote is quoted as it stands, and a line says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent import products
from agent.catalogue import Catalogued, catalogued
from agent.compose import CARDS, NEXT, SEARCHES, SORRY, alternatives, product_meant
from agent.evidence import OWN, answering, card, describing, plain, quote_title
from agent.types import Answer, Ask, Decision, Draft, Outcome, Related
from fusion.types import Percept
from knowledge.relations import differences
from knowledge.types import Document, Hit

IN_ITS_OWN = "The shop writes, in its own language: “%(quote)s”"
FACTS = ("capacity", "weight", "dimensions", "material", "care", "rating")


def in_language(
    percept: Percept,
    steps: Sequence[tuple[Decision, Outcome | None]],
    drafts: Sequence[Draft],
    words: str,
) -> tuple[str, list[Draft]]:
    """The language of the reply, and the English drafts in it: the customer's where all of it can
    be said, else English and the drafts as they are."""
    own = catalogued(percept.language)
    if own is None or any(own.say(problem) is None for problem in percept.problems):
        return "en", list(drafts)
    said = [_said(own, step[0], draft, words) for step, draft in zip(steps, drafts, strict=True)]
    kept = [draft for draft in said if draft is not None]
    return (percept.language, kept) if len(kept) == len(said) else ("en", list(drafts))


def asides(lines: Sequence[str], language: str) -> str:
    """What is said around an answer."""
    own = catalogued(language)
    if own is None:
        return " ".join(filter(None, lines))
    return own.joined(*(own.say(line) or line for line in lines))


def labelled(decision: Decision, language: str) -> Decision:
    """With what stands on the buttons of a question in the language."""
    own = catalogued(language)
    if own is None or not isinstance(decision, Ask):
        return decision
    choices = (replace(choice, label=own.label(choice.label)) for choice in decision.choices)
    return replace(decision, choices=tuple(choices))


def _said(own: Catalogued, decision: Decision, draft: Draft, words: str) -> Draft | None:
    """The draft in another language; None when the catalogue lacks some of it."""
    match decision:
        case Answer(hits=found, related=Related(relation="compare")) if found:
            return replace(draft, text=_comparison(own, [hit.document for hit in found]))
        case Answer(hits=found, related=None) if found and OWN in found[0].ranks:
            return replace(draft, text=own(IN_ITS_OWN, quote=plain(draft.text)))
        case Answer(hits=found, related=None) if found and found[0].document.kind == "product":
            return _product(own, decision, words)
        case Answer(hits=found, related=None, topic=topic) if found:
            return _passage(own, found[0], topic, words, draft)
    text = own.say(draft.text)
    return None if text is None else replace(draft, text=text)


def _passage(own: Catalogued, best: Hit, topic: str, words: str, draft: Draft) -> Draft:
    """The answering sentences as the shop wrote them, and the next step."""
    proof = answering(best, words)
    said = plain(proof.quote)
    if best.document.language[:2] != own.locale.language:
        said = own(IN_ITS_OWN, quote=said)
    before = own(SORRY[topic]) if topic in SORRY else ""
    following = own(NEXT[topic]) if topic in NEXT else ""
    return replace(draft, text=own.joined(before, said, following), citations=(proof,))


def _product(own: Catalogued, answer: Answer, words: str) -> Draft:
    """The product: what was asked of it from its fields, its price and stock, what comes near."""
    best = product_meant(answer.hits, words)
    siblings = products.variants(best, answer.hits)
    searched = answer.topic in SEARCHES
    others = alternatives(best, answer.hits) if searched else []
    facets = products.asked(words, best)
    said = []
    if answer.photo and products.short(best).lower() not in words.lower():
        said.append(own("That looks like %(title)s.", title=best.title))
    elif answer.topic == "recommendation":
        said.append(own("I would look at %(title)s first.", title=best.title))
    for facet in [facet for facet in facets if facet in FACTS]:
        value = best.attributes.get(facet) or own("The shop does not state it.")
        said.append(f"{own(facet)}: {value.rstrip('.。')}.")
    colors = list(dict.fromkeys(own.label(d.attributes.get("color", "")) for d in siblings))
    if "color" in facets and any(colors):
        said.append(own("I find it in %(names)s.", names=own.listed(list(filter(None, colors)))))
    if best.price is not None:
        price = own.money(best.price, best.currency)
        said.append(own("%(title)s costs %(price)s.", title=best.title, price=price))
    if best.stock is not None:
        sold_out = own("It is sold out at the moment.")
        said.append(own.in_stock(best.stock) if best.stock else sold_out)
    left = [one for one in siblings if one is not best and one.stock] if best.stock == 0 else []
    if left:
        said.append(own("In stock there is: %(names)s.", names=_priced(own, left[:3])))
    asks_more = not facets and not searched and answer.topic != "availability"
    proof = describing(best, words) if asks_more else None
    if proof:
        said.append(own(IN_ITS_OWN, quote=plain(proof.quote)))
    if others:
        said.append(own("Also close to what you describe: %(names)s.", names=_priced(own, others)))
    following = (
        "Tell me a colour, a size or a price, and I narrow it down."
        if searched
        else "Ask me anything else about it: size, material, care or delivery."
    )
    return Draft(
        own.joined(*said, own(following)),
        (proof or quote_title(best),),
        tuple(card(document) for document in [best, *others][:CARDS]),
    )


def _comparison(own: Catalogued, found: Sequence[Document]) -> str:
    """What the products differ in; the names of the shop's fields stay where no catalogue has
    them."""
    rows = [
        f"{own.label(row.name)}: {' / '.join(own.label(value) or '–' for value in row.values)}."
        for row in differences(found)
    ]
    nothing = own("They differ in nothing that the shop states.")
    names = own.listed([document.title for document in found])
    opening = own("I compare %(names)s, in this order.", names=names)
    return own.joined(opening, *(rows or [nothing]))


def _priced(own: Catalogued, documents: Sequence[Document]) -> str:
    """Titles with their prices, separated by semicolons: a title may have a comma."""
    named = []
    for document in documents:
        price = document.price
        facts = [] if price is None else [own.money(price, document.currency)]
        facts += [own("sold out")] if document.stock == 0 else []
        named.append(document.title + (f" ({', '.join(facts)})" if facts else ""))
    return "; ".join(named)
