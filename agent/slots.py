"""The slots of a wish: how each is asked for, and how an answer to it is read.

A slot is read in two ways. Asked for, the whole answer is taken for it; not asked for, only what
can mean nothing else is ("to my gift card", an order number). Ids picked from the choices count
before words. What was an answer, only not one that is allowed, comes back as a `problem`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from agent import answers
from agent.address import incomplete, is_written_out, parse_address
from agent.articles import ask_items, ask_new, read_items, read_new
from agent.changes import Refused, covers, swapped
from agent.orders import (
    Address,
    PaymentMethod,
    money,
)
from agent.scene import NOTHING, Read, Scene
from agent.telling import method_name
from agent.types import Ask, Choice, Slot
from agent.wishes import SWAPS, Wish


def ask(slot: Slot, scene: Scene) -> Ask:
    """The question for a slot, with the answers that are known."""
    question, choices = _QUESTIONS[slot](scene)
    return Ask(
        slot,
        question,
        choices,
        many=slot == "items",
        action=scene.wish.action,
        order_id=scene.wish.order_id,
    )


def read(slot: Slot, scene: Scene, words: str, picked: tuple[str, ...], asked: bool) -> Read:
    """What the answer gives for a slot; nothing when it is about something else."""
    return _READERS[slot](scene, words, picked, asked)


def missing(slot: Slot, wish: Wish) -> bool:
    """Whether the wish still lacks what the slot gives."""
    if slot == "new_items":
        return len(wish.new_items) < len(wish.items)
    return getattr(wish, slot) in (None, ())


def _usable(scene: Scene) -> dict[str, PaymentMethod]:
    """Allowed by the rules, and able to pay what is to be paid."""
    assert scene.order is not None
    wish = scene.wish
    methods = scene.shop.rules.payment_methods(wish.action, scene.order, scene.customer)
    need = 0.0
    if wish.action == "change_payment":
        need = scene.order.total
    elif wish.action in SWAPS and wish.new_items:
        try:
            need = swapped(scene.order, wish.items, wish.new_items, scene.shop.product)[1]
        except Refused:
            need = 0.0
    return {id: own for id, own in methods.items() if covers(scene.customer, id, need)}


def _ask_payment(scene: Scene) -> tuple[str, tuple[Choice, ...]]:
    currency = scene.shop.rules.currency
    choices = tuple(
        Choice(
            id,
            str(own)
            + (f", balance {money(own.balance, currency)}" if own.balance is not None else ""),
        )
        for id, own in _usable(scene).items()
    )
    match scene.wish.action:
        case "return":
            question = "Where shall the refund go?"
        case "change_payment":
            question = f"How would you like to pay order {scene.wish.order_id} instead?"
        case _:
            question = "Which of your payment methods shall settle the difference in price?"
    return question, choices


def _read_payment(scene: Scene, words: str, picked: tuple[str, ...], asked: bool) -> Read:
    usable = _usable(scene)
    for id in picked:
        if id in scene.customer.payment_methods:
            return _paying(scene, id, usable)
    meant = _methods(scene, words, asked)
    if len(meant) == 1:
        return _paying(scene, meant[0], usable) if asked or meant[0] in usable else NOTHING
    still = [id for id in meant if id in usable]
    if len(still) == 1:
        return _paying(scene, still[0], usable)
    if asked and not meant and _METHOD.search(words):
        return Read(problem="That is none of the payment methods I may use here. ")
    return NOTHING


def _paying(scene: Scene, id: str, usable: Mapping[str, PaymentMethod]) -> Read:
    if id == scene.wish.payment_method:
        return NOTHING
    if id in usable:
        return Read({"payment_method": id})
    own = method_name(scene.customer, id)
    return Read(problem=f"I cannot use {own} for this. ")


_METHOD = re.compile(
    r"\b(?:gift ?card|paypal|credit ?card|debit ?card|visa|mastercard|amex|card|bank)\b", re.I
)
_ORIGINAL = re.compile(
    r"\b(?:original|the same|initial|how i paid|same (?:card|method|way|payment))\b",
    re.I,
)


def _methods(scene: Scene, words: str, asked: bool) -> list[str]:
    """The customer's own payment methods that the words can mean."""
    own = scene.customer.payment_methods
    if by_id := [id for id in own if re.search(rf"\b{re.escape(id)}\b", words)]:
        return by_id
    if scene.wish.action == "change_payment":
        parts = re.split(r"\b(?:to|with|by|using|on)\b", words)
        with_method = [part for part in parts if _METHOD.search(part)]
        words = with_method[-1] if with_method else words
    lower = words.lower()
    about_money = asked or re.search(r"\b(?:payment|refund|card|paid)\b", lower)
    if about_money and scene.order and scene.order.payments and _ORIGINAL.search(lower):
        return [scene.order.payments[0].method]
    found = []
    for id, method in own.items():
        kind = method.source.replace("_", " ")
        spoken = {kind, kind.replace(" ", ""), method.brand.lower()} - {""}
        if method.last_four and re.search(rf"\b{method.last_four}\b", lower):
            return [id]
        if any(re.search(rf"\b{re.escape(name)}\b", lower) for name in spoken):
            found.append(id)
    if not found and asked and re.search(r"\bcard\b", lower) and "gift" not in lower:
        found = [id for id, method in own.items() if method.source == "credit_card"]
    return found


