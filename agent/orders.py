"""Customers, orders, the Shop that has them, and the rules of what may be done to an order.

The rules live here and nowhere else. Sums are euros as floats of two decimals; arithmetic on them
is done in cents.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from agent.types import Act, Action, Outcome

Status = Literal["pending", "shipped", "delivered", "cancelled", "returned"]

RETURN_DAYS = 30  # counted from the day of delivery
DELIVERY_REFUND = 4.90  # EUR; the most that is refunded of the delivery costs of a whole order
ADDRESS_CHARS = range(10, 301)  # lengths that a delivery address may have


@dataclass(frozen=True, slots=True)
class Customer:
    id: str
    name: str
    email: str
    zip: str
    address: str


@dataclass(frozen=True, slots=True)
class OrderItem:
    product: str  # id of a product document
    title: str
    quantity: int
    price: float  # paid for one piece
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """One order. Times are the shop's local time, without a zone."""

    id: str
    customer: str
    status: Status  # "returned": a return of all its items is registered
    placed_at: datetime
    address: str
    payment: str
    delivery: Literal["standard", "express"]
    items: tuple[OrderItem, ...]
    shipping: float
    total: float  # items and shipping
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    tracking: str | None = None
    currency: str = "EUR"


class Shop(Protocol):
    """Where orders live."""

    def identify(self, email: str) -> Customer | None: ...

    def order(self, order_id: str) -> Order | None: ...

    def orders(self, customer: Customer) -> list[Order]:
        """The customer's own orders, newest first."""

    def refusal(self, action: Action, order: Order) -> str | None:
        """Why this cannot be done to this order now, in one sentence; None when it can."""

    def perform(self, act: Act, customer: Customer) -> Outcome:
        """Do it, once: an act with a key that was already done returns the recorded outcome."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class OrderFile:
    """A file of customers and orders. An example file says on which day it was true (`as_of`)."""

    customers: tuple[Customer, ...]
    orders: tuple[Order, ...]
    as_of: date | None = None


def refusal(action: Action, order: Order, today: date) -> str | None:
    """Why `action` cannot be done to `order` on the day `today`, in one sentence; None if it can.

    Cancelling and changing the address: while pending. Returning and exchanging: once delivered,
    for RETURN_DAYS. The status may always be told.
    """
    if action == "status":
        return None
    if action in ("cancel", "change_address"):
        wish = "be cancelled" if action == "cancel" else "get another address"
        match order.status:
            case "pending":
                return None
            case "shipped":
                return f"Order {order.id} is already on its way, so it can no longer {wish}."
            case "delivered":
                return f"Order {order.id} is already delivered, so it can no longer {wish}."
            case "cancelled":
                return f"Order {order.id} is already cancelled."
            case "returned":
                return f"A return of order {order.id} is registered, so it can no longer {wish}."
    wish = "returned" if action == "return" else "exchanged"
    match order.status:
        case "pending":
            return f"Order {order.id} is not sent yet, so it cannot be {wish}; it can be cancelled."
        case "shipped":
            return f"Order {order.id} is still on its way; it can be {wish} once it is delivered."
        case "cancelled":
            return f"Order {order.id} is cancelled, so there is nothing to be {wish}."
        case "returned":
            return f"A return of order {order.id} is already registered."
        case "delivered":
            last = last_return_day(order)
            if last and today <= last:
                return None
            until = f" That ended on {day(last)}." if last else ""
            return (
                f"Order {order.id} can no longer be {wish}: that is possible within {RETURN_DAYS} "
                f"days of delivery.{until}"
            )


def last_return_day(order: Order) -> date | None:
    """The last day on which a return is taken; None when the order is not delivered."""
    if order.delivered_at is None:
        return None
    return order.delivered_at.date() + timedelta(days=RETURN_DAYS)


def refund(order: Order, products: Collection[str]) -> float:
    """What is paid back when these products of the order come back.

    Delivery, up to DELIVERY_REFUND, only when they are the whole order.
    """
    items = [item for item in order.items if item.product in products]
    sum_ = sum(item.quantity * cents(item.price) for item in items)
    if len(items) == len(order.items):
        sum_ += min(cents(order.shipping), cents(DELIVERY_REFUND))
    return sum_ / 100


def describe(order: Order, today: date) -> str:
    """How the order stands, in one or two sentences."""
    match order.status:
        case "pending":
            return (
                f"Order {order.id} ({contents(order)}; {money(order.total, order.currency)}) was "
                f"placed on {day(order.placed_at)} and is being packed."
            )
        case "shipped":
            sent = f" on {day(order.shipped_at)}" if order.shipped_at else ""
            tracking = f" The tracking number is {order.tracking}." if order.tracking else ""
            return f"Order {order.id} ({contents(order)}) was sent{sent}.{tracking}"
        case "delivered":
            arrived = f" on {day(order.delivered_at)}" if order.delivered_at else ""
            last = last_return_day(order)
            until = f" It can be returned until {day(last)}." if last and today <= last else ""
            return f"Order {order.id} ({contents(order)}) was delivered{arrived}.{until}"
        case "cancelled":
            return f"Order {order.id} ({contents(order)}) is cancelled."
        case "returned":
            return f"A return of order {order.id} ({contents(order)}) is registered."


def facts(order: Order) -> dict[str, Any]:
    """Every figure of the order that a reply may state; dates are ISO 8601 days."""
    dates = {
        "placed_on": order.placed_at,
        "shipped_on": order.shipped_at,
        "delivered_on": order.delivered_at,
    }
    return {
        "order_id": order.id,
        "status": order.status,
        "items": [f"{item.quantity} × {item.title}" for item in order.items],
        "total": money(order.total, order.currency),
        "tracking": order.tracking,
        **{name: at.date().isoformat() for name, at in dates.items() if at},
    }


def contents(order: Order) -> str:
    """What is in the order: "2 × Aster mug, blue and Hazel teapot, blue"."""
    names = [
        f"{item.quantity} × {item.title}" if item.quantity > 1 else item.title
        for item in order.items
    ]
    return " and ".join(filter(None, ["; ".join(names[:-1]), names[-1]])) if names else "empty"


def moved(order: Order, by: timedelta) -> Order:
    """The same order, `by` later."""
    return replace(
        order,
        placed_at=order.placed_at + by,
        shipped_at=order.shipped_at and order.shipped_at + by,
        delivered_at=order.delivered_at and order.delivered_at + by,
    )


def total(order: Order) -> int:
    """What items and shipping come to, in cents."""
    return sum(item.quantity * cents(item.price) for item in order.items) + cents(order.shipping)


def cents(amount: float) -> int:
    return round(amount * 100)


def money(amount: float, currency: str) -> str:
    return f"{amount:.2f} {currency}"


def day(at: date) -> str:
    """A date (or the day of a datetime) as it is read aloud: "1 October 2026"."""
    return f"{at.day} {at:%B} {at.year}"
