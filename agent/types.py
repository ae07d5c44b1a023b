"""The nouns of the agent floor: what we decide, what we say, and the events in between.

Decisions are frozen dataclasses in a closed union (match them, end with `assert_never`). What
crosses a wire, a file or the database (Citation, Reply, the events) is pydantic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fusion.types import PrintedText, Transcript
from knowledge.types import Hit, Why

Slot = Literal[
    "email", "full_name", "zip", "order_id", "items", "new_items", "reason", "payment_method",
    "address", "confirm", "product", "wish",
]  # fmt: skip
"""What a question waits for; "wish" is what the customer wants at all."""

Action = Literal[
    "status", "refund_status", "invoice", "orders", "profile", "cancel", "return", "exchange",
    "change_address", "change_payment", "change_items", "change_default_address", "damaged",
    "last_order", "complaint",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers a question offers: the shop's own id, and what the button says; for a
    product its picture, an absolute path on this machine, of which doors make an address."""

    id: str
    label: str
    picture: str | None = None


Relation = Literal[
    "compare", "cheaper", "goes_with", "similar", "options", "ideas", "each",
    "bigger", "smaller", "taller", "heavier", "lighter",
    "cheapest", "dearest", "best_rated", "biggest", "smallest", "tallest", "heaviest", "lightest",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Related:
    """How products found belong together: to be compared, each asked about, as ideas for who names
    none, from the cheapest or biggest on, or all others to the first of them."""

    relation: Relation
    why: Why = ""  # what says that they go together


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer from this evidence, best first. `topic` is the intent it serves; "" when unsure."""

    hits: tuple[Hit, ...]
    topic: str
    photo: bool = False  # the customer showed a photo
    related: Related | None = None  # what was asked for, where it is more than a product
    kind: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for one thing. `question` is the whole sentence; `action` and `order_id` say what the
    answer is for, where that is known already."""

    slot: Slot
    question: str
    choices: tuple[Choice, ...] = ()
    many: bool = False  # several choices may be picked
    action: Action | None = None
    order_id: str | None = None
    kind: Literal["ask"] = "ask"


@dataclass(frozen=True, slots=True)
class Act:
    """Do one thing to one order of the identified customer. `key` makes it happen at most once."""

    action: Action
    arguments: Mapping[str, Any]
    key: str
    confirmed: bool
    kind: Literal["act"] = "act"


@dataclass(frozen=True, slots=True)
class HandOff:
    """Give the conversation to a person."""

    reason: str
    summary: str
    kind: Literal["handoff"] = "handoff"


@dataclass(frozen=True, slots=True)
class Decline:
    """Say kindly that this cannot be answered here, and what can."""

    reason: Literal["out_of_scope", "not_found", "not_sold", "unreadable"]
    kind: Literal["decline"] = "decline"


Decision = Answer | Ask | Act | HandOff | Decline


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the shop confirmed after an Act. `facts` hold every figure a reply may state."""

    ok: bool
    message: str  # one sentence in the shop's words
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of the policy; every one is a setting."""

    out_of_scope: float = 0.5  # at or above: not a question for this shop
    answerable: float = 0.5  # every hit less sure than this (Hit.sure): nothing found
    strong: float = 0.65  # best hit's score at or above: answered even if it seems out of scope
    sure_intent: float = 0.40  # below: the evidence alone decides
    sure_label: float = 0.5  # below: the shop's own label (DESKHAND_INTENTS) is not acted on
    unsold: float = 0.5  # at or above: the photo shows nothing that the shop sells
    tie: float = 0.02  # two products closer than this are equally likely
    unhappy: float = -0.5  # mood at or below this: softer words; twice: a person
    lean: float = 0.25  # what a document of the intent's own kind gains, times how sure that is
    agree: int = 3  # products like the photo, one of which must be what the words call it
    questions: int = 2  # the same question at most so often; then a person
    failures: int = 2  # times in a row that nothing is found; then a person


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Citation(Frozen):
    """Evidence quoted word for word: `quote` is a substring of the document's title or text."""

    document: str
    title: str
    url: str
    quote: str


class ProductCard(Frozen):
    """A product as a door shows it; every field is the shop's own."""

    id: str
    title: str
    url: str
    price: float | None
    currency: str
    stock: int | None
    photo: str | None = None  # absolute path on this machine; doors turn it into an address


class Chip(Frozen):
    """A wish that was obeyed and may be taken away: a turn with the choice "without:ID" does."""

    id: str  # "price", "color", "volume" ...
    label: str  # "under 30.00 EUR"


class Comparison(Frozen):
    """A table of what products differ in, every value the shop's own."""

    products: tuple[str, ...]  # titles
    rows: tuple[tuple[str, ...], ...]  # what, then its value for each product; "" if not stated


class Deed(Frozen):
    """An act of this turn, and what the shop made of it; `ok`: it was done."""

    action: Action
    arguments: dict[str, Any]
    ok: bool
    message: str


class Reply(Frozen):
    """The whole answer to one turn."""

    id: str
    conversation: str
    text: str
    language: str = "en"  # ISO 639-1, of the text
    citations: tuple[Citation, ...] = ()
    decision: Decision = Field(discriminator="kind")
    intent: str
    attributions: dict[str, dict[str, float]] = {}  # game -> modality -> Shapley value
    products: tuple[ProductCard, ...] = ()
    comparison: Comparison | None = None
    wishes: tuple[Chip, ...] = ()  # that the products shown fulfil
    done: tuple[Deed, ...] = ()  # what the shop was asked to do in this turn, in order
    notes: tuple[str, ...] = ()  # what was degraded or failed, and why
    mood: float = 0.0  # the customer's, in [-1, 1]; below 0 is unhappy
    transcript: Transcript | None = None  # of what the customer said, with the times of the words
    seconds: dict[str, float] = {}  # time spent in each stage


class FoundHit(Frozen):
    """One hit in short: enough to show, without the whole document."""

    id: str
    kind: str
    title: str
    score: float
    ranks: dict[str, int]
    passage: str
    url: str = ""


class Heard(Frozen):
    kind: Literal["heard"] = "heard"
    words: str
    transcript: Transcript | None
    printed: tuple[PrintedText, ...]
    present: tuple[str, ...]
    problems: tuple[str, ...]
    photos: int  # pictures looked at, key frames of a video included
    sound: float = 0.0  # seconds of sound that were decoded


class Understood(Frozen):
    kind: Literal["understood"] = "understood"
    intent: str
    intents: dict[str, float]  # the five likeliest
    out_of_scope: float
    mood: float
    attributions: dict[str, dict[str, float]]


class Found(Frozen):
    kind: Literal["found"] = "found"
    hits: tuple[FoundHit, ...]
    filters: str = ""  # the structured wishes understood, as words; empty when none
    relaxed: tuple[str, ...] = ()  # wishes dropped because nothing was left
    wishes: tuple[Chip, ...] = ()  # those still obeyed


class Decided(Frozen):
    kind: Literal["decided"] = "decided"
    decision: Decision = Field(discriminator="kind")


class Token(Frozen):
    kind: Literal["token"] = "token"
    text: str


class Done(Frozen):
    kind: Literal["done"] = "done"
    reply: Reply


Event = Annotated[Heard | Understood | Found | Decided | Token | Done, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Draft:
    """A composed answer before it is streamed; `aside` is said before it, in whatever words."""

    text: str
    citations: tuple[Citation, ...] = ()
    products: tuple[ProductCard, ...] = ()
    comparison: Comparison | None = None
    aside: str = ""
