"""Numbers and codes as they are said, one letter or digit at a time: "K one double oh four"."""

from __future__ import annotations

from collections.abc import Sequence

DIGITS = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
TIMES = {"double": 2, "triple": 3}
_ALPHABET = (
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india",
    "juliet", "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo",
    "sierra", "tango", "uniform", "victor", "whiskey", "x-ray", "yankee", "zulu",
)  # fmt: skip
NAMED = {word: word[0].upper() for word in _ALPHABET}
LETTERS = {f"{letter}.": letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"} | {"zed": "Z"}
DIGIT, LETTER = 1e-13, 1e-20  # chances of a word in the grammar; low ones keep it from adding words

Step = tuple[int, int, float, str]  # from state, to state, chance, word
START, DIGITS_ONLY = 0, 1  # letters only come first, as in "K1004": they are easily misheard


def grammar() -> list[Step]:
    """Transitions of a finite-state grammar that begins in START and ends in DIGITS_ONLY."""
    steps: list[Step] = []
    for state in (START, DIGITS_ONLY):
        steps += [(state, DIGITS_ONLY, DIGIT, word) for word in DIGITS]
        steps += [(state, 2, DIGIT, word) for word in TIMES]
    steps += [(2, DIGITS_ONLY, DIGIT, word) for word in DIGITS]
    steps += [(START, START, LETTER, word) for word in (*LETTERS, *NAMED)]
    steps += [(START, 3, LETTER, word) for word in LETTERS]  # "k as in kilo", "k for kilo"
    steps += [(3, 4, 0.5, "as"), (3, 5, 0.5, "for"), (4, 5, 1.0, "in")]
    steps += [(5, START, 1 / len(NAMED), word) for word in NAMED]
    return steps


def written(words: Sequence[str]) -> str:
    """What was spelt: "k. as in kilo one double oh four" is "K1004"."""
    out: list[str] = []
    times = 1
    for i, word in enumerate(words):
        if word in TIMES:
            times = TIMES[word]
        elif word in DIGITS:
            out.append(DIGITS[word] * times)
            times = 1
        elif word in LETTERS and not (i + 1 < len(words) and words[i + 1] in ("as", "for")):
            out.append(LETTERS[word])
        elif word in NAMED:  # after "k as in" it is the word that is heard better
            out.append(NAMED[word])
    return "".join(out)
