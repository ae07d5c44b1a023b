"""What an act makes of an order and its customer: pure functions, which the shop runs in one
transaction and whose results it stores. Every sum and state that is written is decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from agent.address import incomplete
from agent.orders import (
    GIFT_CARD,
    Address,
    Customer,
    Order,
    OrderItem,
    Payment,
    Product,
    Variant,
    cents,
    detailed,
    facts,
    money,
    named,
)
from agent.rules import Rules
from agent.telling import method_name
from agent.types import Act


class Refused(Exception):
    """A change that is not allowed. The message is the sentence for the customer."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The records as they stand afterwards; None: untouched."""

    message: str
    order: Order | None = None
    customer: Customer | None = None
    facts: Mapping[str, Any] | None = None


def change(
    act: Act,
    order: Order | None,
    customer: Customer,
    product: Callable[[str], Product | None],
    rules: Rules,
    today: date,
) -> Changed:
    """The records after a confirmed act. Raises Refused when the rules do not allow it."""
    if act.action == "change_default_address":
        address = _address(act.arguments, rules)
        return Changed(f"Your address is now {address}.", customer=customer.but(address=address))
    assert order is not None
    if reason := rules.refusal(act.action, order, today):
        raise Refused(reason)
    rule = rules.actions[act.action]
    if rule.person:
        raise Refused("That is arranged by a colleague.")
    if not act.confirmed:
        raise Refused("Nothing was changed, because it was not confirmed.")
    match act.action:
        case "cancel":
            return _cancel(act, order, customer, rules)
        case "return":
            return _return(act, order, customer, rules)
        case "change_address":
            address = _address(act.arguments, rules)
            return Changed(
                f"Order {order.id} will be sent to {address}.", order.but(address=address)
            )
        case "change_payment":
            return _change_payment(act, order, customer, rules)
        case "exchange" | "change_items":
            return _swap(act, order, customer, product, rules)
        case _:
            raise Refused("That is nothing I can do with an order here.")


def credited(customer: Customer, method: str, amount: float) -> Customer:
    """The customer with `amount` more on the method, if that is a gift card."""
    own = customer.payment_methods.get(method)
    if own is None or own.source != GIFT_CARD or own.balance is None:
        return customer
    card = own.but(balance=(cents(own.balance) + cents(amount)) / 100)
    return customer.but(payment_methods={**customer.payment_methods, method: card})


def covers(customer: Customer, method: str, amount: float) -> bool:
    """Whether the method can pay `amount`: a gift card only as far as its balance goes."""
    own = customer.payment_methods.get(method)
    return own is not None and (own.balance is None or cents(own.balance) >= cents(amount))


def entry(kind: str, amount: float, method: str) -> Payment:
    return Payment.model_validate({"kind": kind, "amount": amount, "method": method})


def paid(order: Order) -> dict[str, float]:
    """What was paid and not paid back yet, by payment method."""
    sums: Counter[str] = Counter()
    for payment in order.payments:
        sums[payment.method] += cents(payment.amount) * (1 if payment.kind == "payment" else -1)
    return {method: sum_ / 100 for method, sum_ in sums.items() if sum_ > 0}


def chosen(order: Order, ids: Sequence[str]) -> list[OrderItem]:
    """The lines of these item ids, as often as each is named, in their order.

    Raises Refused when an id is not in the order, not that often, or was returned already.
    """
    left = [item for item in order.items if not item.returned]
    found = []
    for id in ids:
        item = next((item for item in left if item.id == id), None)
        if item is None:
            raise Refused(
                f"Not all of these articles are in order {order.id} and still to be returned."
            )
        left.remove(item)
        found.append(item)
    return found


def swapped(
    order: Order, ids: Sequence[str], new: Sequence[str], product: Callable[[str], Product | None]
) -> tuple[list[tuple[OrderItem, Variant]], float]:
    """Each line with the variant it becomes, and what that costs more (less, when negative).

    Raises Refused unless each is another variant of the same product, and available.
    """
    if not ids or len(ids) != len(new):
        raise Refused("Each article needs exactly one new one.")
    pairs = []
    for item, id in zip(chosen(order, ids), new, strict=True):
        known = product(item.product)
        variant = known.variants.get(id) if known else None
        if variant is None or id == item.id:
            raise Refused(f"The {item.name} can only become another {item.name}.")
        if not variant.available:
            raise Refused(f"That {item.name} is not available.")
        pairs.append((item, variant))
    more = sum(cents(variant.price) - cents(item.price) for item, variant in pairs)
    return pairs, more / 100


def _cancel(act: Act, order: Order, customer: Customer, rules: Rules) -> Changed:
    reason = str(act.arguments.get("reason") or "")
    accepted = rules.actions["cancel"].reasons
    if accepted and reason not in accepted:
        raise Refused(f"An order can only be cancelled when it is {' or '.join(accepted)}.")
    back = [entry("refund", sum_, id) for id, sum_ in paid(order).items()]
    for refund in back:
        customer = credited(customer, refund.method, refund.amount)
    cancelled = order.but(
        status=rules.actions["cancel"].becomes,
        cancel_reason=reason,
        payments=(*order.payments, *back),
    )
    ways = named([method_name(customer, refund.method) for refund in back])
    at_once = all("gift card" in method_name(customer, refund.method) for refund in back)
    soon = "at once" if at_once else f"within {rules.refund_days}"
    sum_ = money(order.total, rules.currency)
    return Changed(
        f"Order {order.id} is cancelled; {sum_} goes back to {ways or 'you'} {soon}.",
        cancelled,
        customer,
        facts(cancelled, rules.currency) | {"refund": sum_, "payment": ways},
    )


