"""One conversation of thirty turns with the real models: questions, changes of subject, references
to what was shown long before, an interrupted flow, a correction, a return, a complaint."""

from __future__ import annotations

from collections.abc import Callable

from agent.brief import brief
from agent.memory import PRODUCTS
from agent.store import RECENT
from agent.types import Act, Answer, Ask, Decline, HandOff, Reply
from fusion.types import Turn

WOUT = "wout.janssens@example.com"  # K1024 delivered, with one armchair; K1039 pending, the newest


def says(*parts: str) -> Callable[[Reply], bool]:
    return lambda reply: all(part in reply.text for part in parts)


def shows(product: str) -> Callable[[Reply], bool]:
    return lambda reply: bool(reply.products) and reply.products[0].id == product


def asks(slot: str, *parts: str) -> Callable[[Reply], bool]:
    return lambda reply: (
        isinstance(reply.decision, Ask) and reply.decision.slot == slot and says(*parts)(reply)
    )


def does(action: str, ok: bool, *parts: str) -> Callable[[Reply], bool]:
    def check(reply: Reply) -> bool:
        last = reply.done[-1] if reply.done else None
        return last is not None and (last.action, last.ok) == (action, ok) and says(*parts)(reply)

    return check


def is_a(kind: type, **fields: str) -> Callable[[Reply], bool]:
    return lambda reply: (
        isinstance(reply.decision, kind)
        and all(getattr(reply.decision, name) == value for name, value in fields.items())
    )


TALK: list[tuple[str, Callable[[Reply], bool]]] = [
    ("Hello", is_a(Answer, topic="greeting")),
    ("How much is the blue Aster mug?", says("The Aster mug, blue, costs 16.90 EUR")),
    ("and in green?", shows("mug-aster-green")),
    ("is it in stock?", says("The Aster mug, green, is in stock")),
    ("How much is the green Fell armchair?", shows("armchair-fell-green")),
    ("what is it made of?", says("The Fell armchair, green, is made of wool and oak")),
    ("How long does delivery take?", says("2 to 4 working days")),
    ("Which payment methods do you accept?", says("Bancontact")),
    ("How much is that mug?", shows("mug-aster-green")),
    ("What is the capital of France?", is_a(Decline, reason="out_of_scope")),
    ("I want to cancel my order", asks("email")),
    ("How long do I have to return something?", asks("email", "30 days", "Which e-mail")),
    (WOUT, asks("reason")),
    ("skip", asks("confirm", "K1039")),
    ("Do you have the Bruno kettle in red?", asks("confirm", "The Bruno kettle, red", "K1039")),
    ("no, wait", asks("wish", "nothing was changed")),
    ("where is my last order?", does("status", True, "K1039")),
    ("can I get the same as my last order?", does("last_order", True, "Bruno kettle, red")),
    ("I want to return something from K1024", asks("reason")),
    ("no, the other order", does("return", False, "K1039", "cannot be returned")),
    ("ok, then return K1024", asks("reason")),
    ("it is too big", asks("confirm", "Fell armchair, grey", "K1024")),
    ("how much do I get back?", asks("confirm", "189.00 EUR")),
    ("yes", does("return", True, "K1024")),
    ("thank you", is_a(Answer, topic="thanks")),
    ("how much is that kettle?", shows("kettle-bruno-red")),
    ("what is that armchair made of?", says("wool")),
    ("I want to make a complaint", asks("reason", "What happened?")),
    ("The courier was rude and threw my parcel over the fence", asks("wish")),
    ("an apology", is_a(HandOff, reason="complaint")),
]


def test_thirty_turns(agent):
    conversation = agent.store.new_conversation()
    for words, expected in TALK:
        *_, done = agent.reply(Turn(words), conversation)
        assert expected(done.reply), f"{words!r} was answered {done.reply.text!r}"
    assert len(TALK) == 30

    memory = agent.store.flow(conversation).memory
    assert memory.turns == 30 and len(memory.products) <= PRODUCTS
    assert len(agent.store.recent(conversation)) == RECENT
    assert len(agent.store.transcript(conversation)) == 30
    assert "K1039" in memory.told() and "Fell armchair, green" in memory.told()

    asked = [r.decision for r in agent.store.replies(conversation) if isinstance(r.decision, Ask)]
    questions = [(ask.slot, ask.order_id, ask.action, ask.question) for ask in asked]
    assert all(questions.count(question) <= 2 for question in questions)
    acts = [r.decision for r in agent.store.replies(conversation) if isinstance(r.decision, Act)]
    assert [act.action for act in acts if act.confirmed] == ["return"]
    assert agent.shop.order("K1039").status == "pending"

    told = brief(agent.store, conversation)
    for fact in ("Wout", "over the fence", "an apology", "K1024"):
        assert fact in f"{told.customer} {told.summary}"
