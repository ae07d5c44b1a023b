"""Every change, read back before the yes: what, of which order, and what it costs or gives back."""

from __future__ import annotations

from agent.changes import chosen, difference, paid, swapped
from agent.orders import Customer, Order, Shop, contents, detailed, money, named
from agent.telling import method_name
from agent.wishes import Wish


def readback(wish: Wish, order: Order | None, customer: Customer, shop: Shop) -> str:
    """The question that only a plain yes answers. Raises Refused where it cannot be done."""
    rules, currency = shop.rules, shop.rules.currency
    rule = rules.actions[wish.action]
    if wish.action == "change_default_address" or order is None:
        return f"Shall I change your address to {wish.address}?"
    sum_ = money(order.total, rules.currency)
    match wish.action:
        case "cancel":
            why = f" ({wish.reason})" if rule.reasons else ""
            ways = named([method_name(customer, method) for method in paid(order)]) or "you"
            said = (
                f"Shall I cancel order {order.id} ({contents(order)}){why}, so that {sum_} goes "
                f"back to {ways}?"
            )
        case "return":
            items = chosen(order, wish.items)
            back = money(rules.refund(order, items), rules.currency)
            method = wish.payment_method
            where = method_name(customer, method) if method else "you"
            said = (
                f"Shall I register the return of {named([detailed(item) for item in items])} from "
                f"order {order.id}, so that {back} goes back to {where} once the parcel is here?"
            )
        case "change_address":
            said = f"Shall I send order {order.id} ({contents(order)}) to {wish.address}?"
        case "change_payment":
            way = method_name(customer, wish.payment_method or "")
            old = named([method_name(customer, method) for method in paid(order)])
            said = (
                f"Shall I have order {order.id} ({sum_}) paid by {way}, so that the payment by "
                f"{old} goes back?"
            )
        case _:
            pairs, more = swapped(order, wish.items, wish.new_items, shop.product)
            new = [item.but(options=variant.options) for item, variant in pairs]
            what = named(
                [
                    f"{detailed(item)} for {detailed(other)}, {money(variant.price, currency)}"
                    for (item, variant), other in zip(pairs, new, strict=True)
                ]
            )
            verb = "exchange" if wish.action == "exchange" else "change"
            cost = difference(more, customer, wish.payment_method or "", rules)
            said = f"{cost} Shall I {verb} in order {order.id}: {what}?"
    return f"{rule.note} {said}".strip()
