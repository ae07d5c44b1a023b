"""A shop's rules of what may be done to an order: read from a YAML, held by the Shop.

Nothing else in Deskhand knows when an order can be cancelled or who may be refunded where. The
rules of two shops come along: the demo shop's, and those of an electronics retailer
(`agent/shops/retail.yaml`); the fields are documented below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from agent.errors import SetupError
from agent.orders import (
    GIFT_CARD,
    Customer,
    Order,
    OrderItem,
    PaymentMethod,
    cents,
    day,
    line_cents,
)
from agent.types import Action, Slot

FOLDER = Path(__file__).parent / "shops"

WISHES: Mapping[Action, str] = {
    "cancel": "be cancelled",
    "return": "be returned",
    "exchange": "be exchanged",
    "change_address": "get another address",
    "change_items": "get other articles",
    "change_payment": "be paid in another way",
}
"""What is denied when a rule denies an action."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(Strict):
    """One action: when it is allowed, what the customer has to say, and what becomes of it."""

    when: tuple[str, ...] = ()
    """Statuses of an order that allow it; none: any."""
    slots: tuple[Slot, ...] = ()
    """Asked in this order, once the customer and the order are known."""
    reasons: tuple[str, ...] = ()
    """The only reasons that are accepted; none: any words will do."""
    pay_with: Literal["any", "original_or_gift_card", "another"] = "any"
    """Which of the customer's own payment methods may be chosen."""
    becomes: str = ""
    """The status of the order afterwards; empty: it stays."""
    in_parts: bool = False
    """Articles may come one after another; `becomes` holds once all have."""
    within_days: int | None = None
    """Days after delivery in which it is allowed."""
    person: bool = False
    """A person does it: the slots are asked, then the conversation is handed over."""
    offers: tuple[Action, ...] = ()
    """Nothing is done, but these are offered once the order is known."""
    note: str = ""
    """Read to the customer before the yes."""
    done: str = ""
    """Told to the customer afterwards."""


class Rules(Strict):
    name: str
    currency: str
    order_number: str
    """Pattern of an order number with its digits as the one group, e.g. `#?W(\\d{7})`."""
    order_id: str
    """How the shop writes it, with {} for the digits, e.g. "#W{}"."""
    guess_order: bool = True
    """Whether the only order that fits a wish is taken; else its number is asked."""
    address: tuple[str, ...] = ("address1",)
    """Fields that a new address must have."""
    country: str = ""
    """The country of an address that names none."""
    refund_days: str
    """E.g. "5 to 7 business days"; a gift card is credited at once."""
    delivery_refund: float = 0
    """The most that is paid back of the delivery costs of an order that is returned whole."""
    statuses: Mapping[str, str]
    """Status -> how it is said after "Order K1001 ...", e.g. "is already on its way"."""
    actions: Mapping[Action, Rule]

    @field_validator("order_number")
    @classmethod
    def _one_group(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"it is no regular expression ({error})") from error
        if groups != 1:
            raise ValueError("it needs exactly one group, around the digits")
        return pattern

    @property
    def example(self) -> str:
        """An order number as the shop writes it, to show what one looks like."""
        count = re.search(r"\{(\d+)\}", self.order_number)
        return self.order_id.format("1234567890"[: int(count[1]) if count else 4])

    @cached_property
    def _orders(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w@]){self.order_number}(?![\w@])", re.I)

    @cached_property
    def _bare(self) -> re.Pattern[str]:
        digits = re.search(r"\((.*)\)", self.order_number)
        return re.compile(rf"(?<![\w@]){digits[1] if digits else ''}(?![\w@])")

    def find_orders(self, words: str, bare: bool = False) -> list[str]:
        """The order numbers in the words, as the shop writes them; `bare`: digits alone will do."""
        found = self._orders.findall(words) or (self._bare.findall(words) if bare else [])
        return list(dict.fromkeys(self.order_id.format(digits) for digits in found))

    def rule(self, action: Action) -> Rule | None:
        return self.actions.get(action)

    def refusal(self, action: Action, order: Order, today: date) -> str | None:
        """Why `action` cannot be done to `order` on `today`, in one sentence; None if it can."""
        rule = self.actions.get(action)
        if rule is None:
            return "That is nothing I can do with an order here."
        wish = WISHES.get(action, "be changed")
        if rule.when and order.status not in rule.when:
            how = self.statuses.get(order.status, f"is {order.status}")
            return f"Order {order.id} {how}, so it cannot {wish}.{self._instead(order, action)}"
        last = self.last_day(action, order)
        if rule.within_days is None or (last and today <= last):
            return None
        until = f" That ended on {day(last)}." if last else ""
        return (
            f"Order {order.id} can no longer {wish}: that is possible within {rule.within_days} "
            f"days of delivery.{until}"
        )

    def _instead(self, order: Order, action: Action) -> str:
        """What the status allows instead, of the two ways to send something back."""
        for other in ("cancel", "return"):
            rule = self.actions.get(other)  # type: ignore[call-overload]
            if action in ("cancel", "return", "exchange") and rule and order.status in rule.when:
                return f" It can {WISHES[other]}."  # type: ignore[index]
        return ""

    def last_day(self, action: Action, order: Order) -> date | None:
        """The last day on which it is allowed; None when the order was not delivered."""
        rule = self.actions.get(action)
        if order.delivered_at is None or rule is None or rule.within_days is None:
            return None
        return order.delivered_at.date() + timedelta(days=rule.within_days)

    def payment_methods(
        self, action: Action, order: Order, customer: Customer
    ) -> dict[str, PaymentMethod]:
        """The customer's own payment methods that the action allows, by id."""
        original = order.payments[0].method if order.payments else None
        allowed = self.actions[action].pay_with
        return {
            id: method
            for id, method in customer.payment_methods.items()
            if allowed == "any"
            or (allowed == "another" and id != original)
            or (
                allowed == "original_or_gift_card"
                and (id == original or method.source == GIFT_CARD)
            )
        }

    def refund(self, order: Order, items: list[OrderItem]) -> float:
        """What is paid back when these lines of the order come back."""
        back = sum(map(line_cents, items))
        if len(items) == len(order.items):
            back += min(cents(order.shipping), cents(self.delivery_refund))
        return back / 100


def read_rules(path: Path) -> Rules:
    """Raises SetupError when the file cannot be read or is not a shop's rules."""
    try:
        return Rules.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SetupError(f"The rules {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = " > ".join(map(str, first["loc"])) or "the file"
        raise SetupError(f"The rules {path}: {place}: {first['msg']}.") from error


def find_rules(name: str) -> Rules:
    """Those that come along by this name, or of the YAML at this path."""
    if name in ("demo", "retail"):
        return shipped_rules(name)  # type: ignore[arg-type]
    return read_rules(Path(name))


def shipped_rules(name: Literal["demo", "retail"]) -> Rules:
    return read_rules(FOLDER / f"{name}.yaml")
