"""What to do about a turn that is not an order flow: one pure function, read like a table."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Literal

from agent.answers import acknowledges
from agent.products import beside_facets
from agent.types import Answer, Ask, Choice, Decision, Decline, HandOff, Limits, Related
from fusion.types import Fused, Message
from knowledge.lexical import spoken, terms
from knowledge.types import Document, Hit, Kind

SMALL_TALK = frozenset({"greeting", "thanks"})

PRODUCTS: tuple[Kind, ...] = ("product",)
PASSAGES: tuple[Kind, ...] = ("faq", "policy")
EVIDENCE: dict[str, tuple[Kind, ...]] = {
    "product_search": PRODUCTS,
    "product_question": PRODUCTS,
    "availability": PRODUCTS,
    "recommendation": PRODUCTS,
    "order_status": PASSAGES,
    "cancel_order": PASSAGES,
    "change_order": PASSAGES,
    "return": PASSAGES,
    "exchange": PASSAGES,
    "refund": PASSAGES,
    "damaged_item": PASSAGES,
    "delivery": PASSAGES,
    "payment": PASSAGES,
    "invoice": PASSAGES,
    "account": PASSAGES,
    "complaint": PASSAGES,
}
"""The kind of document that answers an intent."""

ABOUT_ONE_PRODUCT = frozenset({"product_question", "availability"})
SEARCHES = frozenset({"product_search", "recommendation"})
CHOICES = 4  # products offered when a question fits several

WHICH_PRODUCT = "Which product do you mean? Its name or a photo of it will do."
WHICH_ONE = "Which one do you mean?"
PHOTO_OR_WORDS = "Your photo and your words seem to be about two things. Which one do you mean?"

_WORD = re.compile(r"[^\W_]+")
_POINTING = frozenset(
    ["this", "that", "these", "those", "it", "its", "they", "them", "their", "one", "ones"]
)
_DEFINITE = _POINTING | {"the"}
_COMMON = """
a about all am an and any are at available be below big but buy by can cheaper cost costs could do
does else eur euro euros ex expensive for get give got have hello hey hi how i if in is know large
like long look many may me money much my need of on or order please price priced s sell shall show
size so some still stock t tell than thank thanks the there to under us want was we what
whats when where which will with would you your
"""
_EMPTY = _POINTING | frozenset(_COMMON.split())
"""Words that do not say which product is meant."""
_SPEAK_TO = re.compile(
    r"\b(?:(?:speak|talk|chat) (?:to|with)"
    r"|(?:connect|transfer|pass|put) me (?:on |over |through )?to)"
    r" (?:\w+ ){0,3}?(?:person|human|someone|somebody|colleague|agent|representative|manager|"
    r"supervisor|staff|employee|operator|adviser|advisor)\b",
    re.I,
)

_DAMAGED = re.compile(r"\b(?:damaged|broken|cracked|chipped|defective|faulty)\b", re.I)
_REACH = re.compile(r"\b(?:phone|telephone|call|e-?mails?|contact|reach)\b", re.I)
_REACHED = re.compile(r"\S@\w|\+\d[\d ()/.-]{6,}\d")  # an address or a number to do so
_SOMEBODY = r"(?:ro|chat)?bots?|machine|computer|ai|human(?: being)?|person|real"
_WHAT_YOU_ARE = re.compile(
    r"\W*(?:(?:hi|hello|hey|so|wait|ok|and)\W+)*"
    r"(?:what (?:can|do) you do(?: for me)?|how can you help(?: me)?|what can i ask(?: you)?"
    r"|who are you|what are you|who is this|who am i (?:talking|speaking|chatting) (?:to|with)"
    r"|(?:are you|is this|am i (?:talking|speaking|chatting) (?:to|with)) (?:\w+ ){0,3}?"
    rf"(?:{_SOMEBODY})(?: or (?:\w+ ){{0,2}}?(?:{_SOMEBODY}))?)\W*",
    re.I,
)


def decide(
    fused: Fused,
    hits: Sequence[Hit],
    words: str,
    history: Sequence[Message],
    limits: Limits,
    *,
    photo: bool = False,
    seen: Sequence[Document] = (),
    unsold: float = 0.0,
    related: Related | None = None,
    page: Hit | None = None,
    stated: bool = False,
    unhappy_before: bool = False,
    before: Sequence[Decision] = (),
) -> Decision:
    """The decision for one turn, from what was understood and found.

    `hits` are best first; `words` are the customer's own; `photo`: a picture came with the turn;
    `seen`: the products most like it, whatever was said of it; `unsold`: how likely it shows
    nothing that the shop sells; `related`: how the hits belong together; `page`: the passage on
    the code that the photo shows; `stated`: what is asked is stated of a product shown before;
    `unhappy_before`: the customer's last turn was already an unhappy one; `before`: what was
    decided earlier, oldest first.
    """
    topic = sure_intent(fused, limits)
    best = max((hit.score for hit in hits), default=0.0)
    found = [hit for hit in hits if hit.sure >= limits.answerable]

    if _WHAT_YOU_ARE.fullmatch(words):
        return Answer((), "itself")
    why = wants_person(fused, words, limits, unhappy_before)
    told = tuple(hit for hit in found if _REACHED.search(hit.document.text))
    if why == "asked" and told and _REACH.search(words) and not asks_to_speak(words):
        return Answer(told, "person")
    if why:
        return HandOff(why, summary(words, history))
    if related:
        return Answer(tuple(hits), topic, photo, related)
    if page:
        return Answer((page,), "", photo)  # it answers whatever the words sound like
    ours = stated or fused.out_of_scope < limits.out_of_scope
    if acknowledges(words) and not photo and before:
        return Answer((), "thanks")
    if topic in SMALL_TALK and ours and not ("?" in words and found):
        return Answer((), topic)
    kinds = EVIDENCE.get(topic, ())
    bare = not words.strip() or only_points(words)
    if photo and bare and unsold >= limits.unsold and kinds != PASSAGES:
        return Decline("not_sold")
    if photo and points(words) and (topic == "damaged_item" or _DAMAGED.search(words)):
        return Answer((), "judgement")  # asked whether it is: who says that it is begins a flow
    if not ours and best < limits.strong:
        return Decline("out_of_scope")
    if only_points(words) and not photo and not history:
        return _asked(WHICH_PRODUCT, (), words, history, before, limits)
    if not found and topic == "complaint":
        return HandOff("complaint", summary(words, history))
    if not found and _failed(before) + 1 >= limits.failures:
        return HandOff("failed", summary(words, history))
    if not found:
        return Decline("not_found")
    lean = limits.lean * fused.intents[fused.intent]
    fitting = _left_to_faq(found, words) if topic in ABOUT_ONE_PRODUCT else []
    if not fitting:
        fitting = [
            hit
            for hit in found
            if hit.document.kind in kinds or _asks_the_same(hit.document, words)
        ]

    def worth(hit: Hit) -> float:
        better = (hit.document.kind == "faq") + asks_no_more(hit.document, words)
        return hit.score + lean * (hit in fitting) + limits.tie * better

    ranked = sorted(found, key=worth, reverse=True)
    if unsold < limits.unsold and (pair := _contradiction(ranked, seen[: limits.agree], words)):
        return _asked(PHOTO_OR_WORDS, pair, words, history, before, limits)
    if rivals := _rivals(ranked, topic, words, limits):
        documents = [hit.document for hit in rivals]
        return _asked(WHICH_ONE, documents, words, history, before, limits)
    return Answer(tuple(ranked), topic, photo)


def _asked(
    question: str,
    products: Sequence[Document],
    words: str,
    history: Sequence[Message],
    before: Sequence[Decision],
    limits: Limits,
) -> Ask | HandOff:
    """The question with the products as choices; a person where it was asked often enough, be it
    in a row or about the same products."""
    choices = tuple(Choice(one.id, one.title, next(iter(one.photos), None)) for one in products)
    asked = [d for d in before if isinstance(d, Ask) and d.slot == "product" and d.action is None]
    last = before[-limits.questions :]
    in_a_row = len(last) == limits.questions and all(d in asked for d in last)
    same = [d for d in asked if (d.question, d.choices) == (question, choices)]
    if in_a_row or len(same) >= limits.questions:
        return HandOff("not_understood", summary(words, history))
    return Ask("product", question, choices)


def _failed(before: Sequence[Decision]) -> int:
    """How often in a row nothing was found, up to now."""
    misses = [isinstance(d, Decline) and d.reason == "not_found" for d in reversed(before)]
    return misses.index(False) if False in misses else len(misses)


def asks_to_speak(words: str) -> bool:
    """Whether a person is plainly asked for, whatever else the words are about."""
    return bool(_SPEAK_TO.search(words))


def sure_intent(fused: Fused, limits: Limits) -> str:
    """The likeliest intent, or "" where it is not sure: there the evidence alone decides. Of what
    seems no question for this shop it must be likelier than all others together."""
    sure = limits.sure_intent
    if fused.out_of_scope >= limits.out_of_scope:
        sure = max(sure, 0.5)
    return fused.intent if fused.intents[fused.intent] >= sure else ""


def wants_person(
    fused: Fused, words: str, limits: Limits, unhappy_before: bool
) -> Literal["asked", "unhappy"] | None:
    """Why a person is due before anything else is tried; None when none is."""
    if asks_to_speak(words) or sure_intent(fused, limits) == "person":
        return "asked"
    return "unhappy" if unhappy_before and fused.mood <= limits.unhappy else None


def only_points(words: str, looks: Collection[str] = ()) -> bool:
    """Whether the words point at a product without saying which: "how much is this?".

    `looks` are colours, materials and sizes: words that point too, at a variant of what was shown
    last, as in "and in green?".
    """
    said = {word for word in _words(words) if not word.isdigit()}
    return bool(said & (_POINTING | set(looks))) and not said - _EMPTY - set(looks)


def points(words: str) -> bool:
    """Whether something that was talked of is among what the words speak of: "is it heavy?"."""
    return bool(_words(words) & _POINTING)


def contentful(words: str) -> frozenset[str]:
    """The words that say what is meant; numbers say nothing."""
    return frozenset(word for word in _words(words) - _EMPTY if not word.isdigit())


def summary(words: str, history: Sequence[Message]) -> str:
    """The conversation for the person who takes over: its last messages, one a line."""
    lines = [f"{message.speaker}: {message.text}" for message in history[-6:]]
    return "\n".join([*lines, f"customer: {words}"])


def _words(words: str) -> frozenset[str]:
    return frozenset(_WORD.findall(words.lower()))


def _asks_the_same(document: Document, words: str) -> bool:
    """Whether a FAQ's question says all that the words say, or no more than they do: then it is
    what was meant, be it about a product: "how do I descale the kettle?"."""
    telling = contentful(words)
    says_all = len(telling) > 1 and telling <= _words(document.title)
    return document.kind == "faq" and (says_all or asks_no_more(document, words))


def asks_no_more(document: Document, words: str) -> bool:
    """Whether a FAQ's question says nothing that the words do not: "how long is the warranty?"."""
    asked = contentful(document.title)
    return document.kind == "faq" and bool(asked) and asked <= contentful(words)


