"""A shop's language for PocketSphinx: trigrams of what is said about it, and its own words.

Estimated by PocketSphinx's `ArpaBoLM` from sentences that the caller gathers; the single words of
general English are mixed in, so that a question may also have words that no sentence had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pocketsphinx import Config, LogMath, NGramModel, get_model_path
from pocketsphinx.lm import ArpaBoLM

from fusion.pronounce import pronounce

TRIGRAMS, WORDS, NAMES = "shop.lm", "shop.dict", "names.txt"
GENERAL = 0.3  # of all words counted: those of general English
GENERAL_WORDS = 5_000  # the commonest
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[a-z]+(?:'[a-z]+)*")
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
_TENS = (
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_SIGNS = {"€": " euros ", "&": " and ", "%": " percent ", "’": "'", "é": "e", "ø": "o", "°": " "}


def spoken_form(text: str) -> str:
    """As a recogniser writes it: lower case, numbers in words, nothing but words and spaces."""
    for sign, said in _SIGNS.items():
        text = text.replace(sign, said)
    tokens = []
    for token in _TOKEN.findall(text.lower()):
        tokens.append(number(token) if token[0].isdigit() else token)
    return " ".join(tokens)


def number(digits: str) -> str:
    """ "30" as "thirty", "16.90" as "sixteen ninety", "1014" digit by digit."""
    parts = [part for part in re.split(r"[.,]", digits) if part]
    return " ".join(
        " ".join(_ONES[int(d)] for d in part) if len(part) > 3 else _small(int(part))
        for part in parts
    )


def _small(value: int) -> str:
    if value < 20:
        return _ONES[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return _TENS[tens - 2] + (f" {_ONES[ones]}" if ones else "")
    hundreds, rest = divmod(value, 100)
    return f"{_ONES[hundreds]} hundred" + (f" {_small(rest)}" if rest else "")


def write_language(sentences: Iterable[str], names: Iterable[str], folder: Path) -> int:
    """Estimate and write it into `folder`; how many sentences it was estimated from.

    `names` are what the shop calls its products, which Whisper is told.

    With none, what was there is removed: the recogniser then hears general English only.
    """
    said = [form for sentence in sentences if (form := spoken_form(sentence))]
    if not said:
        for name in (TRIGRAMS, WORDS, NAMES):
            (folder / name).unlink(missing_ok=True)
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    known, general = dictionary(), _general_english()
    unknown = sorted({word for line in said for word in line.split()} - known.keys())
    guessed = {word: phones for word in unknown if (phones := pronounce(word, known.get))}
    model = ArpaBoLM(text="\n".join(said), add_start=True)
    mass = GENERAL / (1 - GENERAL) * sum(model.grams_1.values()) / sum(general.values())
    for word, probability in general.items():
        model.grams_1[word] += mass * probability
    model.compute()
    model.write_file(str(folder / TRIGRAMS))
    lines = [f"{word} {phones}\n" for word, phones in guessed.items()]
    (folder / WORDS).write_text("".join(lines), encoding="utf-8")
    (folder / NAMES).write_text("\n".join(dict.fromkeys(names)), encoding="utf-8")
    return len(said)


def read_names(folder: Path) -> list[str]:
    """What the shop calls its products; none where nothing was written."""
    path = folder / NAMES
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


@cache
def dictionary() -> dict[str, str]:
    """The CMU dictionary that comes with PocketSphinx: word -> phones, the first of several."""
    known: dict[str, str] = {}
    path = Path(get_model_path()) / "en-us" / "cmudict-en-us.dict"
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, phones = line.partition(" ")
        known.setdefault(word, phones.strip())
    return known


@cache
def _general_english() -> dict[str, float]:
    """The commonest words of PocketSphinx's own model, with their probabilities."""
    path = Path(get_model_path()) / "en-us" / "en-us.lm.bin"
    logarithms = LogMath()
    model = NGramModel(Config(), logarithms, str(path))
    words = [word for word in dictionary() if word.replace("'", "").isalpha()]
    chances = {word: logarithms.exp(model.prob([word])) for word in words}
    best = sorted(words, key=lambda word: -chances[word])[:GENERAL_WORDS]
    return {word: chances[word] for word in best}
