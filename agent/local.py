"""What the built-in composer says, in the customer's language (agent/catalogues/*.po).

A reply is in one language: what a catalogue lacks is said in English, and then all of it. What the
shop itself wrote is quoted as it stands, and a line says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

from agent import products
from agent.evidence import OWN, answering, card, describing, plain, quote_title
from agent.sentences import (
    CARDS,
    DECLINES,
    GREETINGS,
    HAND_OFFS,
    NEXT,
    NOT_FOUND,
    PASSED_ON,
    SEARCHES,
    SORRY,
    THANKS,
    TRY,
)
from agent.types import Act, Answer, Ask, Decision, Decline, Draft, HandOff
from fusion.types import Message, Percept
from knowledge.types import Document, Hit

FOLDER = Path(__file__).parent / "catalogues"


class Sentences:
    """The sentences of one language."""

    def __init__(self, language: str) -> None:
        with (FOLDER / f"{language}.po").open("rb") as file:
            self._catalogue: Catalog = read_po(file)
        self.locale = Locale.parse(language)
        self._joint = "" if language in ("zh", "ja") else " "

    def knows(self, english: str) -> bool:
        message = self._catalogue.get(english)
        return message is not None and bool(message.string)

    def __call__(self, english: str, **values: str) -> str:
        """The sentence; KeyError when the catalogue lacks it."""
        if not self.knows(english):
            raise KeyError(english)
        message = self._catalogue[english]
        assert message is not None and isinstance(message.string, str)
        return message.string % values if values else message.string

    def in_stock(self, pieces: int) -> str:
        """How many pieces there are, in the plural form that the number takes."""
        message = self._catalogue["%(count)s piece is in stock."]
        assert message is not None
        forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
        place = int(len(forms) > 1 and self.locale.plural_form(pieces) != "one")
        return forms[place] % {"count": format_decimal(pieces, locale=self.locale)}

    def money(self, price: float, currency: str) -> str:
        """16.9, "EUR" -> "16,90 €" in German."""
        if not currency:
            return str(format_decimal(price, "#,##0.00", locale=self.locale))
        return str(format_currency(price, currency, locale=self.locale))

    def joined(self, *parts: str) -> str:
        return self._joint.join(filter(None, parts))

    def listed(self, documents: Sequence[Document]) -> str:
        """Titles with their prices, separated by semicolons: a title may have a comma."""
        return "; ".join(
            document.title + (f" ({', '.join(facts)})" if (facts := self._facts(document)) else "")
            for document in documents
        )

    def _facts(self, document: Document) -> list[str]:
        price = [] if document.price is None else [self.money(document.price, document.currency)]
        return [*price, *([self("sold out")] if document.stock == 0 else [])]


@cache
def sentences(language: str) -> Sentences | None:
    """None for English, and for a language without a catalogue."""
    return Sentences(language) if (FOLDER / f"{language}.po").is_file() else None


def reply_language(percept: Percept, decisions: Sequence[Decision]) -> str:
    """The customer's language where all of the reply can be said in it; else English."""
    own = sentences(percept.language)
    if own is None or percept.problems:  # what failed is named in English
        return "en"
    return percept.language if all(_sayable(own, decision) for decision in decisions) else "en"


def given_up(relaxed: Sequence[str], decision: Decision) -> str:
    """The wishes that had to be dropped before a product was left; "" when there are none."""
    about_products = isinstance(decision, Answer) and any(
        hit.document.kind == "product" for hit in decision.hits[:1]
    )
    if not relaxed or not about_products:
        return ""
    wishes = " and ".join(f"“{wish}”" for wish in relaxed)
    return f"Nothing matches {wishes}; this is what there is without that wish."


def asides(lines: Sequence[str], language: str) -> list[str]:
    """What is said around an answer; wishes that were dropped are only named in English."""
    own = sentences(language)
    if own is None:
        return list(lines)
    dropped = own("Nothing matches every wish; this comes nearest.")
    return [own(line) if own.knows(line) else dropped for line in lines if line]


def _sayable(own: Sentences, decision: Decision) -> bool:
    match decision:
        case Answer(hits=hits):
            return not hits or OWN not in hits[0].ranks
        case Ask(question=question):
            return own.knows(question)
        case Act():
            return False  # the shop's own words
        case HandOff(reason=reason):
            return (
                reason in ("waiting", "taken")
                or not HAND_OFFS[reason]
                or own.knows(HAND_OFFS[reason])
            )
        case Decline():
            return True


