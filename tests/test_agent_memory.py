"""What is remembered of a conversation, and which product of before is meant."""

from __future__ import annotations

import pytest

from agent.memory import DEEDS, ORDERS, PRODUCTS, QUESTIONS, Memory, Talked, decided
from agent.refer import referred
from agent.types import Answer, Ask, Choice, Decision, Deed, ProductCard, Reply

LOOKS = {"green", "oak", "large"}
QUESTION = Ask("product", "Which one do you mean?", (Choice("a", "A"), Choice("b", "B")))


def reply(*titles: str, decision: Decision | None = None, done: tuple[Deed, ...] = ()) -> Reply:
    cards = tuple(
        ProductCard(
            id=title.lower(), title=title, url="", price=9.5, currency="EUR", stock=1, photo=None
        )
        for title in titles
    )
    answer = decision or Answer((), "thanks")
    return Reply(
        id="r", conversation="c", text="", decision=answer, intent="x", products=cards, done=done
    )


def remembering(*replies: Reply) -> Memory:
    memory = Memory()
    for one in replies:
        memory = memory.after(one)
    return memory


def deed(order: str) -> Deed:
    arguments = {"order_id": order}
    return Deed(action="cancel", arguments=arguments, ok=True, message=f"{order} is cancelled.")


def test_it_holds_what_was_talked_about_asked_and_done():
    memory = remembering(
        reply("Aster mug, blue", "Tove mug, black"),
        reply(decision=QUESTION),
        reply("Fell armchair, green"),
        reply(done=(deed("K1036"),)),
        reply("Aster mug, blue"),
    )
    assert memory.turns == 5
    titles = [talked.title for talked in memory.products]
    assert titles == ["Tove mug, black", "Fell armchair, green", "Aster mug, blue"]
    assert (memory.orders, memory.asked) == (("K1036",), (QUESTION,))
    assert memory.told() == (
        "Products talked about: Tove mug, black; Fell armchair, green; Aster mug, blue. "
        "Orders: K1036. Done so far: cancel: done. K1036 is cancelled."
    )
    assert Memory().told() == ""


def test_it_knows_whether_an_order_or_a_product_was_talked_of_last():
    order = reply(done=(deed("K1036"),))
    assert not remembering(order, reply(), reply()).strayed
    assert remembering(order, reply("Tove mug, black"), reply()).strayed
    assert not remembering(order, reply("Tove mug, black"), order).strayed
    asked = reply(decision=Ask("confirm", "Shall I?", action="cancel", order_id="K1036"))
    assert not remembering(reply("Tove mug, black"), asked).strayed
    delivery = reply(decision=Answer((), "delivery"))
    assert (remembering(delivery).topic, remembering(delivery, order).topic) == (
        "delivery",
        "thanks",
    )


def test_it_is_bounded_and_the_same_every_time():
    replies = [reply(f"Mug {n}", decision=QUESTION, done=(deed(f"K{n}"),)) for n in range(1000)]
    memory = remembering(*replies)
    assert memory == remembering(*replies)
    assert Memory.model_validate_json(memory.model_dump_json()) == memory
    sizes = (len(memory.products), len(memory.orders), len(memory.deeds), len(memory.asked))
    assert sizes == (PRODUCTS, ORDERS, DEEDS, QUESTIONS)
    assert memory.products[-1].title == "Mug 999"


def test_questions_of_before_are_not_counted_twice():
    replies = [reply(decision=QUESTION), reply("Mug"), reply(decision=QUESTION)]
    memory = remembering(*replies)
    assert decided(memory, replies[1:]) == [QUESTION, Answer((), "thanks"), QUESTION]
    assert decided(memory, replies) == [one.decision for one in replies]
    assert decided(memory, []) == [QUESTION, QUESTION]


LIST = remembering(
    reply("Fell armchair, green"),
    reply("Lumi table lamp, green", "Alder floor lamp, oak", "Halo pendant lamp, brass"),
)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("how much is it?", "Lumi table lamp, green"),
        ("and in oak?", "Lumi table lamp, green"),
        ("how much is the second one?", "Alder floor lamp, oak"),
        ("the third one please", "Halo pendant lamp, brass"),
        ("is the last one in stock", "Halo pendant lamp, brass"),
        ("what about that armchair, what is it made of?", "Fell armchair, green"),
        ("is that lamp in stock?", "Lumi table lamp, green"),
        ("is that floor lamp dishwasher safe?", "Alder floor lamp, oak"),
        ("this green armchair again", "Fell armchair, green"),
        ("do you have that mug", None),
        ("that Bruno lamp", None),
        ("how long does delivery take", None),
        ("my first order never came", None),
        ("the second parcel is late", None),
    ],
)
def test_which_product_is_meant(words, meant):
    found = referred(words, LIST, LOOKS)
    assert (found.title if found else None) == meant


def test_nothing_is_meant_before_anything_was_shown():
    assert referred("how much is it?", Memory(), LOOKS) is None


def test_a_talked_product_knows_its_price():
    assert LIST.products[-1] == Talked(
        id="lumi table lamp, green", title="Lumi table lamp, green", price=9.5
    )
