"""Turns to train and judge the fusion module on, made from a catalogue and from public sentences.

Splits are by product family and by template, never by row, so that what is judged was never
trained on in another wording or another colour.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from fusion import phrases
from fusion.model import INTENTS

Part = Literal["train", "validation", "test"]
FOLDS = 5
HELD_OUT_EACH = 5  # every fifth template is not trained on

BITEXT = {
    "track_order": "order_status",
    "cancel_order": "cancel_order",
    "check_cancellation_fee": "cancel_order",
    "change_order": "change_order",
    "change_shipping_address": "change_order",
    "get_refund": "refund",
    "track_refund": "refund",
    "check_refund_policy": "refund",
    "delivery_options": "delivery",
    "delivery_period": "delivery",
    "payment_issue": "payment",
    "check_payment_methods": "payment",
    "get_invoice": "invoice",
    "check_invoices": "invoice",
    "create_account": "account",
    "delete_account": "account",
    "edit_account": "account",
    "recover_password": "account",
    "registration_problems": "account",
    "switch_account": "account",
    "newsletter_subscription": "account",
    "set_up_shipping_address": "account",
    "complaint": "complaint",
    "contact_human_agent": "person",
    "contact_customer_service": "person",
}
CLINC = {
    "greeting": "greeting",
    "thank_you": "thanks",
    "goodbye": "thanks",
    "order_status": "order_status",
}
CLINC_NEAR_US = {
    # could be said to a shop, so they are evidence neither way
    "order", "cancel", "yes", "no", "maybe", "repeat", "what_can_i_ask_you", "are_you_a_bot",
    "report_fraud", "card_declined", "user_name", "shopping_list", "shopping_list_update",
    "account_blocked", "order_checks", "damaged_card", "replacement_card_duration", "pin_change",
    "redeem_rewards", "rewards_balance", "new_card", "pay_bill", "report_lost_card",
    "what_is_your_name", "who_made_you", "who_do_you_work_for", "translate", "change_language",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """A document of the catalogue. `text` is exactly what its index vector is made from."""

    id: str
    kind: str  # "product" | "faq" | "policy"
    title: str
    text: str
    family: str = ""
    noun: str = ""  # "mug"
    color: str = ""
    material: str = ""
    size: str = ""

    @property
    def name(self) -> str:
        """ "Aster mug, blue" -> "Aster mug"."""
        return self.title.split(",")[0]


@dataclass(frozen=True, slots=True)
class Example:
    """One turn with what is known of it. Empty strings and None mean absent or unknown."""

    text: str = ""
    voice: str = ""
    confidence: float = 1.0  # of the transcript
    printed: str = ""
    photo: str = ""  # id of the product pictured; any of its photos
    history: str = ""
    intent: str | None = None
    in_scope: bool | None = None
    target: str = ""  # id of the document that should be found
    task: str = "intent"  # the column it is judged in
    part: Part = "train"


def part_of(number: int, fold: int) -> Part:
    """The part of the `number`th family or passage: of ten, one is for validation, two for test.

    Every one is in the test part of exactly one of `FOLDS` folds.
    """
    if (number - fold) % FOLDS == FOLDS - 1:
        return "test"
    return "validation" if (number - fold) % (2 * FOLDS) == 1 else "train"


def split(templates: Sequence[str], training: bool) -> list[str]:
    """The templates that are trained on, or the others, which validation and test share."""
    last = HELD_OUT_EACH - 1
    return [t for i, t in enumerate(templates) if (i % HELD_OUT_EACH != last) == training]


def mishear(words: str, rate: float, vocabulary: Sequence[str], rng: random.Random) -> str:
    """`words` as a recogniser of about that word error rate might give them."""
    heard = []
    for word in words.lower().split():
        if rng.random() >= rate:
            heard.append(word)
        elif rng.random() < 0.6:
            heard.append(rng.choice(vocabulary))
    return " ".join(heard) or words.lower()


def dress(sentence: str, rng: random.Random) -> str:
    """A sentence as somebody else would have typed it."""
    dressed = rng.choice(phrases.OPENERS) + sentence + rng.choice(phrases.CLOSERS)
    if rng.random() < 0.2:
        at = rng.randrange(max(1, len(dressed) - 1))
        dressed = dressed[:at] + dressed[at + 1 : at + 2] + dressed[at : at + 1] + dressed[at + 2 :]
    return dressed if rng.random() < 0.5 else dressed[0].upper() + dressed[1:]


class Maker:
    """Makes examples from a catalogue; the same seed makes the same ones."""

    def __init__(self, items: Sequence[Item], seed: int = 0, fold: int = 0) -> None:
        self.fold = fold
        self.rng = random.Random(seed)
        self.products = [item for item in items if item.kind == "product"]
        self.passages = [item for item in items if item.kind != "product"]
        families = sorted({item.family for item in self.products})
        self.parts = {family: part_of(i, fold) for i, family in enumerate(families)}
        self.searches = [s for s in phrases.sentences("product_search") if "{kind}" in s]
        self.vocabulary = sorted({word for item in items for word in item.text.lower().split()})

    def fill(self, template: str, item: Item) -> str:
        return template.format(
            kind=item.noun,
            color=item.color or "blue",
            material=item.material or "oak",
            size=item.size or "small",
            title=item.title,
            name=item.name,
        )

    def spoken_or_typed(self, sentence: str, example: Example) -> Example:
        if self.rng.random() < 0.7:
            return replace(example, text=sentence)
        rate = self.rng.choice((0.0, 0.05, 0.15, 0.3))
        confidence = min(1.0, max(0.05, 1 - 1.3 * rate + self.rng.gauss(0, 0.08)))
        return replace(
            example, voice=mishear(sentence, rate, self.vocabulary, self.rng), confidence=confidence
        )

    def history(self, item: Item) -> str:
        """An exchange about `item`, as `fusion.perceive.context` writes it."""
        asked = self.fill(self.rng.choice(self.searches), item)
        price = f"{self.rng.randrange(5, 150)}.90 EUR"
        answered = self.rng.choice(
            (
                f"{item.title} is what you are looking for.",
                f"Yes, we have the {item.title}.",
                f"The {item.title}, costs {price} and is in stock.",
                f"The {item.title}, is in stock ({self.rng.randrange(2, 90)} pieces), {price}.",
                f"{item.title}: {item.text.split('. ')[-1]}",
            )
        )
        return f"customer: {asked}\nagent: {answered}"

    def earlier(self) -> str:
        """An exchange that has nothing to do with the turn: about a product, or the service."""
        if self.rng.random() < 0.5 or not self.passages:
            return self.history(self.rng.choice(self.products))
        passage = self.rng.choice(self.passages)
        asked = passage.title
        if self.rng.random() < 0.5:
            intent = self.rng.choice(INTENTS)
            asked = self.rng.choice(split(phrases.sentences(intent), training=True))
            asked = self.fill(asked, self.rng.choice(self.products))
        return f"customer: {asked}\nagent: {passage.text.split(chr(10))[-1][:200]}"

    def in_company(self, examples: Iterable[Example], photos: Sequence[str]) -> Iterator[Example]:
        """The same turns, some after an earlier exchange or beside one of `photos`.

        Neither may change what they mean: each says all of it by itself.
        """
        for example in examples:
            history = self.earlier() if self.rng.random() < 0.5 else ""
            photo = self.rng.choice(photos) if self.rng.random() < 0.1 else ""
            yield replace(example, history=history, photo=photo)

    def siblings(self, item: Item) -> Iterator[tuple[Item, str]]:
        """Variants of the same family that differ in just one wish, and that wish."""
        for other in self.products:
            if other.family == item.family and other.id != item.id:
                differing = [
                    field
                    for field in ("color", "material", "size")
                    if getattr(other, field) != getattr(item, field) and getattr(other, field)
                ]
                # "oak" is colour and material of wooden things: still one wish
                wishes = {getattr(other, field) for field in differing}
                if len(wishes) == 1:
                    yield other, wishes.pop()

    def intents(self, each: int) -> Iterator[Example]:
        """`each` in-scope examples of every template, with a photo or history beside some."""
        for intent in INTENTS:
            for number, template in enumerate(phrases.sentences(intent)):
                trained = number % HELD_OUT_EACH != HELD_OUT_EACH - 1
                for _ in range(each if trained else 1):
                    item = self.rng.choice(self.products)
                    example = Example(
                        intent=intent,
                        in_scope=True,
                        part="train" if trained else "validation",
                        photo=item.id if self.rng.random() < 0.2 else "",
                        history=self.earlier() if self.rng.random() < 0.35 else "",
                    )
                    sentence = self.fill(template, item)
                    if intent in ("product_search", "recommendation") and self.rng.random() < 0.25:
                        sentence += self.rng.choice(phrases.BUDGETS).format(
                            self.rng.randrange(4, 120)
                        )
                    yield self.spoken_or_typed(dress(sentence, self.rng), example)

    def bare(self, photos: Iterable[str]) -> Iterator[Example]:
        """Questions that only point, beside photos of anything: it is the photo that counts."""
        questions = split(phrases.sentences("bare"), training=True)
        for photo in photos:
            question = dress(self.rng.choice(questions), self.rng)
            yield self.spoken_or_typed(question, Example(photo=photo, task="photo+words"))

    def retrieval(self, each: int) -> Iterator[Example]:
        """`each` examples of every task for every product, and as many for every passage."""
        for item in self.products:
            part = self.parts[item.family]
            siblings = list(self.siblings(item))
            bare = split(phrases.sentences("bare"), training=part == "train")
            edits = split(phrases.sentences("edits"), training=part == "train")
            base = Example(in_scope=True, target=item.id, part=part)
            for _ in range(each):
                yield replace(base, photo=item.id, task="photo", in_scope=None)
                question = dress(self.rng.choice(bare), self.rng)
                yield self.spoken_or_typed(
                    question, replace(base, photo=item.id, task="photo+words")
                )
                yield self.spoken_or_typed(
                    question, replace(base, history=self.history(item), task="history")
                )
                yield replace(
                    base, text=question, printed=f"{item.title} Kiln & Linen", task="print"
                )
                kept = (item.size, item.color, item.material, item.noun)
                described = " ".join(dict.fromkeys(filter(None, kept)))  # "oak" only once
                named = item.title if self.rng.random() < 0.5 else described
                yield self.spoken_or_typed(dress(named, self.rng), replace(base, task="words"))
                wrong = self.rng.choice(self.products)
                asked = dress(f"how much is the {item.title}", self.rng)
                yield self.spoken_or_typed(asked, replace(base, photo=wrong.id, task="wrong photo"))
                if siblings:
                    other, wish = self.rng.choice(siblings)
                    edit = dress(self.rng.choice(edits).format(wish=wish), self.rng)
                    wanted = replace(base, target=other.id, intent="availability")
                    yield self.spoken_or_typed(
                        edit, replace(wanted, photo=item.id, task="photo+edit")
                    )
                    yield self.spoken_or_typed(
                        edit, replace(wanted, history=self.history(item), task="history+edit")
                    )
        for number, passage in enumerate(self.passages):
            for _ in range(each):
                item = self.rng.choice(self.products)
                example = Example(
                    in_scope=True,
                    target=passage.id,
                    part=part_of(number, self.fold),
                    task="passage",
                    history=self.earlier() if self.rng.random() < 0.4 else "",
                    photo=item.id if self.rng.random() < 0.2 else "",
                )
                yield self.spoken_or_typed(dress(passage.title, self.rng), example)


def bitext(path: Path, most: int, seed: int = 0) -> list[Example]:
    """At most `most` sentences an intent of the Bitext customer-service set."""
    rng = random.Random(seed)
    rows: dict[str, list[str]] = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if intent := BITEXT.get(row["intent"]):
                rows.setdefault(intent, []).append(row["utterance"])
    return [
        Example(
            text=sentence,
            intent=intent,
            in_scope=True,
            part="validation" if i % HELD_OUT_EACH == 0 else "train",
            task="bitext",
        )
        for intent, sentences in sorted(rows.items())
        for i, sentence in enumerate(rng.sample(sentences, min(most, len(sentences))))
    ]


def clinc(path: Path, most: int, seed: int = 0) -> list[Example]:
    """CLINC150: what no homeware shop answers, its own out-of-scope set, and its small talk.

    Trained on its train part; its validation part is held out; its test part is never read here.
    """
    rng = random.Random(seed)
    data: Mapping[str, list[list[str]]] = json.loads(path.read_text())
    examples = []
    parts: tuple[tuple[str, Part], ...] = (("train", "train"), ("val", "validation"))
    for theirs, part in parts:
        others = [(s, label) for s, label in data[theirs] if label not in CLINC_NEAR_US]
        known = [(s, CLINC[label]) for s, label in others if label in CLINC]
        strange = [s for s, label in others if label not in CLINC]
        strange = rng.sample(strange, most if part == "train" else most // HELD_OUT_EACH)
        strange += [s for s, _ in data[f"oos_{theirs}"]]
        examples += [
            Example(text=s, intent=i, in_scope=True, part=part, task="clinc") for s, i in known
        ]
        examples += [Example(text=s, in_scope=False, part=part, task="scope") for s in strange]
    return examples


def sentences(examples: Sequence[Example]) -> list[str]:
    """Every distinct sentence in `examples`, to be encoded once."""
    said = {s for e in examples for s in (e.text, e.voice, e.printed, e.history) if s}
    return sorted(said)