def _ask_reason(scene: Scene) -> tuple[str, tuple[Choice, ...]]:
    reasons = scene.shop.rules.actions[scene.wish.action].reasons
    if reasons:
        choices = tuple(Choice(reason, reason.capitalize()) for reason in reasons)
        return f"Why do you want to cancel order {scene.wish.order_id}?", choices
    if scene.wish.action == "cancel":
        skip = (Choice("skip", "Skip"),)
        return "May I ask why you want to cancel it? You need not say.", skip
    return "What is the reason for the return?", ()


_REASONS = {
    "ordered by mistake": re.compile(
        r"\b(?:mistake(?:nly)?|accident(?:al(?:ly)?)?|(?:by|in) error|"
        r"(?:didn't|did not) mean)\b",
        re.I,
    ),
    "no longer needed": re.compile(
        r"\b(?:no longer (?:need|want)\w*|(?:don't|do not|doesn't) (?:really )?(?:need|want)\b|"
        r"not needed|isn't needed|unneeded|need(?:ed)? (?:it|them|this) any ?more)", re.I
    ),
}  # fmt: skip


def _read_reason(scene: Scene, words: str, picked: tuple[str, ...], asked: bool) -> Read:
    reasons = scene.shop.rules.actions[scene.wish.action].reasons
    if not reasons:
        said = answers.reason(words) if asked else answers.said_reason(words)
        return NOTHING if said is None else Read({"reason": said})
    lower = words.lower().replace("’", "'")
    for reason in reasons:
        known = _REASONS.get(reason)
        if reason in picked or reason in lower or (known and known.search(lower)):
            return Read({"reason": reason}) if reason != scene.wish.reason else NOTHING
    if asked:
        return Read(problem=f"An order can only be cancelled when it is {' or '.join(reasons)}. ")
    return NOTHING


def _known_addresses(scene: Scene) -> dict[str, Address]:
    """Addresses of the customer's own that may be meant, by "default" or by order."""
    current = scene.order.address if scene.order else scene.customer.address
    known = {"default": scene.customer.address}
    known |= {order.id: order.address for order in scene.shop.orders(scene.customer)}
    return {id: address for id, address in known.items() if address != current}


def _ask_address(scene: Scene) -> tuple[str, tuple[Choice, ...]]:
    known: dict[str, Choice] = {}  # the same address once
    for id, address in _known_addresses(scene).items():
        known.setdefault(str(address), Choice(id, str(address)))
    wanted = "street, suite if any, town, state, country and zip"
    if "state" not in scene.shop.rules.address:
        wanted = "street, number, postcode and town"
    return f"What is the whole new address: {wanted}?", tuple(known.values())


def _read_address(scene: Scene, words: str, picked: tuple[str, ...], asked: bool) -> Read:
    rules = scene.shop.rules
    known = _known_addresses(scene)
    own = [*picked, *rules.find_orders(words)] if asked else []
    if scene.order and _DEFAULT.search(words):
        own.append("default")
    if meant := [known[id] for id in own if id in known]:
        return _addressed(scene, meant[0])
    clear = answers.said_address(words) or ""
    said = answers.corrected_address(words) or (words if asked else clear)
    address = parse_address(said, rules.country)
    if not said and scene.wish.address:  # a whole one in the place of the one read back
        address = parse_address(words, rules.country) if is_written_out(words) else None
    elif said and address is None and scene.wish.address:  # "no, number 7": asked for once more
        return Read({"address": None})
    if address is None:
        looks_like_one = asked and re.search(r"\d|@", words)
        return Read(problem="That is not a whole address. " if looks_like_one else "")
    if problem := incomplete(address, rules.address):
        return Read(problem=f"{problem} ") if asked else NOTHING
    return _addressed(scene, address)


_DEFAULT = re.compile(
    r"\bto (?:my|the) (?:default|profile|home|account)(?: address| one)?\b|"
    r"^\W*(?:my|the) (?:default|profile|home|account)(?: address| one)?\W*$",
    re.I,
)


def _addressed(scene: Scene, address: Address) -> Read:
    return NOTHING if address == scene.wish.address else Read({"address": address})


def _ask_product(scene: Scene) -> tuple[str, tuple[Choice, ...]]:
    return "Which article, colour or size would you like instead?", ()


def _read_product(scene: Scene, words: str, picked: tuple[str, ...], asked: bool) -> Read:
    return Read({"product": " ".join(words.split())}) if asked and words else NOTHING


_QUESTIONS: Mapping[Slot, Callable[[Scene], tuple[str, tuple[Choice, ...]]]] = {
    "items": ask_items,
    "new_items": ask_new,
    "payment_method": _ask_payment,
    "reason": _ask_reason,
    "address": _ask_address,
    "product": _ask_product,
}
_READERS: Mapping[Slot, Callable[[Scene, str, tuple[str, ...], bool], Read]] = {
    "items": read_items,
    "new_items": read_new,
    "payment_method": _read_payment,
    "reason": _read_reason,
    "address": _read_address,
    "product": _read_product,
}
