"""What the shop tells of a customer's own orders and account; nothing is changed by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from agent.orders import Customer, Order, contents, day, detailed, line_cents, money, named
from agent.rules import Rules
from agent.types import Action

TOLD: frozenset[Action] = frozenset(
    {"status", "refund_status", "invoice", "orders", "profile", "last_order"}
)
"""Acts that tell and change nothing: they need no yes."""


def tell(action: Action, order: Order, customer: Customer, rules: Rules, today: date) -> str:
    """What an act of TOLD answers about one order."""
    match action:
        case "refund_status":
            return _refund_status(order, customer, rules)
        case "invoice":
            lines = [
                f"{detailed(i)} {money(line_cents(i) / 100, rules.currency)}" for i in order.items
            ]
            if order.shipping:
                lines.append(f"delivery {money(order.shipping, rules.currency)}")
            paid = named([method_name(customer, p.method) for p in order.payments[:1]])
            sum_ = money(order.total, rules.currency)
            return f"Order {order.id}: {'; '.join(lines)}. Total {sum_}, paid by {paid}."
        case _:
            return describe(order, rules, today)


def describe(order: Order, rules: Rules, today: date) -> str:
    """How the order stands, in a few sentences."""
    how = rules.statuses.get(order.status, f"is {order.status}").replace("already ", "")
    what = named([detailed(item) for item in order.items])
    said = [f"Order {order.id} ({what}; {money(order.total, rules.currency)}) {how}."]
    if order.placed_at and not order.shipped_at:
        said.append(f"It was placed on {day(order.placed_at)}.")
    if order.shipped_at and not order.delivered_at:
        said.append(f"It was sent on {day(order.shipped_at)}.")
    if order.delivered_at:
        said.append(f"It arrived on {day(order.delivered_at)}.")
    if order.tracking:
        said.append(f"The tracking number is {order.tracking}.")
    last = rules.last_day("return", order)
    if last and today <= last and rules.refusal("return", order, today) is None:
        said.append(f"It can be returned until {day(last)}.")
    return " ".join(said)


def _refund_status(order: Order, customer: Customer, rules: Rules) -> str:
    back = [p for p in order.payments if p.kind == "refund"]
    if back:
        sums = [
            f"{money(p.amount, rules.currency)} to {method_name(customer, p.method)}" for p in back
        ]
        return (
            f"For order {order.id} we refunded {named(sums)}. A gift card has it at once, anything "
            f"else within {rules.refund_days}."
        )
    if _returned(order):
        return (
            f"A return of order {order.id} is registered; the money goes back within "
            f"{rules.refund_days} after the parcel is here."
        )
    return f"There is no refund for order {order.id}: nothing of it was cancelled or returned."


def given_back(order: Order) -> bool:
    """Whether anything of the order was refunded, or is to be once it is back."""
    refunded = any(payment.kind == "refund" for payment in order.payments)
    return refunded or _returned(order)


def _returned(order: Order) -> bool:
    return bool(order.return_items) or any(item.returned for item in order.items)


def method_name(customer: Customer, method: str) -> str:
    """As in "your gift card", or the id of a method that is not the customer's own any more."""
    own = customer.payment_methods.get(method)
    return f"your {own}" if own else method


def summary(orders: Sequence[Order]) -> str:
    """Every order of the customer in one sentence."""
    if not orders:
        return "There is no order in your account."
    said = "; ".join(f"{order.id}: {contents(order)} ({order.status})" for order in orders)
    return f"Your orders are {said}."


def last_order(orders: Sequence[Order], rules: Rules) -> str:
    """What the newest order held, to have it again; `orders` are newest first."""
    if not orders:
        return "There is no order in your account."
    if len(orders) > 1 and orders[0].placed_at is None:
        return f"{summary(orders)} Which of them was the last is not kept here."
    order = orders[0]
    placed = f" of {day(order.placed_at)}" if order.placed_at else ""
    what = named([detailed(item) for item in order.items])
    return (
        f"Your last order, {order.id}{placed}, was {what}; {money(order.total, rules.currency)} in "
        "all. I cannot place orders myself, but you can put the same into your basket."
    )


def profile(customer: Customer, currency: str) -> str:
    """The customer's own address and payment methods."""
    methods = named([own.described(currency) for own in customer.payment_methods.values()])
    return f"Your address is {customer.address}. You can pay by {methods or 'nothing yet'}."
