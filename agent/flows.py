"""Order flows: who, which order, what exactly, and an explicit yes.

A flow is a small state machine over a frozen FlowState. It reads the Shop and changes nothing:
what is to be done leaves as an Act, which the shop performs. `advance` is given only what the
customer typed or said, never what is printed in a photo, so print can neither identify nor agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from agent import answers
from agent.orders import ADDRESS_CHARS, Customer, Order, Shop, contents, day, money, refund
from agent.types import Act, Action, Ask, Choice, Decision, Frozen, HandOff, Slot

Flow = Literal["status", "cancel", "return", "exchange", "change_address", "change", "damaged"]

STARTS: dict[str, Flow] = {
    "order_status": "status",
    "cancel_order": "cancel",
    "change_order": "change",
    "return": "return",
    "refund": "return",
    "exchange": "exchange",
    "damaged_item": "damaged",
}
"""The flow that an intent starts; a change of address is one of its own."""

CHANGES: set[Flow | None] = {"change", "change_address"}  # one wish, said more or less exactly
WRONG_TRIES = 5  # e-mail addresses and order numbers that are not the customer's; then a person
TIMES = 2  # a question is not asked a third time
CHOICES = 6  # orders offered at once

FREE = ("reason", "address", "product")  # slots that any words can fill
YES_NO = (Choice("yes", "Yes"), Choice("no", "No"))


class FlowState(Frozen):
    """Where a conversation stands; `flow` is None between flows."""

    conversation: str
    flow: Flow | None = None
    wish: str = ""  # the words that started the flow
    customer: Customer | None = None  # stays known after a flow
    wrong: int = 0  # wrong tries in this conversation
    acts: int = 0  # changes agreed to so far: a repeated yes is not a second wish
    order: str | None = None
    passed: tuple[str, ...] = ()  # orders that the customer said it was not
    items: tuple[str, ...] = ()  # ids of the products to return
    reason: str | None = None  # empty when asked and not given
    address: str | None = None
    pending: str = ""  # key of the Act that was read back
    asked: Slot | None = None
    times: int = 0  # how often in a row
    question: str = ""  # as asked, to remind of it

    def but(self, **changes: Any) -> FlowState:
        return self.model_copy(update=changes)

    def ended(self) -> FlowState:
        return FlowState(
            conversation=self.conversation, customer=self.customer, wrong=self.wrong, acts=self.acts
        )


Step = tuple[FlowState, Decision | None]


def advance(state: FlowState, words: str, intent: str, shop: Shop) -> Step:
    """The next state and what to do now.

    `words` are the typed and spoken words; `intent` is the intent when it is sure, else "".
    The decision is None when the words are not for a flow: none is active and none starts, or the
    customer asks something else in between. In the latter case the state keeps its `question`.
    """
    start = _start(words, intent)
    if state.flow is None:
        return begin(state, start, words, shop) if start else (state, None)
    if answers.leaves(words, state.flow, state.asked):
        return _nothing_done(state)
    if intent == "person" and not answers.is_bare(words, state.question):
        return state.ended(), None
    elsewhere = start not in (None, state.flow) and {start, state.flow} != CHANGES
    if start and elsewhere and state.asked not in FREE and answers.wants(intent, words):
        return begin(state.ended().but(order=state.order), start, words, shop)
    if _is_aside(words, intent):
        return state, None
    return _continue(state, words, shop)


def _start(words: str, intent: str) -> Flow | None:
    flow = STARTS.get(intent)
    if flow is None or answers.is_general(words, flow):
        return None
    return "change_address" if flow == "change" and answers.wants("address", words) else flow


def begin(state: FlowState, flow: Flow, words: str, shop: Shop) -> Step:
    """The first step of `flow`."""
    started = state.but(
        flow=flow,
        wish=" ".join(words.split()),
        reason=answers.said_reason(words),
        address=answers.said_address(words) if flow == "change_address" else None,
    )
    return _continue(started, words, shop)


def _is_aside(words: str, intent: str) -> bool:
    """Whether this is a question in between, and answers nothing of ours."""
    if not intent or not answers.asks(words):
        return False
    if answers.find_email(words) or answers.find_order(words):
        return False
    return intent not in STARTS or answers.is_general(words, STARTS[intent])


def _continue(state: FlowState, words: str, shop: Shop) -> Step:
    """Take what the words give, then ask for the first thing that is missing, or finish."""
    if state.asked != "address":
        state = _take_order(state, words)
    if state.asked not in FREE:
        state = _take_email(state, words, shop)
    if state.wrong >= WRONG_TRIES:
        return _hand_off(state, "identity")
    if state.customer is None:
        email = answers.find_email(words)
        problem = f"I cannot find {email} among our customers. " if email else ""
        question = f"{problem}Which e-mail address did you order with?"
        return _ask(state, "email", question, new=bool(email))

    customer = state.customer
    own = [order for order in shop.orders(customer) if order.id not in state.passed]
    if state.order is None:
        state = state.but(order=_guess(state, own, words, shop))
    if state.order is None:
        return _ask_order(state, own)
    order = shop.order(state.order)
    if order is None or order.customer != customer.id:
        state = state.but(wrong=state.wrong + 1)
        if state.wrong >= WRONG_TRIES:
            return _hand_off(state, "identity")
        problem = f"There is no order {state.order} under this e-mail address. "
        return _ask_order(state.but(order=None), own, problem)

    match state.flow:
        case "status":
            return _act(state, "status", {"order_id": order.id})
        case "cancel":
            return _cancel(state, order, words, shop)
        case "return":
            return _return(state, order, words, shop)
        case "change_address":
            return _change_address(state, order, words, shop)
        case "exchange":
            return _exchange(state, order, words, shop)
        case _:
            return _hand_off(state, "damaged_item" if state.flow == "damaged" else "change_order")


def _take_order(state: FlowState, words: str) -> FlowState:
    """Another order number, or "no, the other one", goes back to the beginning of the order."""
    order = answers.find_order(words, bare=state.asked == "order_id")
    if order is not None and order != state.order:
        return state.but(order=order, items=(), asked=None if state.order else state.asked)
    if order is None and state.asked in ("confirm", "items") and answers.means_other(words):
        return state.but(order=None, passed=(*state.passed, state.order), items=(), asked=None)
    return state


def _take_email(state: FlowState, words: str, shop: Shop) -> FlowState:
    email = answers.find_email(words)
    known = state.customer is not None and email == state.customer.email
    if email is None or known or state.wrong >= WRONG_TRIES:
        return state
    customer = shop.identify(email)
    order = answers.find_order(words) if state.customer else state.order
    wrong = state.wrong + (customer is None)
    return state.but(customer=customer, order=order, passed=(), items=(), wrong=wrong)


def _guess(state: FlowState, own: Sequence[Order], words: str, shop: Shop) -> str | None:
    """The one order that can be meant: the only one, the only one that fits, or the one named."""
    fits = [order for order in own if _fits(state, order, shop)] or own
    if len(fits) == 1:
        return fits[0].id
    meant = answers.named(words, {order.id: contents(order) for order in fits})
    return meant[0] if len(meant) == 1 else None


def _fits(state: FlowState, order: Order, shop: Shop) -> bool:
    match state.flow:
        case "cancel" | "return" | "exchange" | "change_address":
            return shop.refusal(state.flow, order) is None
        case "status":
            return order.status in ("pending", "shipped")
        case _:
            return True


def _cancel(state: FlowState, order: Order, words: str, shop: Shop) -> Step:
    if state.asked != "confirm" and shop.refusal("cancel", order):
        return _act(state, "cancel", {"order_id": order.id})
    if state.asked == "reason":
        state = state.but(reason=answers.reason(words))
    if state.reason is None:
        question = "May I ask why you want to cancel it? You need not say."
        return _ask(state, "reason", question, (Choice("skip", "Skip"),))
    return _confirm(
        state,
        words,
        "cancel",
        {"order_id": order.id, "reason": state.reason},
        f"Shall I cancel order {order.id} ({contents(order)}), so that "
        f"{money(order.total, order.currency)} goes back to you?",
    )


def _return(state: FlowState, order: Order, words: str, shop: Shop) -> Step:
    if state.asked != "confirm" and shop.refusal("return", order):
        return _act(state, "return", {"order_id": order.id})
    left = [item for item in order.items if not item.returned or item.product in state.items]
    titles = {item.product: item.title for item in left}
    if state.asked != "reason":
        state = state.but(items=_items(state, titles, words))
    if not state.items:
        choices = tuple(Choice(product, title) for product, title in titles.items())
        question = f"Which articles of order {order.id} do you want to return?"
        return _ask(state, "items", question, (*choices, Choice("all", "All of them")))
    if state.asked == "reason":
        state = state.but(reason=answers.reason(words))
    if state.reason is None:
        return _ask(state, "reason", "What is the reason for the return?")
    back = money(refund(order, state.items), order.currency)
    return _confirm(
        state,
        words,
        "return",
        {"order_id": order.id, "items": list(state.items), "reason": state.reason},
        f"Shall I register the return of {' and '.join(titles[item] for item in state.items)} "
        f"from order {order.id}, so that {back} goes back to you once the parcel is here?",
    )


def _items(state: FlowState, titles: dict[str, str], words: str) -> tuple[str, ...]:
    if len(titles) == 1 or (state.asked in ("items", "confirm") and answers.names_all(words)):
        return tuple(titles)
    return tuple(answers.named(words, titles)) or state.items


def _change_address(state: FlowState, order: Order, words: str, shop: Shop) -> Step:
    if state.asked != "confirm" and shop.refusal("change_address", order):
        return _act(state, "change_address", {"order_id": order.id})
    if state.asked == "address":
        state = state.but(address=" ".join(words.split()))
    elif state.asked == "confirm":
        corrected = answers.corrected_address(words) or answers.said_address(words)
        state = state.but(address=corrected or state.address)
    if state.address is None or len(state.address) not in ADDRESS_CHARS:
        question = "What is the whole new address, with street, number, postcode and town?"
        return _ask(state, "address", question)
    return _confirm(
        state,
        words,
        "change_address",
        {"order_id": order.id, "address": state.address},
        f"Shall I send order {order.id} ({contents(order)}) to {state.address}?",
    )


def _exchange(state: FlowState, order: Order, words: str, shop: Shop) -> Step:
    """A colleague arranges exchanges; we only find out which, and for what."""
    if shop.refusal("exchange", order):
        return _act(state, "exchange", {"order_id": order.id})
    if state.asked == "product":
        return _hand_off(state, "exchange", f"Wanted instead: {' '.join(words.split())}")
    return _ask(state, "product", "Which article, colour or size would you like instead?")


def _confirm(
    state: FlowState, words: str, action: Action, arguments: dict[str, Any], question: str
) -> Step:
    """Read back; only a plain yes to exactly this lets it happen. A yes that is said again after
    the shop has acted leads to the same Act, so the customer hears the same outcome."""
    key = _key(state, action, arguments)
    if state.asked == "confirm" and state.pending == key:
        yes = answers.yes_or_no(words, question)
        if yes:
            agreed = state.ended().but(acts=state.acts + 1)
            return agreed, Act(action, arguments, key, confirmed=True)
        if yes is False:
            return _nothing_done(state)
        return _ask(state, "confirm", f"Please say yes or no. {question}", YES_NO)
    return _ask(state.but(pending=key), "confirm", question, YES_NO, new=True)


def _act(state: FlowState, action: Action, arguments: dict[str, Any]) -> Step:
    """To be performed without a yes: to tell the status, or to be told why not."""
    return state.ended(), Act(action, arguments, _key(state, action, arguments), confirmed=False)


def _key(state: FlowState, action: Action, arguments: dict[str, Any]) -> str:
    parts = json.dumps([state.conversation, state.acts, action, arguments], sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def _ask_order(state: FlowState, own: Sequence[Order], problem: str = "") -> Step:
    choices = tuple(
        Choice(order.id, f"{order.id}, {day(order.placed_at)}: {contents(order)}")
        for order in own[:CHOICES]
    )
    question = f"{problem}Which order is it? Its number is a K with four digits."
    return _ask(state, "order_id", question, choices, new=bool(problem))


def _ask(
    state: FlowState,
    slot: Slot,
    question: str,
    choices: tuple[Choice, ...] = (),
    new: bool = False,
) -> Step:
    """Ask, or give up after TIMES in a row; `new`: the words were an answer, only a wrong one."""
    times = 1 if new or state.asked != slot else state.times + 1
    if times > TIMES:
        return _hand_off(state, "not_understood")
    asking = state.but(asked=slot, times=times, question=question)
    return asking, Ask(slot, question, choices)


def _nothing_done(state: FlowState) -> Step:
    return state.ended(), Ask("wish", "All right, nothing was changed. What else can I do for you?")


def _hand_off(state: FlowState, reason: str, more: str = "") -> Step:
    """A person goes on from here, with everything that was found out."""
    parts = [
        f"The customer wrote: {state.wish}",
        f"Order {state.order}." if state.order else "",
        f"Customer {state.customer.name}, {state.customer.email}." if state.customer else "",
        f"Reason: {state.reason}" if state.reason else "",
        more,
        f"Open question: {state.question}" if state.asked and not more else "",
    ]
    return state.ended(), HandOff(reason, " ".join(filter(None, parts)))