def says(product: Document) -> set[str]:
    """Every term that a product states something with, the names of its attributes included."""
    return set(terms(" ".join([spoken(product), *product.attributes])))


def _left_to_faq(found: Sequence[Hit], words: str) -> list[Hit]:
    """The FAQs on what the best product does not say itself: "can it go in the oven?"."""
    product = next((hit.document for hit in found if hit.document.kind == "product"), None)
    if product is None:
        return []
    unsaid = set(terms(beside_facets(words))) - says(product)
    return [
        hit
        for hit in found
        if hit.document.kind == "faq" and unsaid & set(terms(hit.document.title))
    ]


def _rivals(ranked: Sequence[Hit], topic: str, words: str, limits: Limits) -> list[Hit]:
    """Products of different families that a question about one product fits equally well."""
    said = _words(words)
    best = ranked[0]
    if topic not in ABOUT_ONE_PRODUCT or not said & _DEFINITE or best.document.kind != "product":
        return []
    close: dict[str, Hit] = {}  # family -> its best product
    for hit in ranked:
        if hit.document.kind == "product" and best.score - hit.score <= limits.tie:
            close.setdefault(hit.document.family or hit.document.id, hit)
    named = {said & _words(hit.document.title) for hit in close.values()}
    told_apart = len(named) > 1  # the words name one of them more closely than another
    return [] if len(close) < 2 or told_apart else list(close.values())[:CHOICES]


def _contradiction(ranked: Sequence[Hit], seen: Sequence[Document], words: str) -> list[Document]:
    """What the photo shows and what the words call it, where these are two things: "this mug" under
    a photo of a kettle. One of a few things that look like it is no other thing."""
    said = [hit.document for hit in ranked if hit.document.kind == "product"]
    called = [one for one in said if _called(_thing(one), words)]
    if not seen or not called or _thing(seen[0]) in _words(words):
        return []
    return [] if _thing(called[0]) in map(_thing, seen) else [seen[0], called[0]]


def _thing(product: Document) -> str:
    """What a product is: the last word of its name, "mug"."""
    return (_WORD.findall(product.title.split(",")[0].lower()) or [""])[-1]


def _called(thing: str, words: str) -> bool:
    """Whether the words call what is shown that: "this blue mug"; or, pointing at nothing, "the
    mug"."""
    named = rf"\s+(?:[^\W_]+\s+){{0,2}}?{re.escape(thing)}s?\b"
    if re.search(rf"\b(?:this|that|these|those){named}", words, re.I):
        return True
    return not _words(words) & _POINTING and bool(re.search(rf"\bthe{named}", words, re.I))
