"""A reply in the customer's language.

A reply is in one language: what a catalogue lacks is said in English, and then all of it; only what
could not be read is named in general then. What the shop itself wrote is quoted as it stands, and a
line says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from agent import products
from agent.catalogue import Catalogued, catalogued, say
from agent.compose import (
    CARDS,
    NEXT,
    SORRY,
    UNSTATED,
    alternatives,
    described,
    product_meant,
    unstated,
)
from agent.each import alike, asked_facets
from agent.evidence import OWN, answering, card, plain, quote_title
from agent.policy import SEARCHES
from agent.relating import TOLD
from agent.state import Part
from agent.types import Answer, Ask, Chip, Comparison, Decision, Draft, Related
from fusion.types import Percept
from knowledge.relations import differences
from knowledge.types import Document, Hit

UNNAMED = "Something that you sent could not be read. Please send it again."
IN_ITS_OWN = "The shop writes, in its own language: “%(quote)s”"
FACTS = ("capacity", "weight", "dimensions", "material", "care", "rating")


def nameable(percept: Percept) -> Percept:
    """The percept, with every problem in words that there are in its language."""
    own = catalogued(percept.language)
    if own is None:
        return percept
    problems = (one if own.say(one) else UNNAMED for one in percept.problems)
    return replace(percept, problems=tuple(problems))


def in_language(
    percept: Percept, parts: Sequence[Part], drafts: Sequence[Draft]
) -> tuple[str, list[Draft]]:
    """The language of the reply, and the English drafts in it: the customer's where all of it can
    be said, else English and the drafts as they are."""
    own = catalogued(percept.language)
    if own is None:
        return "en", list(drafts)
    said = [_said(own, part, draft) for part, draft in zip(parts, drafts, strict=True)]
    kept = [draft for draft in said if draft is not None]
    return (percept.language, kept) if len(kept) == len(said) else ("en", list(drafts))


def asides(lines: Sequence[str], language: str) -> str:
    """What is said around an answer."""
    return joined(noted(lines, language), language)


def joined(parts: Iterable[str], language: str) -> str:
    """Parts of a reply as one text."""
    own = catalogued(language)
    return " ".join(filter(None, parts)) if own is None else own.joined(*parts)


def whole(before: str, drafts: Sequence[Draft], after: str, language: str) -> str:
    """The text of a reply: each draft in a paragraph of its own."""
    *others, last = [joined((draft.aside, draft.text), language) for draft in drafts]
    paragraphs = [*others, joined((last, after), language)]
    first = joined((before, paragraphs[0]), language)
    return "\n\n".join(filter(None, (first, *paragraphs[1:])))


def labelled(decision: Decision, language: str) -> Decision:
    """With what stands on the buttons of a question in the language."""
    own = catalogued(language)
    if own is None or not isinstance(decision, Ask):
        return decision
    choices = (replace(choice, label=own.label(choice.label)) for choice in decision.choices)
    return replace(decision, choices=tuple(choices))


def wished(chips: Iterable[Chip], language: str) -> tuple[Chip, ...]:
    """The wishes that may be taken away, in the language."""
    own = catalogued(language)
    if own is None:
        return tuple(chips)
    return tuple(chip.model_copy(update={"label": own.wish(chip.label)}) for chip in chips)


def noted(notes: Iterable[str], language: str) -> tuple[str, ...]:
    """Sentences in the language, those that it has no words for as they are."""
    return tuple(say(note, language) for note in notes)


def _said(own: Catalogued, part: Part, draft: Draft) -> Draft | None:
    """The draft in another language; None when the catalogue lacks some of it."""
    decision, words = part.decision, part.found.words
    match decision:
        case Answer(hits=found, related=Related(relation="compare")) if found:
            return _comparison(own, [hit.document for hit in found], draft)
        case Answer(hits=found, related=Related(relation="each")):
            return replace(draft, text=_each(own, decision, words))
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
        stated = best.attributes.get(facet)
        value = own.value(stated) if stated else own("The shop does not state it.")
        said.append(_field(own, own(facet), value))
    colors = list(dict.fromkeys(own.value(d.attributes.get("color", "")) for d in siblings))
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
    proof = described(best, words) if asks_more else None
    if proof:
        said.append(own(IN_ITS_OWN, quote=plain(proof.quote)))
    elif asks_more and unstated(best, words):
        said.append(own(UNSTATED))
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


def _comparison(own: Catalogued, found: Sequence[Document], draft: Draft) -> Draft:
    """What the products differ in; names and values of the shop's fields stay where no catalogue
    has them."""
    rows = [
        (_capital(own.value(row.name.replace("_", " "))), *map(own.value, row.values))
        for row in differences(found)
    ]
    said = [
        _field(own, name, " / ".join(value.rstrip(".") or "–" for value in values))
        for name, *values in rows[:TOLD]
    ]
    titles = tuple(document.title for document in found)
    opening = own("I compare %(names)s, in this order.", names=own.listed(list(titles)))
    nothing = own("They differ in nothing that the shop states.")
    text = own.joined(opening, *(said or [nothing]))
    return replace(draft, text=text, comparison=Comparison(products=titles, rows=tuple(rows)))


def _each(own: Catalogued, answer: Answer, words: str) -> str:
    """What was asked, of each product."""
    found = [hit.document for hit in answer.hits]

    def stated(facet: str, document: Document) -> str:
        known = [own.value(document.attributes.get(facet, ""))]
        if "price" in facet and document.price is not None:
            known.append(own.money(document.price, document.currency))
        if "stock" in facet and document.stock is not None:
            known.append(own.in_stock(document.stock) if document.stock else own("sold out"))
        return ", ".join(filter(None, known)) or own("The shop does not state it.")

    said = []
    if answer.photo:
        names = "; ".join(document.title for document in found)
        said.append(own("Your photos look like %(names)s.", names=names))
    for facet in asked_facets(words):
        for value, titles in alike(found, partial(stated, facet)):
            said.append(_field(own, "; ".join(titles), value))
    return own.joined(*said)


def _field(own: Catalogued, name: str, value: str) -> str:
    """As in: Material: Eiche."""
    return own("%(name)s: %(value)s.", "field", name=_capital(name), value=value.rstrip(".。"))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _priced(own: Catalogued, documents: Sequence[Document]) -> str:
    """Titles with their prices, separated by semicolons: a title may have a comma."""
    named = []
    for document in documents:
        price = document.price
        facts = [] if price is None else [own.money(price, document.currency)]
        facts += [own("sold out")] if document.stock == 0 else []
        named.append(document.title + (f" ({', '.join(facts)})" if facts else ""))
    return "; ".join(named)