def _return(act: Act, order: Order, customer: Customer, rules: Rules) -> Changed:
    rule = rules.actions["return"]
    still = [item.id for item in order.items if not item.returned]
    items = chosen(order, list(act.arguments.get("items") or still))
    original = order.payments[0].method if order.payments else ""
    method = str(act.arguments.get("payment_method") or original)
    if "payment_method" in rule.slots and method not in rules.payment_methods(
        "return", order, customer
    ):
        raise Refused("A refund goes to the original payment method or to a gift card of yours.")
    if rule.in_parts:
        gone = {item.id for item in items}
        lines = tuple(i.but(returned=True) if i.id in gone else i for i in order.items)
        status = rule.becomes if all(item.returned for item in lines) else order.status
        returned = order.but(items=lines, status=status)
    else:
        returned = order.but(
            status=rule.becomes,
            return_items=tuple(sorted(item.id for item in items)),
            return_payment_method_id=method,
        )
    back = money(rules.refund(order, items), rules.currency)
    titles = [item.name for item in items]
    where = f" to {method_name(customer, method)}" if method else ""
    return Changed(
        f"The return of {' and '.join(titles)} from order {order.id} is registered. {rule.done} "
        f"{back} goes back{where} within {rules.refund_days} after the parcel is here.",
        returned,
        None,
        facts(returned, rules.currency) | {"refund": back, "returned": titles},
    )


def _change_payment(act: Act, order: Order, customer: Customer, rules: Rules) -> Changed:
    method = str(act.arguments.get("payment_method") or "")
    if method not in rules.payment_methods("change_payment", order, customer):
        raise Refused("The new payment method must be another one of your own.")
    open_ = paid(order)
    if len(open_) != 1:
        raise Refused(f"Order {order.id} has not exactly one payment, so it stays as it is.")
    [(old, sum_)] = open_.items()
    if old == method:
        raise Refused(f"Order {order.id} is already paid by {method_name(customer, method)}.")
    if not covers(customer, method, sum_):
        raise Refused("The balance of the gift card does not cover the total of the order.")
    paid_anew = order.but(
        payments=(
            *order.payments,
            entry("payment", sum_, method),
            entry("refund", sum_, old),
        )
    )
    customer = credited(credited(customer, method, -sum_), old, sum_)
    return Changed(
        f"Order {order.id} is now paid by {method_name(customer, method)}; "
        f"{money(sum_, rules.currency)} goes back to {method_name(customer, old)}.",
        paid_anew,
        customer,
    )


def _swap(
    act: Act,
    order: Order,
    customer: Customer,
    product: Callable[[str], Product | None],
    rules: Rules,
) -> Changed:
    rule = rules.actions[act.action]
    ids, new = list(act.arguments.get("items") or ()), list(act.arguments.get("new_items") or ())
    pairs, more = swapped(order, ids, new, product)
    method = str(act.arguments.get("payment_method") or "")
    if method not in customer.payment_methods:
        raise Refused("The difference in price needs one of your own payment methods.")
    if not covers(customer, method, more):
        raise Refused("The balance of the gift card does not cover the difference in price.")
    what = named([f"{detailed(i)} for {detailed(_as(i, v))}" for i, v in pairs])
    if act.action == "exchange":
        after = order.but(
            status=rule.becomes,
            exchange_items=tuple(sorted(ids)),
            exchange_new_items=tuple(sorted(new)),
            exchange_payment_method_id=method,
            exchange_price_difference=more,
        )
        done = f"The exchange of {what} is registered for order {order.id}. {rule.done}"
        return Changed(done, after)
    lines = list(order.items)
    for item, variant in pairs:
        lines[next(n for n, line in enumerate(lines) if line is item)] = _as(item, variant)
    settled = entry("payment" if more > 0 else "refund", abs(more), method)
    after = order.but(items=tuple(lines), status=rule.becomes, payments=(*order.payments, settled))
    return Changed(
        f"Order {order.id} is changed: {what}. {difference(more, customer, method, rules)} "
        f"{rule.done}".strip(),
        after,
        credited(customer, method, -more),
    )


def difference(more: float, customer: Customer, method: str, rules: Rules) -> str:
    """What becomes of a difference in price, in one sentence."""
    if not cents(more):
        return "The price stays the same."
    sum_, way = money(abs(more), rules.currency), method_name(customer, method)
    if more > 0:
        return f"That is {sum_} more, charged to {way}."
    return f"That is {sum_} less, paid back to {way}."


def _as(item: OrderItem, variant: Variant) -> OrderItem:
    return item.but(id=variant.id, price=variant.price, options=variant.options)


def _address(arguments: Mapping[str, Any], rules: Rules) -> Address:
    try:
        address = Address.model_validate(arguments.get("address"))
    except ValidationError:
        raise Refused("That does not look like a whole address.") from None
    if missing := incomplete(address, rules.address):
        raise Refused(missing)
    return address
