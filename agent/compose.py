"""The built-in composer: the direct answer first, its proof quoted, then one next step.

It says only what stands in the shop's fields, in a quoted passage, or in what the shop confirmed,
so that every reply passes `agent.grounding.grounded`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from agent import products
from agent.answers import asks
from agent.each import about_each
from agent.evidence import (
    OWN,
    answering,
    card,
    describing,
    opening,
    plain,
    quote,
    quote_title,
)
from agent.mood import PERSON
from agent.policy import SEARCHES, contentful, says
from agent.relating import about_related
from agent.types import (
    Act,
    Answer,
    Ask,
    Citation,
    Decision,
    Decline,
    Draft,
    HandOff,
    Outcome,
    Related,
)
from fusion.types import Message
from knowledge.filters import COLORS, SAME
from knowledge.lexical import terms
from knowledge.parse import parse_filters
from knowledge.types import Document, Hit

CARDS = 4  # products shown at most, the best included
NEAR = 0.75  # an alternative scores at least this share of the best

OFFER = "I can look up products, delivery, returns and payment, and take care of an order with you."
GREETINGS = (
    f"Hello! {OFFER} What are you looking for?",
    "Hello again! What can I look up for you?",
)
THANKS = (
    "You are welcome. Write again whenever something comes up.",
    "With pleasure. I am here if anything else comes up.",
)
ITSELF = (f"I am the shop's automatic assistant, not a person. {OFFER} {PERSON}",)
JUDGEMENT = (
    "From a photo I cannot tell for sure whether something is damaged. If it reached you like "
    "this, say so and I report it with you.",
)
WITHOUT_HITS = {
    "greeting": GREETINGS,
    "thanks": THANKS,
    "itself": ITSELF,
    "judgement": JUDGEMENT,
}
"""What is said first, and what later in a conversation, by the topic of an answer without hits."""

SORRY = {
    "damaged_item": "I am sorry that it did not arrive as it should.",
    "complaint": "I am sorry about that.",
}
NEXT = {
    "order_status": "To look it up here, give me your e-mail address and the order number.",
    "cancel_order": "To cancel one here, give me your e-mail address and the order number.",
    "change_order": "To change one here, give me your e-mail address and the order number.",
    "return": "To start a return here, give me your e-mail address and the order number.",
    "exchange": "To ask for an exchange, give me your e-mail address and the order number.",
    "refund": "If it is about an order of yours, give me your e-mail address and the order number.",
    "damaged_item": "Give me your e-mail address and the order number, and a photo if you can.",
    "delivery": "If a parcel is on its way, I can look it up with your e-mail address and the "
    "order number.",
    "payment": "If a payment went wrong, tell me what you saw, or ask for a person.",
    "invoice": "If it is missing, say so and I pass you on to a colleague.",
    "account": "If that does not work, say so and I pass you on to a colleague.",
    "complaint": "If you would rather talk to a person, just say so.",
    "person": PERSON,
}
PASSED_ON = "I am passing you on to a colleague, who sees our conversation and answers here."
HAND_OFFS = {
    "asked": "",
    "unhappy": "I am sorry that I am not more help.",
    "complaint": "I am sorry about that. A colleague should look at it.",
    "identity": "I cannot find you or your order with that.",
    "not_understood": "I do not understand you well enough, and I am sorry about that.",
    "failed": "I did not find what you are looking for, and I am sorry about that.",
    "damaged_item": "I am sorry that it did not arrive as it should.",
    "change_order": "What is in an order is changed by a colleague.",
    "exchange": "An exchange is arranged by a colleague.",
}
"""What is said before `PASSED_ON`, by the reason of a hand-off."""

SILENT = {
    "waiting": "A person answers you here as soon as one is free.",
    "taken": "A person has taken over.",
}
"""What a door shows where the agent says nothing, by the reason of the hand-off."""

UNSTATED = "I do not find that stated."
ANYTHING = {"more", "details", "info", "information", "describe", "description"}
NOT_FOUND = "I do not find that in the shop's catalogue or help pages."
TRY = "Try other words or a photo, or ask for a person and I pass you on."
MAYBE = 0.1  # a hit that is less sure is not worth mentioning
NAMED = 2  # hits mentioned that may not be what was meant
DECLINES = {
    "out_of_scope": f"That is outside what I can answer here. {OFFER}",
    "unreadable": "Please try again, or write to me instead.",
}


class BuiltinComposer:
    """Puts a decision into words without a language model."""

    def compose(
        self,
        decision: Decision,
        outcome: Outcome | None,
        hits: Sequence[Hit],
        history: Sequence[Message],
        words: str,
    ) -> Draft:
        match decision:
            case Answer(hits=(), topic=topic):
                lines = WITHOUT_HITS[topic]
                return Draft(lines[min(len(history) // 2, len(lines) - 1)])
            case Answer(hits=found) if OWN in found[0].ranks:
                document = found[0].document
                return Draft(document.text, (quote(document, 0, len(document.text)),))
            case Answer(related=Related(relation="each")):
                return about_each(decision, words)
            case Answer(related=Related()):
                return about_related(decision)
            case Answer(hits=found) if found[0].document.kind == "product":
                return about_product(decision, words)
            case Answer(hits=found, topic=topic):
                return about_passage(found, topic, words)
            case Ask():
                return _question(decision, hits)
            case Act():
                return _outcome(outcome)
            case HandOff(reason="waiting" | "taken"):
                return Draft("")  # a colleague has it; the customer was told once
            case HandOff(reason=reason):
                return Draft(f"{HAND_OFFS[reason]} {PASSED_ON}".strip())
            case Decline(reason="not_sold"):
                return _nearest(hits)
            case Decline(reason="not_found"):
                return _not_found(hits)
            case Decline(reason=reason):
                return Draft(DECLINES[reason])
            case _:
                assert_never(decision)


def about_passage(found: Sequence[Hit], topic: str, words: str) -> Draft:
    """The answering sentences of an FAQ entry or a policy, and the next step."""
    best = found[0]
    proof = answering(best, words)
    answer = plain(proof.quote)
    if answer.lower().startswith(("yes", "no,", "no.")):  # to the shop's question, so it is shown
        answer = f"{best.document.title} {answer}"
    shown = [hit.document for hit in found if hit.document.kind == "product"]
    named = [document for document in shown if products.short(document).lower() in words.lower()]
    return Draft(
        " ".join(filter(None, [SORRY.get(topic), answer, NEXT.get(topic)])),
        (proof,),
        tuple(card(document) for document in named[:1]),
    )


def about_product(answer: Answer, words: str) -> Draft:
    """What was asked of the best product, its price and stock, and what else comes near."""
    found, topic = answer.hits, answer.topic
    best = product_meant(found, words)
    siblings = products.variants(best, found)
    others = alternatives(best, found)
    missing = _missing_color(siblings, words)
    facets = products.asked(words, best)

    if missing:
        family = products.short(best)
        said, subject = [f"I do not find the {family} in {missing}."], products.the(best)
        facets = ["color", *(facet for facet in facets if facet != "color")]
    elif answer.photo and products.short(best).lower() not in words.lower():
        wished = products.word_set(products.variant(best)) & products.word_set(words)
        shown = "Close to your photo, there is" if wished else "That looks like"
        said, subject = [f"{shown} {products.the(best).rstrip(',')}."], "it"
    elif topic == "recommendation":
        said, subject = [products.sentence(f"I would look at {products.the(best)} first")], "it"
    else:
        said, subject = [], products.the(best)

    asked = [facet for facet in facets if facet not in ("price", "stock")]
    for facet in asked:
        said.append(products.facet_sentence(facet, best, siblings, subject))
        subject = subject if facet == "color" else "it"
    proof = None
    if not facets and topic not in ("product_search", "availability"):
        proof = described(best, words)
        said.append(plain(proof.quote) if proof else UNSTATED if unstated(best, words) else "")
    color = best.attributes.get("color")  # which a photo shows; sizes it does not
    meant = [d for d in siblings if not answer.photo or d.attributes.get("color") == color]
    unsettled = "price" in facets and not products.settled(best, meant, words)
    spread = products.price_range(meant) if unsettled and not missing else None
    stock_first = topic == "availability" or facets == ["stock"]
    said.append(spread or products.price_and_stock(best, subject, stock_first=stock_first))
    if best.stock == 0:
        said.append(products.in_stock_instead(best, siblings))
    if missing:
        fitting = [d for d in others if missing in products.word_set(d.title)]
        said.append(products.priced(f"In {missing} I find", fitting))
    elif topic in SEARCHES:
        said.append(products.priced("Also close to what you describe:", others))
    said.append(_next_step(best, siblings, topic, facets, unsettled))
    return Draft(
        " ".join(filter(None, said)),
        (proof or quote_title(best),),
        tuple(card(document) for document in [best, *others]),
    )


def product_meant(found: Sequence[Hit], words: str) -> Document:
    """The best product, or the variant of it that the words name ("in green")."""
    best = found[0].document
    said = products.word_set(words)

    def named(document: Document) -> int:
        own = products.word_set(products.variant(document))
        return len(own & said) - len((own - said) & {"small", "large"})

    return max(products.variants(best, found), key=named)  # the first of equals


def described(product: Document, words: str) -> Citation | None:
    """What a product's description says to the words, or first where they only name it; None when
    it says nothing."""
    if contentful(words) <= products.word_set(product.title) | ANYTHING:
        return opening(product)
    return describing(product, words)


def unstated(product: Document, words: str) -> bool:
    """Whether something is asked of a product that none of its words says: "is it handmade?"."""
    return asks(words) and not set(terms(" ".join(contentful(words)))) <= says(product)


def alternatives(best: Document, found: Sequence[Hit]) -> list[Document]:
    """Other products near the best hit and of the same kind of thing; those in stock first."""
    kind = best.attributes.get("kind")
    near = [
        hit.document
        for hit in found
        if hit.document.kind == "product"
        and hit.document.id != best.id
        and hit.score >= NEAR * found[0].score
        and hit.document.attributes.get("kind") == kind
    ]
    return sorted(near, key=lambda document: document.stock == 0)[: CARDS - 1]


def _missing_color(siblings: Sequence[Document], words: str) -> str:
    """A colour the words ask for that no variant found has; "" when there is none."""
    asked = {SAME.get(word, word) for word in products.word_set(words)} & set(COLORS)
    asked -= set(parse_filters(words, {"color": COLORS}).excluded)
    has = products.word_set(" ".join(products.variant(d) for d in siblings))
    has |= products.word_set(" ".join(d.attributes.get("color", "") for d in siblings))
    return " or ".join(sorted(asked)) if asked and not asked & has else ""


def _next_step(
    best: Document,
    siblings: Sequence[Document],
    topic: str,
    facets: Sequence[str],
    unsettled: bool,
) -> str:
    if best.stock == 0:
        return "Ask me for something similar if you like, or for another colour."
    if topic in SEARCHES:
        return "Tell me a colour, a size or a price, and I narrow it down."
    colors = {d.attributes.get("color", "") for d in siblings if d.stock != 0} - {""}
    others = sorted(colors - {best.attributes.get("color", "")})
    if others and "color" not in facets:
        listed = products.listed(sorted(colors) if unsettled else others)
        return f"In stock I find it in {listed}." if unsettled else f"There is also {listed}."
    return "Ask me anything else about it: size, material, care or delivery."


def _nearest(hits: Sequence[Hit]) -> Draft:
    """That what the photo shows is not sold here, and what comes nearest to it."""
    near = [hit.document for hit in hits if hit.document.kind == "product"][:CARDS]
    said = [
        "I do not think that we sell what your photo shows.",
        products.priced("The nearest we have:", near),
        "If it is one of ours, its name or article number will find it.",
    ]
    return Draft(
        " ".join(filter(None, said)),
        tuple(map(quote_title, near)),
        tuple(map(card, near)),
    )


def _not_found(hits: Sequence[Hit]) -> Draft:
    """That nothing was found for sure, and what comes near, for what it is worth."""
    near = [hit.document for hit in hits if hit.sure >= MAYBE][:NAMED]
    titles = products.listed([f"“{document.title}”" for document in near])
    return Draft(
        " ".join(filter(None, [NOT_FOUND, f"What comes near: {titles}." if near else "", TRY])),
        tuple(map(quote_title, near)),
        tuple(card(document) for document in near if document.kind == "product"),
    )


def _question(ask: Ask, hits: Sequence[Hit]) -> Draft:
    """The question; a question between products names them and shows them."""
    if ask.slot != "product" or not ask.choices:
        return Draft(ask.question)
    named = [choice.label for choice in ask.choices]
    offered = {choice.id for choice in ask.choices}
    shown = [hit.document for hit in hits if hit.document.id in offered]
    return Draft(
        f"{ask.question} I find: {'; '.join(named)}.",
        tuple(map(quote_title, shown)),
        tuple(map(card, shown)),
    )


def _outcome(outcome: Outcome | None) -> Draft:
    """What the shop said of an act, in its words; never more."""
    if outcome is None:
        raise ValueError("an Act is put into words only with the shop's outcome")
    if outcome.ok:
        return Draft(outcome.message)
    return Draft(f"{outcome.message} If you need more, ask for a person and I pass you on.")
