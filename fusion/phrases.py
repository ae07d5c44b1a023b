"""Our own customer sentences, a file an intent in `fusion/templates`, to train and judge fusion on.

Slots: {kind} "mug", {color}, {material}, {size}, {title} "Aster mug, blue", {name} "Aster mug";
in edits.txt {wish}, a colour, material or size. Every fifth line is held out for validation
(`fusion.data` splits by template, never by row).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "templates"

OPENERS = ("", "", "", "", "", "hi, ", "hello, ", "hey, ", "please, ", "quick question: ", "ok, ")
CLOSERS = ("", "", "", "?", "?", ".", " please", " thanks", "!")

BUDGETS = (
    " under {} euros",
    " for less than {} EUR",
    " below {} €",
    ", at most {} euros",
    " up to {}€",
)


@cache
def sentences(name: str) -> tuple[str, ...]:
    """The templates of one file: an intent's, "edits" (ask for a sibling of the product shown or
    spoken of) or "bare" (say nothing of which product is meant)."""
    return tuple((FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def names() -> tuple[str, ...]:
    """Of all files, in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))
