"""Numbers printed in a photo: candidates for the order and the article meant, and nothing more.

A number on a label says what a wish may be about. It identifies nobody and agrees to nothing: no
other print reaches a flow, and whose order it is the flow checks as of a typed one.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.rules import Rules
from fusion.types import PrintedText
from knowledge.codes import bare, codes_in
from knowledge.index import Knowledge

SHOWN = 5  # numbers taken from one turn; a list of orders is no label
READ = 20  # lines of a label in which article numbers are looked for


def order_numbers(printed: Sequence[PrintedText], rules: Rules) -> tuple[str, ...]:
    """The order numbers in the print, as the shop writes them, without those said twice."""
    found = [number for line in printed for number in rules.find_orders(line.text)]
    return tuple(dict.fromkeys(found))[:SHOWN]


def shown_codes(printed: Sequence[PrintedText]) -> set[str]:
    """What in the print may be a code, as `bare` writes it."""
    return {code for line in printed[:READ] for code in codes_in(line.text)}


def articles(printed: Sequence[PrintedText], knowledge: Knowledge) -> tuple[str, ...]:
    """The numbers in the print that may be an article's, and the ids of the products that have one
    of them alone, all as `bare` writes them."""
    codes = sorted(shown_codes(printed))
    found = [knowledge.related(code) for code in codes]
    return (*codes, *(bare(only[0].id) for only in found if len(only) == 1))