def compose(
    language: str,
    decision: Decision,
    hits: Sequence[Hit],
    history: Sequence[Message],
    words: str,
) -> Draft:
    """The draft of a decision for which `reply_language` gave `language`."""
    own = sentences(language)
    assert own is not None
    match decision:
        case Answer(hits=(), topic=topic):
            lines = THANKS if topic == "thanks" else GREETINGS
            return Draft(own(lines[min(len(history) // 2, 1)]))
        case Answer(hits=found) if found[0].document.kind == "product":
            return _product(own, decision, words)
        case Answer(hits=found, topic=topic):
            return _passage(own, found[0], topic, words)
        case Ask(question=question, choices=choices, slot=slot):
            named = "; ".join(choice.label for choice in choices) if slot == "product" else ""
            offered = {choice.id for choice in choices}
            shown = [hit.document for hit in hits if hit.document.id in offered]
            return Draft(
                own.joined(own(question), named),
                tuple(map(quote_title, shown)),
                tuple(map(card, shown)),
            )
        case HandOff(reason="waiting" | "taken"):
            return Draft("")
        case HandOff(reason=reason):
            before = own(HAND_OFFS[reason]) if HAND_OFFS[reason] else ""
            return Draft(own.joined(before, own(PASSED_ON)))
        case Decline(reason="not_sold"):
            return _nearest(own, hits)
        case Decline(reason="not_found"):
            return Draft(own.joined(own(NOT_FOUND), own(TRY)))
        case Decline(reason=reason):
            return Draft(own(DECLINES[reason]))
    raise ValueError(f"{decision} cannot be said in {language!r}")


def _passage(own: Sentences, best: Hit, topic: str, words: str) -> Draft:
    """The answering sentences as the shop wrote them, and the next step."""
    proof = answering(best, words)
    said = plain(proof.quote)
    if best.document.language[:2] != own.locale.language:
        said = own("The shop writes, in its own language: “%(quote)s”", quote=said)
    before = own(SORRY[topic]) if topic in SORRY else ""
    return Draft(own.joined(before, said, own(NEXT[topic]) if topic in NEXT else ""), (proof,))


def _product(own: Sentences, answer: Answer, words: str) -> Draft:
    """The product with its price and stock, a sentence of its description, and what comes near."""
    best = products.meant(answer.hits, words)
    searched = answer.topic in SEARCHES
    others = products.alternatives(best, answer.hits, CARDS - 1) if searched else []
    said = []
    if answer.photo and products.short(best).lower() not in words.lower():
        said.append(own("That looks like %(title)s.", title=best.title))
    elif answer.topic == "recommendation":
        said.append(own("I would look at %(title)s first.", title=best.title))
    if best.price is not None:
        price = own.money(best.price, best.currency)
        said.append(own("%(title)s costs %(price)s.", title=best.title, price=price))
    if best.stock is not None:
        sold_out = own("It is sold out at the moment.")
        said.append(own.in_stock(best.stock) if best.stock else sold_out)
    proof = None if searched or answer.topic == "availability" else describing(best, words)
    if proof:
        quoted = plain(proof.quote)
        said.append(own("The shop writes, in its own language: “%(quote)s”", quote=quoted))
    if others:
        said.append(own("Also close to what you describe: %(names)s.", names=own.listed(others)))
    following = (
        "Tell me a colour, a size or a price, and I narrow it down."
        if searched
        else "Ask me anything else about it: size, material, care or delivery."
    )
    return Draft(
        own.joined(*said, own(following)),
        (proof or quote_title(best),),
        tuple(card(document) for document in [best, *others]),
    )


def _nearest(own: Sentences, hits: Sequence[Hit]) -> Draft:
    near = [hit.document for hit in hits if hit.document.kind == "product"][:CARDS]
    names = own("The nearest we have: %(names)s.", names=own.listed(near)) if near else ""
    return Draft(
        own.joined(own("I do not think that we sell what your photo shows."), names),
        tuple(map(quote_title, near)),
        tuple(map(card, near)),
    )
