"""What a recogniser may expect to hear."""

from __future__ import annotations

from collections.abc import Sequence

from agent.types import Ask, Reply
from fusion.types import Expected

NUMBERS = ("order_id", "zip")  # slots that are spelt out


def expected(shown: Sequence[Reply]) -> Expected:
    """What the customer was just asked to say."""
    asked = shown[-1].decision if shown else None
    return "number" if isinstance(asked, Ask) and asked.slot in NUMBERS else "words"
