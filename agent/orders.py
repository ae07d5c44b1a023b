"""Customers, orders, products, and the Shop that has them.

A record stands in a file, in the database and on the wire as one and the same JSON (the format of
`deskhand shop import`); fields that are not known here are kept. Sums are floats of two decimals in
the shop's currency; arithmetic on them is done in cents.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from agent.types import Act, Action, Outcome

if TYPE_CHECKING:
    from agent.rules import Rules

Amount = int | float
GIFT_CARD = "gift_card"


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    def but(self, **changes: Any):
        return self.model_copy(update=changes)

    def dump(self) -> dict[str, Any]:
        """As it was read: nothing added, nothing lost, in the order of the fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Name(Record):
    first: str = Field(alias="first_name")
    last: str = Field(alias="last_name")

    def __str__(self) -> str:
        return f"{self.first} {self.last}".strip()


class Address(Record):
    address1: str
    address2: str = ""
    city: str = ""
    country: str = ""
    state: str = ""
    zip: str = ""

    def __str__(self) -> str:
        """On one line, as a letter of the country has it: the zip after a state, else before."""
        parts = (
            [self.city, f"{self.state} {self.zip}"] if self.state else [f"{self.zip} {self.city}"]
        )
        lines = [self.address1, self.address2, *parts, self.country]
        return ", ".join(line.strip() for line in lines if line.strip())


class PaymentMethod(Record):
    """One of a customer's own ways to pay; `balance` is a gift card's."""

    source: str
    id: str
    brand: str = ""
    last_four: str = ""
    balance: Amount | None = None

    def __str__(self) -> str:
        match self.source:
            case "gift_card":
                return "gift card"
            case "paypal":
                return "PayPal"
        name = self.brand.title() if self.brand.islower() else self.brand
        name = name or self.source.replace("_", " ")
        return f"{name} ending in {self.last_four}" if self.last_four else name

    def described(self, currency: str) -> str:
        """With what is left on a gift card."""
        return (
            f"{self} with {money(self.balance, currency)}"
            if self.balance is not None
            else f"{self}"
        )


class Customer(Record):
    id: str = Field(alias="user_id")
    name: Name
    address: Address
    email: str
    payment_methods: dict[str, PaymentMethod] = {}
    order_ids: tuple[str, ...] = Field(alias="orders", default=())


class Variant(Record):
    """One article of a product that can be bought."""

    id: str = Field(alias="item_id")
    options: dict[str, str] = {}
    available: bool
    price: Amount


class Product(Record):
    name: str
    id: str = Field(alias="product_id")
    variants: dict[str, Variant]


class OrderItem(Record):
    """One line of an order. Two lines may hold the same article."""

    name: str
    product: str = Field(alias="product_id")
    id: str = Field(alias="item_id")
    price: Amount  # paid for one piece
    options: dict[str, str] = {}
    quantity: int = 1
    returned: bool = False


class Payment(Record):
    """An entry of an order's payment history."""

    kind: Literal["payment", "refund"] = Field(alias="transaction_type")
    amount: Amount
    method: str = Field(alias="payment_method_id")


class Fulfillment(Record):
    tracking: tuple[str, ...] = Field(alias="tracking_id")
    items: tuple[str, ...] = Field(alias="item_ids")


class Order(Record):
    """One order. Times are the shop's local time, without a zone; None: the shop does not say."""

    id: str = Field(alias="order_id")
    customer: str = Field(alias="user_id")
    address: Address
    items: tuple[OrderItem, ...]
    status: str
    fulfillments: tuple[Fulfillment, ...] = ()
    payments: tuple[Payment, ...] = Field(alias="payment_history", default=())
    placed_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    delivery: str = ""
    shipping: Amount = 0
    cancel_reason: str | None = None
    return_items: tuple[str, ...] | None = None
    return_payment_method_id: str | None = None
    exchange_items: tuple[str, ...] | None = None
    exchange_new_items: tuple[str, ...] | None = None
    exchange_payment_method_id: str | None = None
    exchange_price_difference: Amount | None = None

    @property
    def total(self) -> float:
        return (sum(map(line_cents, self.items)) + cents(self.shipping)) / 100

    @property
    def tracking(self) -> str:
        return ", ".join(number for sent in self.fulfillments for number in sent.tracking)


class Shop(Protocol):
    """Where orders live, and the rules that hold for them."""

    rules: Rules

    def identify(self, email: str) -> Customer | None: ...

    def identify_by_name(self, name: str, zip: str) -> Customer | None:
        """The customer of this full name and zip, in any case, with or without accents."""

    def customer(self, customer_id: str) -> Customer | None: ...

    def order(self, order_id: str) -> Order | None: ...

    def orders(self, customer: Customer) -> list[Order]:
        """The customer's own orders, newest first."""

    def product(self, product_id: str) -> Product | None: ...

    def baskets(self, articles: Collection[str]) -> list[frozenset[str]]:
        """Ids of the other articles in each of the latest orders that hold one of `articles`."""

    def refusal(self, action: Action, order: Order) -> str | None:
        """Why this cannot be done to this order now, in one sentence; None when it can."""

    def perform(self, act: Act, customer: Customer) -> Outcome:
        """Do it, once: an act with a key that was already done returns the recorded outcome."""

    def close(self) -> None: ...


def contents(order: Order) -> str:
    """What is in the order: "2 × Aster mug, blue and Hazel teapot, blue"."""
    return named([line(item) for item in order.items]) or "empty"


def line(item: OrderItem) -> str:
    return f"{item.quantity} × {item.name}" if item.quantity > 1 else item.name


def detailed(item: OrderItem) -> str:
    """With its options: "Tablet (10-inch, 128GB, black)"."""
    return f"{line(item)}{optioned(item.options)}"


def optioned(options: Mapping[str, str]) -> str:
    """Options in brackets; the name of one stands beside a value that says nothing alone."""
    plain = [
        f"{name} {value}" if value in ("yes", "no", "none", "high", "medium", "low") else value
        for name, value in options.items()
    ]
    return f" ({', '.join(plain)})" if plain else ""


def named(names: Sequence[str]) -> str:
    """As in: a; a and b; a; b and c. Names may have commas in them."""
    return " and ".join(filter(None, ["; ".join(names[:-1]), names[-1]])) if names else ""


def facts(order: Order, currency: str) -> dict[str, Any]:
    """Every figure of the order that a reply may state; dates are ISO 8601 days."""
    dates = {
        "placed_on": order.placed_at,
        "shipped_on": order.shipped_at,
        "delivered_on": order.delivered_at,
    }
    return {
        "order_id": order.id,
        "status": order.status,
        "items": [f"{item.quantity} × {item.name}" for item in order.items],
        "total": money(order.total, currency),
        "tracking": order.tracking or None,
        **{name: at.date().isoformat() for name, at in dates.items() if at},
    }


def moved(order: Order, by: timedelta) -> Order:
    """The same order, `by` later."""
    times = ("placed_at", "shipped_at", "delivered_at")
    return order.but(**{name: at + by for name in times if (at := getattr(order, name))})


def line_cents(item: OrderItem) -> int:
    return item.quantity * cents(item.price)


def cents(amount: float) -> int:
    return round(amount * 100)


def money(amount: float, currency: str) -> str:
    return f"{amount:.2f} {currency}"


def day(at: date) -> str:
    """A date (or the day of a datetime) as it is read aloud: "1 October 2026"."""
    return f"{at.day} {at:%B} {at.year}"


def fold(text: str) -> str:
    """For comparing names and zips: no case, no accents, no spaces, no punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum())
