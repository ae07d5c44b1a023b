"""A message that asks several things: how it is parted, and that each part is answered."""

from __future__ import annotations

import pytest

from agent.grounding import grounded
from agent.several import questions
from agent.types import Answer, Decided, Reply
from fusion.types import Transcript, Turn
from tests.test_agent_agent import photo_of

PARTED = [
    ("Do you ship to Germany? And do you gift wrap?",
     ["Do you ship to Germany?", "And do you gift wrap?"]),
    ("do you ship to germany and do you gift wrap",
     ["do you ship to germany", "do you gift wrap"]),
    ("Hi! I'm looking for a teapot. Also, can I pay with PayPal?",
     ["Hi! I'm looking for a teapot.", "Also, can I pay with PayPal?"]),
    ("I moved house. How do I change my address? What about my open order?",
     ["I moved house. How do I change my address?", "What about my open order?"]),
    ("How much does delivery cost? How long is the warranty? It is for a kettle.",
     ["How much does delivery cost?", "How long is the warranty? It is for a kettle."]),
    ("I'd like to know if the teapot comes in white, and whether you deliver to Vienna",
     ["I'd like to know if the teapot comes in white", "whether you deliver to Vienna"]),
]  # fmt: skip

WHOLE = [
    "How much is the Bruno kettle?",
    "How much is the Bruno kettle? And how heavy?",
    "How much does delivery cost and how long does it take?",
    "I need a lamp. What do you have under 50 euros?",
    "My kettle is leaking. What can I do?",
    "Thanks! Do you also have plates?",
    "Is the Aster mug dishwasher safe and does it come in green?",
    "Do you sell mugs? Do you sell plates? Do you sell lamps? Do you sell vases?",
    "a blue mug and a red lamp",
    "",
]


@pytest.mark.parametrize(("said", "parts"), PARTED)
def test_questions_that_stand_on_their_own_are_parted(said: str, parts: list[str]) -> None:
    assert questions(said, "en", photo=False) == parts


@pytest.mark.parametrize("said", WHOLE)
def test_what_is_about_one_thing_stays_whole(said: str) -> None:
    assert questions(said, "en", photo=False) == []


def test_other_languages_are_parted_at_their_own_marks() -> None:
    assert questions("Liefern Sie nach Spanien? Ist sie schwer?", "de", photo=False) == []
    assert len(questions("Liefern Sie nach Spanien? Haben Sie Lampen?", "de", photo=False)) == 2
    assert len(questions("你们发货到德国吗？可以用支付宝吗？", "zh", photo=False)) == 2


def test_what_points_means_the_photo_not_what_was_said_before() -> None:
    said = "Do you ship to Spain? How much is this?"
    assert questions(said, "en", photo=False) == []
    assert questions(said, "en", photo=True) == ["Do you ship to Spain?", "How much is this?"]


@pytest.fixture
def talk(agent):
    def say(turn: Turn) -> tuple[Reply, list[Decided]]:
        events = list(agent.reply(turn, agent.store.new_conversation()))
        return events[-1].reply, [event for event in events if isinstance(event, Decided)]

    return say


def cited(reply: Reply) -> list[str]:
    return [citation.document for citation in reply.citations]


def evidence(decided: list[Decided]) -> list:
    answers = [one.decision for one in decided if isinstance(one.decision, Answer)]
    return [hit for answer in answers for hit in answer.hits]


def test_each_question_gets_its_answer_in_order(talk) -> None:
    reply, decided = talk(Turn("How long is the warranty? And do you gift wrap?"))
    assert cited(reply) == ["faq-warranty", "faq-gift-wrap"]
    assert reply.text.index("2 years") < reply.text.index("3.50 EUR")
    assert len(decided) == 2 and grounded(reply.text, evidence(decided)) == []


def test_the_next_step_is_offered_once_at_the_end(talk) -> None:
    reply, _ = talk(Turn("How much is express delivery? Can I pay with PayPal?"))
    assert "9.90 EUR" in reply.text and "PayPal" in reply.text
    assert "If a parcel is on its way" not in reply.text
    assert reply.text.endswith("ask for a person.")


def test_a_product_and_a_rule_in_one_message(talk) -> None:
    reply, _ = talk(Turn("Hi! I'm looking for a teapot. Also, can I pay with PayPal?"))
    assert "teapot" in reply.products[0].title and "PayPal" in reply.text


def test_what_the_shop_does_not_answer_is_said_beside_what_it_does(talk) -> None:
    reply, decided = talk(Turn("Do you sell car tyres? And how long is the warranty?"))
    assert "2 years" in reply.text
    assert [one.decision.kind for one in decided] == ["decline", "answer"]


def test_a_wish_that_only_leads_up_to_the_question_is_no_question(talk) -> None:
    reply, decided = talk(Turn("I need help with my flat. How long is the warranty?"))
    assert "2 years" in reply.text and len(decided) == 1


def test_a_wish_given_up_is_said_beside_its_own_products(talk) -> None:
    reply, _ = talk(Turn("Do you have white mugs? And do you have lamps under 20 euros?"))
    assert reply.text.index("mug") < reply.text.index("Nothing matches") < reply.text.index("lamp")


def test_a_photo_belongs_to_the_question_that_points_at_it(talk) -> None:
    photo = photo_of("kettle-bruno-red")
    reply, _ = talk(Turn("How long is the warranty? How much is this?", photos=(photo,)))
    assert "2 years" in reply.text and "Bruno kettle" in reply.text


def test_spoken_questions_are_parted_too(talk) -> None:
    said = "How long is the warranty? And do you gift wrap?"
    heard = Transcript(said, "en", 0.9, "whisper:base", 0.0, 3.0)
    reply, _ = talk(Turn(transcript=heard, text="Hello."))
    assert cited(reply) == ["faq-warranty", "faq-gift-wrap"]


def test_an_order_to_be_dealt_with_is_not_parted(talk) -> None:
    reply, decided = talk(Turn("I want to cancel my order. And do you gift wrap?"))
    assert [one.decision.kind for one in decided] == ["ask"] and "e-mail" in reply.text


def test_both_answers_are_in_the_customers_language(talk) -> None:
    reply, _ = talk(Turn("Wie lange ist die Garantie? Kann ich mit PayPal bezahlen?"))
    assert reply.language == "de" and len(cited(reply)) == 2


def test_each_answer_is_a_paragraph_of_its_own(talk) -> None:
    reply, _ = talk(Turn("How long is the warranty? And do you gift wrap?"))
    first, second = reply.text.split("\n\n")
    assert "2 years" in first and "3.50 EUR" in second
