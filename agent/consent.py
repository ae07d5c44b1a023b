"""What exactly a customer agrees to, and the key under which it happens at most once."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from agent.state import FlowState
from agent.wishes import Wish


def arguments(wish: Wish) -> dict[str, Any]:
    """The arguments of the act that does the wish: what is known of it."""
    given: dict[str, Any] = {"order_id": wish.order_id} if wish.order_id else {}
    for slot in ("items", "new_items"):
        if getattr(wish, slot):
            given[slot] = list(getattr(wish, slot))
    for slot in ("reason", "payment_method"):
        if getattr(wish, slot) is not None:
            given[slot] = getattr(wish, slot)
    if wish.address is not None:
        given["address"] = wish.address.model_dump()
    return given


def key_of(state: FlowState) -> str:
    """The same for the same wish of a conversation, another one after each change."""
    parts = [state.conversation, state.acts, state.open.action, arguments(state.open)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
