"""Damage in a photo: it settles a close talk and informs a person, and never does more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.damage import DAMAGED, LEAN, leant, speaks
from agent.state import FlowState
from fusion.types import Attributions, Fused, Turn

PHOTOS = Path(__file__).parent / "samples" / "photos" / "damage"
MARTA = "marta.claes@example.com"  # K1036 shipped
CARLOS = "carlos.ortega@example.com"  # K1019 delivered 10 September


def understood(**intents: float) -> Fused:
    shares = dict(sorted(intents.items(), key=lambda one: -one[1]))
    nowhere = np.zeros(384, np.float32)
    return Fused(shares, 0.0, nowhere, nowhere, Attributions({}, {}), 0.0)


@pytest.mark.parametrize(
    ("intents", "best"),
    [
        ({"return": 0.45, DAMAGED: 0.35, "exchange": 0.2}, DAMAGED),  # close: the photo settles it
        ({"return": 0.8, DAMAGED: 0.1, "exchange": 0.1}, "return"),  # clear: the words win
        ({"product_question": 0.9, "availability": 0.1}, "product_question"),
        ({DAMAGED: 0.7, "return": 0.3}, DAMAGED),
    ],
)
def test_a_photo_settles_only_what_is_close(intents, best) -> None:
    before, after = understood(**intents), leant(understood(**intents))
    assert after.intent == best
    assert sum(after.intents.values()) == pytest.approx(1)
    if best != DAMAGED:
        assert after.intents == before.intents
    else:
        assert after.intents[DAMAGED] <= before.intents[DAMAGED] + LEAN


@pytest.mark.parametrize(
    ("words", "heeded"),
    [
        ("this is how my parcel arrived", True),
        ("I ordered this jug last week", True),
        ("it came like this", True),
        ("how much is this?", False),
        ("do you sell this in blue?", False),
        ("", False),
        ("my jug arrived and it is not broken, how do I clean it?", False),
        ("my jug came in perfect condition", False),
        ("nothing is damaged on my order", False),
    ],
)
def test_damage_counts_only_in_talk_of_what_was_received(words, heeded) -> None:
    assert speaks(words, FlowState(conversation="c")) is heeded


def test_damage_counts_while_an_order_is_talked_of() -> None:
    assert speaks("look", FlowState(conversation="c", last_order="K1036"))


# --- Through the real agent -------------------------------------------------------------------


@pytest.fixture
def talk(agent):
    conversation = agent.store.new_conversation()

    def say(text: str, photo: str = ""):
        photos = ((PHOTOS / f"{photo}.jpg").read_bytes(),) if photo else ()
        *_, done = agent.reply(Turn(text, photos=photos), conversation)
        return done.reply

    say.conversation = conversation
    return say


def told(agent, conversation: str) -> str:
    """What the person who takes over is told."""
    return next(w.summary for w in agent.store.waiting() if w.conversation == conversation)


@pytest.mark.parametrize("photo", ["crack", "stain"])
def test_a_person_is_told_what_the_photo_seems_to_show(agent, talk, photo) -> None:
    talk("look how my order K1036 arrived, it is damaged", photo)
    reply = talk(MARTA)
    assert reply.decision.kind == "handoff" and reply.decision.reason == DAMAGED
    assert "The photo seems to show" in told(agent, talk.conversation)
    assert reply.done == ()


def test_a_person_is_told_nothing_of_a_whole_one(agent, talk) -> None:
    talk("look how my order K1036 arrived, it is damaged", "whole")
    assert talk(MARTA).decision.kind == "handoff"
    assert "seems to show" not in told(agent, talk.conversation)


def test_money_is_never_given_back_for_a_photo(agent, talk) -> None:
    before = agent.shop.order("K1019")
    for words, photo in (
        ("I want my money back", "crack"),
        ("see? give me my money back for K1019 now", "crack"),
        (f"{CARLOS}, here it is again", "crack"),
    ):
        reply = talk(words, photo)
        assert reply.done == () and reply.decision.kind in ("ask", "handoff")
    assert agent.shop.order("K1019") == before


def test_without_the_signal_the_fusion_model_sees_the_same(agent) -> None:
    from fusion.perceive import perceive

    turn = Turn("how much is this?", photos=((PHOTOS / "crack.jpg").read_bytes(),))
    percept = perceive(turn, (), agent.encoders, agent.input_limits)
    assert percept.damage is not None
    with_it, without = agent.fusion(percept), agent.fusion(replace(percept, damage=None))
    assert with_it.intents == without.intents
    assert np.array_equal(with_it.vector, without.vector)
