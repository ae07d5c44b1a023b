"""Moods: what each sign adds, and that the shipped weights judge like a person would, mostly."""

from pathlib import Path

import pytest

from agent.mood import judge_moods, softened
from agent.types import Answer, Ask, HandOff, Limits
from fusion.mood import load_moods, repeats, shouts
from fusion.types import Message

SAMPLES = Path(__file__).parent / "samples"


@pytest.mark.parametrize(
    ("words", "earlier", "again"),
    [
        ("I want to return the lamp!", ["I want to return the lamp"], True),
        ("Where is my refund? Where is my refund?", [], True),
        ("is the teapot dishwasher safe", ["is the teapot in stock"], False),
        ("yes please", ["yes please"], False),
    ],
)
def test_repeats(words, earlier, again):
    assert repeats(words, earlier) is again


@pytest.mark.parametrize(
    ("words", "loud"),
    [("WHERE IS MY ORDER", True), ("Order K1004 by DHL, size XL", False), ("I am NOT sure", False)],
)
def test_shouts(words, loud):
    assert shouts(words) is loud


def test_written_examples_are_mostly_judged_right(text_encoder):
    figures = judge_moods(load_moods(), text_encoder, SAMPLES / "moods.jsonl", Limits())
    assert figures["examples"] == 100
    assert figures["judged right"] >= 0.75
    assert figures["calm, taken for upset"] <= 0.05


def test_an_unhappy_customer_is_answered_softly_and_offered_a_person_once():
    before, after = softened(Answer((), ""), -0.7, [], Limits())
    assert "sorry" in before and "person" in after
    history = [Message("customer", "hm"), Message("agent", f"{before} It is blue. {after}")]
    other, none = softened(Answer((), ""), -0.7, history, Limits())
    assert other and other != before and none == ""
    asked = Ask("reason", "I am sorry about that. What happened?")
    assert softened(asked, -0.7, [], Limits()) == ("", "")
    assert softened(Answer((), ""), 0.1, [], Limits()) == ("", "")
    assert softened(HandOff("asked", ""), -0.9, [], Limits()) == ("", "")
