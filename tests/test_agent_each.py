"""What is asked of several products at once, be they shown by us or by the customer's photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.grounding import grounded
from agent.types import Decline, Related, Reply
from fusion.types import Turn

PHOTOS = Path(__file__).parent / "samples" / "photos" / "customer"
CHAIR, MUG = PHOTOS / "armchair-fell-grey_1.jpg", PHOTOS / "mug-aster-green_1.jpg"
ASTER_GREEN = PHOTOS / "mug-aster-green_2.jpg"


@pytest.fixture
def show(agent) -> Callable[..., Reply]:
    """Say something beside photos, in one new conversation."""
    conversation = agent.store.new_conversation()

    def say(text: str, *photos: Path) -> Reply:
        turn = Turn(text, photos=tuple(photo.read_bytes() for photo in photos))
        *_, done = agent.reply(turn, conversation)
        return done.reply

    return say


def families(reply: Reply) -> list[str]:
    return [card.id.rsplit("-", 1)[0] for card in reply.products]


def test_a_question_about_both_is_answered_for_each(grounded_talk) -> None:
    grounded_talk("compare the blue Aster mug and the white Linden plate")
    reply = grounded_talk("are both in stock?")
    assert "Aster mug, blue: in stock (42 pieces)." in reply.text
    assert "Linden plate, white: in stock (80 pieces)." in reply.text
    reply = grounded_talk("which is cheaper?")
    assert [card.id for card in reply.products] == ["mug-aster-blue", "plate-linden-white"]


def test_what_states_the_same_is_said_once(grounded_talk) -> None:
    grounded_talk("compare the blue Aster mug and the white Linden plate")
    reply = grounded_talk("are they dishwasher safe?")
    assert reply.text.lower().count("dishwasher and microwave safe") == 1
    assert "Aster mug, blue and Linden plate, white" in reply.text


def test_it_is_about_the_first_and_a_rule_about_none(grounded_talk) -> None:
    grounded_talk("compare the blue Aster mug and the white Linden plate")
    assert "Linden" not in grounded_talk("how heavy is it?").text
    reply = grounded_talk("how long do they take to arrive?")
    assert reply.decision.related is None and reply.decision.hits[0].document.kind != "product"


@pytest.mark.parametrize("words", ["", "do you sell these?", "I like both, are they in stock?"])
def test_two_photos_are_two_products(show, words) -> None:
    reply = show(words, CHAIR, MUG)
    assert reply.decision.related == Related("each")
    assert families(reply) == ["armchair-fell", "mug-aster"]
    assert reply.text.startswith("Your photos look like the Fell armchair")
    assert grounded(reply.text, reply.decision.hits) == []


def test_two_photos_are_compared(show) -> None:
    assert families(show("which of these two is cheaper?", CHAIR, MUG)) == [
        "mug-aster",
        "armchair-fell",
    ]
    reply = show("compare these", CHAIR, MUG)
    assert reply.comparison and len(reply.comparison.products) == 2


def test_the_second_is_the_second_photo(show) -> None:
    assert families(show("is the second one in stock?", CHAIR, MUG))[0] == "mug-aster"


def test_the_second_shown_is_told_of_whatever_is_asked(grounded_talk) -> None:
    second = grounded_talk("do you have mugs?").products[1]
    assert grounded_talk("is the second one heavy?").products[0].id == second.id


def test_a_photo_that_follows_is_no_complaint(show) -> None:
    show("how much is the Aster mug?")
    reply = show("and this?", PHOTOS / "teapot-hazel-blue_1.jpg")
    assert reply.decision.kind == "answer" and families(reply)[0] == "teapot-hazel"


def test_which_of_two_photos_is_cheaper_in_another_language(show) -> None:
    assert families(show("どちらが安いですか？", CHAIR, MUG)) == ["mug-aster", "armchair-fell"]


def test_two_photos_of_one_thing_are_one_product(show) -> None:
    reply = show("how much is this?", MUG, ASTER_GREEN)
    assert reply.decision.related is None and families(reply)[0] == "mug-aster"


def test_two_photos_in_another_language(show) -> None:
    reply = show("sind die beiden vorrätig?", CHAIR, MUG)
    assert reply.language == "de" and "auf Lager" in reply.text
    assert families(reply) == ["armchair-fell", "mug-aster"]


def test_a_photo_alone_is_never_outside_what_can_be_answered(agent) -> None:
    replies = []
    for path in sorted((PHOTOS.parent / "foreign").glob("*.jpg")):
        turn = Turn(photos=(path.read_bytes(),))
        *_, done = agent.reply(turn, agent.store.new_conversation())
        replies.append(done.reply)
    assert Decline("out_of_scope") not in [reply.decision for reply in replies]
    told = [reply for reply in replies if reply.decision == Decline("not_sold")]
    assert len(told) >= len(replies) / 2 and all(reply.products for reply in told)


@pytest.mark.parametrize(
    ("words", "said"), [("is this broken?", "cannot tell"), ("ist das kaputt?", "sicher")]
)
def test_whether_it_is_damaged_is_not_judged(show, words, said) -> None:
    reply = show(words, CHAIR)
    assert said in reply.text and not reply.products


def test_what_is_said_of_another_kind_of_thing_is_no_answer(grounded_talk) -> None:
    grounded_talk("tell me about the Fell armchair")
    assert "tumbler" not in grounded_talk("is it dishwasher safe?").text.lower()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("is the Linden plate handmade?", "I do not find that stated."),
        ("how do I descale the Bruno kettle?", "vinegar"),
        ("tell me about the Linden plate", "dinner plate"),
    ],
)
def test_what_is_asked_of_a_product_is_answered_or_said_not_to_be_stated(
    grounded_talk, words, said
) -> None:
    assert said in grounded_talk(words).text
