"""Spanish sentences in Portuguese words: few everyday Portuguese ones are there to learn from.

Word by word, with the endings that the two languages share; good enough for a sum of words.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "cognates.tsv"
_ENDS = (
    ("aciones", "ações"), ("iciones", "ições"), ("ciones", "ções"), ("siones", "sões"),
    ("ación", "ação"), ("ición", "ição"), ("ción", "ção"), ("sión", "são"), ("dades", "dades"),
    ("dad", "dade"), ("tud", "tude"), ("ando", "ando"), ("iendo", "endo"), ("aba", "ava"),
    ("aban", "avam"), ("aron", "aram"), ("ieron", "eram"), ("arán", "arão"), ("aré", "arei"),
    ("eré", "erei"), ("iré", "irei"), ("mente", "mente"), ("able", "ável"), ("ible", "ível"),
    ("ío", "io"), ("ía", "ia"), ("ó", "ou"), ("é", "ei"), ("an", "am"), ("en", "em"), ("ez", "ez"),
    ("eza", "eza"), ("ero", "eiro"), ("era", "eira"), ("ón", "ão"), ("n", "m"),
)  # fmt: skip


@cache
def _words() -> dict[str, str]:
    rows = TABLE.read_text("utf-8").splitlines()[1:]
    return dict(row.split("\t") for row in rows)


def portuguese(spanish: str) -> str:
    """The sentence, in words that are or look Portuguese."""
    return re.sub(r"[^\W\d_]+", lambda match: _word(match[0].lower()), spanish)


def _word(word: str) -> str:
    if word in _words():
        return _words()[word]
    for end, other in _ENDS:
        if word.endswith(end) and len(word) > len(end) + 1:
            word = word[: -len(end)] + other
            break
    if word.startswith("ll"):
        word = "ch" + word[2:]
    for one, other in (("ñ", "nh"), ("ll", "lh"), ("ue", "o"), ("ie", "e"), ("güe", "gue")):
        word = word.replace(one, other)
    return word
