"""Who it is, and which order: what a customer has to give before anything else is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from agent import answers
from agent.orders import Order, Shop, contents, day
from agent.state import FlowState
from agent.telling import given_back
from agent.types import Ask, Choice, Slot
from agent.wishes import NO_ORDER, SWAPS
from agent.words import ordinal, pick_items

CHOICES = 9  # orders offered at once
SHORT = 30  # characters: "no, the other order" is no reason; more words may be
WRONG_TRIES = 5  # e-mails, names and order numbers that are not the customer's; then a person

_ALL_ORDERS = re.compile(
    r"\b(?:all|both|every|each)\b(?: of)?(?: my| the| these)?(?: \w+)? orders?\b", re.I
)

QUESTIONS: dict[Slot, str] = {
    "email": "Which e-mail address did you order with?",
    "full_name": "Then what is your full name?",
    "zip": "And what is your zip or postcode?",
}


def identify(state: FlowState, words: str, shop: Shop) -> tuple[FlowState, str]:
    """The customer by e-mail, or by full name and zip; and what was wrong with what they gave."""
    if state.wrong >= WRONG_TRIES:
        return state, ""
    if email := answers.find_email(words):
        if customer := shop.identify(email):
            return state.but(customer=customer, full_name=""), ""
        return state.but(wrong=state.wrong + 1), f"I cannot find {email} among our customers. "
    name, zip = answers.named_and_zip(words)
    if state.asked == "full_name":
        name = name or answers.full_name(words)
    if state.asked == "zip":
        zip = zip or answers.find_zip(words)
    name = name or state.full_name
    if not name or not zip:
        return state.but(full_name=name), ""
    if customer := shop.identify_by_name(name, zip):
        return state.but(customer=customer, full_name=""), ""
    problem = f"I cannot find {name} with the zip {zip} among our customers. "
    return state.but(wrong=state.wrong + 1, full_name=""), problem


def ask_who(state: FlowState, problem: str) -> Ask:
    """E-mail first; then, for who does not know it, full name and zip."""
    by_name = state.asked in ("full_name", "zip") or (state.asked == "email" and not problem)
    slot: Slot = "email"
    if by_name:
        slot = "zip" if state.full_name else "full_name"
    action = state.open.action if state.wish else None
    return Ask(slot, f"{problem}{QUESTIONS[slot]}", action=action)


def take_order(state: FlowState, words: str, picked: Sequence[str], shop: Shop) -> FlowState:
    """Another order number, or "no, the other one", goes back to the beginning of the order."""
    wish = state.open
    if wish.action in NO_ORDER or state.asked == "address":
        return state
    bare = state.asked == "order_id" or (state.asked == "email" and words.strip().isdigit())
    numbers = shop.rules.find_orders(" ".join([words, *picked]), bare)
    if state.asked == "order_id" and not numbers and state.customer:
        numbers = _meant(state, words, shop)
    if numbers:
        first, rest = numbers[-1], []
        if state.asked == "order_id" and not re.search(r"\b(?:no|not|sorry)\b", words.lower()):
            first, *rest = numbers
        if first == wish.order_id:
            return state
        more = tuple(wish.but(order_id=number) for number in rest)
        asked = None if wish.order_id else state.asked
        fresh = wish.but(order_id=first, items=(), new_items=(), payment_method=None)
        return state.but(wish=fresh, queue=(*more, *state.queue), asked=asked, read=False)
    short = state.asked == "reason" and len(words) < SHORT
    if (
        (short or state.asked in ("confirm", "items"))
        and wish.order_id
        and answers.means_other(words)
    ):
        fresh = wish.but(order_id=None, printed=(), items=(), new_items=(), payment_method=None)
        passed = (*state.passed, wish.order_id)
        return state.but(wish=fresh, passed=passed, asked=None, read=False)
    return state


def _meant(state: FlowState, words: str, shop: Shop) -> list[str]:
    """The orders that an answer without a number means: all, by place, or by what is in them."""
    offered = _offered(state, shop)
    if re.search(r"\b(?:all|both|every|each)\b", words.lower()):
        return [order.id for order in offered]
    if newest := _newest(words, offered):
        return [newest.id]
    place = ordinal(words, min(len(offered), CHOICES))
    if place is not None:
        return [offered[place].id]
    order = named_order(words, offered)
    return [order.id] if order else []


def _offered(state: FlowState, shop: Shop) -> list[Order]:
    """The orders that may be meant, those that allow the wish first."""
    last = state.last_order if answers.means_rest(state.open.words) else None
    own = [order for order in shop.orders(state.known) if order.id not in (*state.passed, last)]
    return sorted(own, key=lambda order: not _fits(state, order, shop))


def _fits(state: FlowState, order: Order, shop: Shop) -> bool:
    action = state.open.action
    if action == "status":
        return order.delivered_at is None and order.status not in ("cancelled", "delivered")
    if action == "refund_status":
        return given_back(order)
    known = [a for a in sorted(SWAPS | {action}) if a in shop.rules.actions]
    actions = known if action in SWAPS else [action]
    return any(shop.refusal(one, order) is None for one in actions)


def _newest(words: str, orders: Sequence[Order]) -> Order | None:
    """The order placed last, where "my last order" is said and the shop knows when each was."""
    if not orders or not answers.means_newest(words) or any(o.placed_at is None for o in orders):
        return None
    return max(orders, key=lambda order: order.placed_at or datetime.min)


def named_order(words: str, orders: Sequence[Order]) -> Order | None:
    """The one order that holds most of the articles that the words name; None when none does."""
    if not orders:
        return None
    counts = [_named(words, order) for order in orders]
    best = max(counts)
    return orders[counts.index(best)] if best and counts.count(best) == 1 else None


def _named(words: str, order: Order) -> int:
    """How many articles of the order the words name."""
    found = pick_items(words, order.items)
    return len(found.items) or bool(found.unsure)


def guess_order(state: FlowState, shop: Shop) -> str | None:
    """The one order that can be meant: the one printed in the photo, be it theirs or not; else the
    only one, the one named by what is in it, or, in a shop that allows it, the only one that fits
    and the one talked of last.
    """
    own = _offered(state, shop)
    if printed := state.open.printed:
        theirs = [order.id for order in own if order.id in printed]
        return None if len(theirs) > 1 else (theirs or printed)[0]
    if newest := _newest(state.open.words, own):
        return newest.id
    fitting = [order for order in own if _fits(state, order, shop)]
    if not shop.rules.guess_order:
        only = own[0] if len(own) == 1 and not state.passed else None
        found = only or named_order(state.open.words, own)
        return found.id if found else None
    fitting = fitting or own
    if len(fitting) == 1:
        return fitting[0].id
    words = state.open.words
    found = named_order(words, fitting)
    if found is None:  # the one talked of last, where it can be meant
        meant = [order for order in own if _named(words, order)] or fitting
        found = next((order for order in meant if order.id == state.last_order), None)
    return found.id if found else None


def take_all(state: FlowState, shop: Shop) -> FlowState | None:
    """ "All my pending orders": the first that the wish fits, with the others to follow; None when
    the words do not say so."""
    fitting = [order for order in _offered(state, shop) if _fits(state, order, shop)]
    if not _ALL_ORDERS.search(state.open.words) or not fitting:
        return None
    first, *others = [state.open.but(order_id=order.id) for order in fitting]
    return state.but(wish=first, queue=(*others, *state.queue))


def ask_order(state: FlowState, shop: Shop, problem: str = "") -> Ask:
    choices = tuple(
        Choice(order.id, f"{order.id}{_placed(order)}: {contents(order)} ({order.status})")
        for order in _offered(state, shop)[:CHOICES]
    )
    question = f"{problem}Which order is it? Its number looks like {shop.rules.example}."
    return Ask("order_id", question, choices, action=state.open.action)


def _placed(order: Order) -> str:
    return f", {day(order.placed_at)}" if order.placed_at else ""


def not_yours(order_id: str) -> str:
    """The answer to an order that does not exist and to somebody else's: one and the same."""
    return f"There is no order {order_id} among your orders. "
