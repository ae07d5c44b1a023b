"""What becomes of the tools that a chat model calls to plan a turn: each goes through a door that
was there before, and which checks it as it checks the customer's own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from agent.chat_tools import Call, Search
from agent.flows import begin
from agent.orders import Shop
from agent.state import FlowState
from agent.types import Answer, Decision, Decline, HandOff, Reply
from knowledge.types import Hit

SMALL = 4  # words of small talk


def is_open(decision: Decision, words: str) -> bool:
    """Whether a plan may take the place of a decision: a person who is due comes, and what a photo
    shows is not for who sees none; nor is a plain greeting worth one."""
    match decision:
        case HandOff() | Decline(reason="not_sold" | "unreadable"):
            return False
        case Answer(hits=()):
            return len(words.split()) > SMALL
    return True


def standing(state: FlowState, shown: Sequence[Reply], shop: Shop) -> dict[str, Any]:
    """Where the conversation stands, in the shop's own terms: no words of anybody's."""
    return {
        "the customer is identified": state.customer is not None,
        "order talked about last": state.last_order,
        "last answer was about": shown[-1].intent if shown else None,
        "actions here": list(shop.rules.actions),
    }


def plan(
    calls: Sequence[Call],
    state: FlowState,
    words: str,
    hits: tuple[Hit, ...],
    search: Callable[[str], Sequence[Hit]],
    shop: Shop,
) -> tuple[FlowState, Decision | None, tuple[Hit, ...]]:
    """A wish begins its flow, which decides; a search adds to the hits that the policy is given."""
    for call in calls:
        if isinstance(call, Search):
            hits = merged(hits, search(call.query))
        elif call.action in shop.rules.actions:
            order = next(iter(shop.rules.find_orders(call.order_id or "")), None)
            return *begin(state, call.action, words, shop, order), hits
    return state, None, hits


def merged(hits: Sequence[Hit], more: Sequence[Hit]) -> tuple[Hit, ...]:
    """Both, best first, each document once by its better score."""
    best = {hit.document.id: hit for hit in sorted([*hits, *more], key=lambda hit: hit.score)}
    return tuple(sorted(best.values(), key=lambda hit: -hit.score))
