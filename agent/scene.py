"""What a slot is asked about, and what an answer to it gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.orders import Customer, Order, OrderItem, Shop
from agent.state import FlowState
from agent.wishes import Wish


@dataclass(frozen=True, slots=True)
class Scene:
    """What a slot is asked about."""

    wish: Wish
    customer: Customer
    order: Order | None  # None only for what is about no order
    shop: Shop
    narrowed: tuple[str, ...] = ()  # ids left by an answer that fitted several

    @property
    def lines(self) -> list[OrderItem]:
        return [item for item in self.order.items if not item.returned] if self.order else []

    @property
    def item(self) -> OrderItem | None:
        """The line whose new variant is asked for next."""
        place = len(self.wish.new_items)
        if place >= len(self.wish.items):
            return None
        return next((i for i in self.lines if i.id == self.wish.items[place]), None)


@dataclass(frozen=True, slots=True)
class Read:
    """What an answer gave: fields of the wish, or why it is none."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    narrowed: tuple[str, ...] = ()


NOTHING = Read()


def scene(state: FlowState, shop: Shop) -> Scene:
    """The scene of the open wish of a known customer."""
    order = shop.order(state.open.order_id) if state.open.order_id else None
    return Scene(state.open, state.known, order, shop, state.narrowed)
