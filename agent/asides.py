"""Questions in the middle of a flow that the flow itself can answer, from the shop's fields."""

from __future__ import annotations

import re

from agent.articles import available
from agent.changes import Refused, chosen, difference, swapped
from agent.orders import Shop, contents, money, optioned
from agent.scene import Scene, scene
from agent.state import FlowState

_BACK = re.compile(
    r"\b(?:how much|what|(?<!how )(?<!when )(?:do|will|would) i get)\b.*\b(?:back|refund\w*|get)\b",
    re.I,
)
_COST = re.compile(
    r"^(?!.*\b(?:deliver|shipping))(?=.*\b(?:how much|what)\b).*"
    r"\b(?:cost|difference|price|total|pay|more)\b",
    re.I,
)
_WHICH = re.compile(
    r"\b(?:which|what)\b.*\b(?:available|options?|variants?|versions?|ones|have|choose|there)\b",
    re.I,
)
_INSIDE = re.compile(r"\bwhat(?:'s| is| was| did)\b.*\b(?:in (?:it|the order|that)|order)\b", re.I)
_MEANS = re.compile(r"\b(?:which|what)\b.*\b(?:payment|cards?|methods?|pay)\b", re.I)


def aside(state: FlowState, words: str, shop: Shop) -> str:
    """The answer to a question about the open wish; "" when it is about something else."""
    if state.customer is None or state.open.order_id is None:
        return ""
    here = scene(state, shop)
    order = here.order
    if order is None or order.customer != state.known.id:
        return ""
    currency = shop.rules.currency
    if state.asked == "new_items" and here.item and _WHICH.search(words):
        found = available(here, here.item)
        labels = [
            f"{optioned(v.options).strip(' ()')} for {money(v.price, currency)}" for v in found
        ]
        return (
            f"There are {'; '.join(labels)}." if labels else f"No other {here.item.name} is left."
        )
    if state.asked == "payment_method" and _MEANS.search(words):
        methods = here.customer.payment_methods.values()
        return f"You have {', '.join(own.described(currency) for own in methods)}."
    if _BACK.search(words) or _COST.search(words):
        return _sum(here)
    if _INSIDE.search(words):
        return f"In order {order.id} are {contents(order)}."
    return ""


def _sum(here: Scene) -> str:
    """What the wish gives back or costs, as far as it is known."""
    order, wish, rules = here.order, here.wish, here.shop.rules
    assert order is not None
    total = money(order.total, rules.currency)
    try:
        if wish.action == "return" and wish.items:
            back = rules.refund(order, chosen(order, wish.items))
            return f"You would get {money(back, rules.currency)} back."
        if wish.new_items and len(wish.new_items) == len(wish.items):
            more = swapped(order, wish.items, wish.new_items, here.shop.product)[1]
            method = wish.payment_method or ""
            if method:
                return difference(more, here.customer, method, rules)
            less = "less" if more < 0 else "more"
            return f"That is {money(abs(more), rules.currency)} {less}."
    except Refused as refused:
        return str(refused)
    if wish.action == "cancel":
        return f"You would get {total} back."
    return f"Order {order.id} comes to {total}."
