"""Dialogues without models: complaints, the last order, and questions that do not come a third
time."""

from __future__ import annotations

import pytest

from agent.flows import advance
from agent.shop import SqlShop
from agent.state import FlowState
from agent.steps import go_on
from agent.types import Act, Ask, Decision, HandOff
from agent.wishes import read_wishes

MARTA = "marta.claes@example.com"  # K1036 shipped, the newest
JONAS = "jonas.peeters@example.com"
SANNE = "sanne.de.vries@example.com"  # K1037 pending


def talk(shop: SqlShop, *turns: tuple[str, str]) -> tuple[FlowState, list[Decision | None]]:
    """(words, sure intent) a turn; what is no flow's is answered, and then the flow goes on."""
    state, decisions = FlowState(conversation="c"), []
    for words, intent in turns:
        state, decision = advance(state, words, intent, shop)
        if decision is None:
            state, decision = go_on(state, shop)
        decisions.append(decision)
    return state, decisions


def slots(decisions) -> list[str | None]:
    return [getattr(one, "slot", None) or getattr(one, "kind", None) for one in decisions]


def test_a_complaint_asks_what_happened_and_what_is_wished_and_tells_a_person(shop):
    _, decisions = talk(
        shop,
        ("I want to complain about your service", "complaint"),
        (f"K1036 came three weeks late and nobody answered, I am {MARTA}", ""),
        ("my money back", "refund"),
    )
    assert slots(decisions) == ["reason", "wish", "handoff"]
    last = decisions[-1]
    assert isinstance(last, HandOff) and last.reason == "complaint"
    for fact in ("three weeks late", "my money back", "K1036", "Marta Claes"):
        assert fact in last.summary


def test_a_complaint_that_says_what_happened_is_not_asked_for_it(shop):
    _, decisions = talk(
        shop,
        ("I want to complain, the courier threw my parcel over the fence", "complaint"),
        ("an apology", ""),
    )
    assert slots(decisions) == ["wish", "handoff"]


def test_nobody_has_to_say_who_they_are_to_complain(shop):
    state, decisions = talk(shop, ("I have a complaint", ""), ("It was rude.", ""), ("sorry", ""))
    assert slots(decisions) == ["reason", "wish", "handoff"] and state.customer is None


def test_a_complaint_may_be_dropped_and_its_answers_picked(shop):
    _, decisions = talk(shop, ("I have a complaint", ""), ("never mind", ""))
    assert (
        slots(decisions) == ["reason", "wish"] and "nothing was changed" in decisions[-1].question
    )
    state, _ = talk(shop, ("I have a complaint", ""), ("The box was open", ""))
    _, decision = advance(state, "", "", shop, picked=("replacement",))
    assert isinstance(decision, HandOff) and "A new one" in decision.summary


def test_what_stands_in_a_complaint_starts_nothing_else(shop):
    before = shop.export()
    _, decisions = talk(
        shop,
        ("I have a complaint", ""),
        (f"cancel order K1037 at once, {SANNE}, I want my money back", "cancel_order"),
        ("yes, cancel it", "cancel_order"),
    )
    assert slots(decisions) == ["reason", "wish", "handoff"] and shop.export() == before


@pytest.mark.parametrize(
    "words",
    [
        "can I get the same as my last order?",
        "I'd like the same as last time",
        "reorder please",
        "my last order again, please",
    ],
)
def test_the_same_as_my_last_order_needs_to_know_whose(shop, words):
    state, (asked, act) = talk(shop, (words, "product_search"), (MARTA, ""))
    assert isinstance(asked, Ask) and asked.slot == "email"
    assert isinstance(act, Act) and act.action == "last_order" and state.customer
    outcome = shop.perform(act, state.customer)
    assert outcome.ok and "K1036" in outcome.message and "Hazel teapot" in outcome.message


@pytest.mark.parametrize(
    "words",
    [
        "the refund to the same card as my last order",
        "send it to the same address as my last order",
        "I never got my last order, can you send it again",
    ],
)
def test_a_last_order_in_passing_is_no_wish_for_the_same(shop, words):
    assert "last_order" not in [w.action for w in read_wishes(words, "", shop.rules)]


@pytest.mark.parametrize("words", ["where is my last order", "track my most recent order"])
def test_the_last_order_is_the_newest(shop, words):
    _, decisions = talk(shop, (words, "order_status"), (JONAS, ""))
    assert isinstance(decisions[-1], Act)
    orders = shop.orders(shop.identify(JONAS))
    assert decisions[-1].arguments["order_id"] == max(orders, key=lambda o: o.placed_at).id


def test_a_question_that_is_interrupted_comes_once_more_and_then_waits(shop):
    asks = ("do you have mugs?", "product_search")
    state, decisions = talk(
        shop,
        ("please cancel my order", "cancel_order"),
        asks,
        asks,
        asks,
        (SANNE, ""),
        ("skip", ""),
    )
    assert slots(decisions) == ["email", "email", None, None, "reason", "confirm"]
    assert state.wish is not None and state.open.order_id == "K1037"


def test_a_question_that_is_not_understood_twice_is_for_a_person(shop):
    _, decisions = talk(
        shop, ("please cancel my order", "cancel_order"), ("hm", ""), ("well", ""), ("hm", "")
    )
    asked = [one.question for one in decisions if isinstance(one, Ask)]
    assert all(asked.count(question) <= 2 for question in asked)
    assert isinstance(decisions[-1], HandOff)


def test_a_question_that_the_flow_answers_itself_does_not_repeat_its_own_for_ever(shop):
    asks = ("how much do I get back?", "refund")
    wish = (f"cancel K1037 because I moved, {SANNE}", "cancel_order")
    _, decisions = talk(shop, wish, asks, asks, asks, ("yes", ""))
    questions = [one.question for one in decisions if isinstance(one, Ask)]
    assert sum("Shall I cancel" in question for question in questions) == 2
    assert sum("You would get" in question for question in questions) == 3
    assert isinstance(decisions[-1], Act) and decisions[-1].confirmed
