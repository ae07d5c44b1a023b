"""What a bad mood changes: softer words, a person offered, a hand-off that is taken sooner."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from agent.types import Act, Answer, Ask, Decision, HandOff, Limits, Reply
from fusion.mood import Moods
from fusion.text import TextEncoder
from fusion.types import BadInput, Message, Modality, Percept

Priority = Literal[0, 1, 2]
"""Of a hand-off: 0 as it comes, 1 sooner, 2 first."""

FURIOUS = -0.8  # at or below: first
SOONER = frozenset({"complaint", "damaged_item", "unhappy"})  # reasons of a hand-off

SORRY_TOPICS = frozenset({"complaint", "damaged_item"})  # their answers begin with it
SORRY = (
    "I am sorry for the trouble.",
    "I can see that this is frustrating.",
    "I am sorry that this is still not settled.",
)
PERSON = "If you would rather talk to a person, say so and I pass you on."


def earlier(history: Sequence[Message]) -> list[str]:
    """What the customer wrote before."""
    return [message.text for message in history if message.speaker == "customer"]


def was_unhappy(shown: Sequence[Reply], limits: Limits) -> bool:
    """Whether the customer's last turn was an unhappy one; `shown`: the replies, oldest first."""
    return bool(shown) and shown[-1].mood <= limits.unhappy


def priority(mood: float, reason: str, limits: Limits) -> Priority:
    if mood <= FURIOUS:
        return 2
    return 1 if mood <= limits.unhappy or reason in SOONER else 0


def softened(
    decision: Decision, mood: float, history: Sequence[Message], limits: Limits
) -> tuple[str, str]:
    """What is said before and after a reply to somebody who is unhappy; "" where nothing is.

    Nothing is said twice in a row, and a question of ours is followed by nothing. A question that
    says sorry itself is left to say it.
    """
    if mood > limits.unhappy or isinstance(decision, HandOff):
        return "", ""
    said = [message.text for message in history if message.speaker == "agent"]
    last = said[-1] if said else ""
    before = next((line for line in SORRY if not any(line in words for words in said)), "")
    if isinstance(decision, Answer) and decision.topic in SORRY_TOPICS:
        before = ""
    if isinstance(decision, Ask) and "sorry" in decision.question:
        before = ""
    after = "" if isinstance(decision, (Ask, Act)) or PERSON in last else PERSON
    return before, after


def judge_moods(moods: Moods, encoder: TextEncoder, path: Path, limits: Limits) -> dict[str, float]:
    """How often the mood is judged right on written examples: JSONL of text, earlier (a list),
    photo and upset (both true or false). Raises BadInput when it cannot be read."""
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        upset = [bool(row["upset"]) for row in rows]
        judged = [_judge(moods, encoder, row) <= limits.unhappy for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} cannot be read as examples of moods: {error}") from error
    right = [a == b for a, b in zip(judged, upset, strict=True)]
    found = [a for a, b in zip(judged, upset, strict=True) if b]
    alarms = [a for a, b in zip(judged, upset, strict=True) if not b]
    return {
        "examples": float(len(rows)),
        "judged right": sum(right) / max(len(rows), 1),
        "upset, seen to be": sum(found) / max(len(found), 1),
        "calm, taken for upset": sum(alarms) / max(len(alarms), 1),
    }


def _judge(moods: Moods, encoder: TextEncoder, row: dict) -> float:
    text = row["text"]
    states = encoder.states(text)
    encoded: dict[Modality, object] = {"text": states}
    if row["photo"]:  # only that one came along counts, not what it shows
        encoded["photo"] = states
    return moods(Percept(text, text, None, (), encoded, {}), row["earlier"])  # type: ignore[arg-type]
