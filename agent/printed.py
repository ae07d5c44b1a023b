"""Order numbers printed in a photo: candidates for the order that is meant, and nothing more.

A number on a label says which order a wish may be about. It identifies nobody and agrees to
nothing: no other print reaches a flow, and whose order it is the flow checks as of a typed one.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.rules import Rules
from fusion.types import PrintedText

SHOWN = 5  # numbers taken from one turn; a list of orders is no label


def order_numbers(printed: Sequence[PrintedText], rules: Rules) -> tuple[str, ...]:
    """The order numbers in the print, as the shop writes them, without those said twice."""
    found = [number for line in printed for number in rules.find_orders(line.text)]
    return tuple(dict.fromkeys(found))[:SHOWN]
