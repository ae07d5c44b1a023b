"""How a word is said, for PocketSphinx: phones of the CMU dictionary, guessed by rule.

A guess is only made for words that the dictionary lacks, most of them names. A word made of two
known ones is said like both; an ending is said as after other words; the rest goes letter by
letter, with the commonest sound of each group of letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Lookup = Callable[[str], str | None]  # a word -> its phones "M AH G", or None

_SOUNDS = {
    "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "eigh": "EY", "augh": "AO", "tch": "CH",
    "sch": "SH", "igh": "AY", "dge": "JH", "eau": "OW", "oor": "AO R", "ear": "IH R",
    "air": "EH R", "eer": "IH R", "our": "AW ER", "qu": "K W", "ch": "CH", "sh": "SH", "th": "TH",
    "ph": "F", "wh": "W", "ck": "K", "ng": "NG", "kn": "N", "wr": "R", "gh": "G", "zz": "Z",
    "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW", "oa": "OW", "oi": "OY",
    "oy": "OY", "ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "ei": "AY", "ey": "IY",
    "ie": "IY", "ue": "UW", "ui": "UW", "eu": "UW", "ew": "UW", "ar": "AA R", "er": "ER",
    "ir": "ER", "or": "AO R", "ur": "ER", "aa": "AA", "bb": "B", "cc": "K", "dd": "D", "ff": "F",
    "gg": "G", "jj": "JH", "kk": "K", "ll": "L", "mm": "M", "nn": "N", "pp": "P", "rr": "R",
    "ss": "S", "tt": "T", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G",
    "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P",
    "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY",
    "z": "Z",
}  # fmt: skip
_LONG = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW"}
_AT_THE_END = {"a": "AH", "e": "", "i": "IY", "o": "OW", "u": "UW"}
_PIECE = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_VOWELS = "aeiouy"
_VOICELESS = {"P", "T", "K", "F", "TH"}
_HISSING = {"S", "Z", "SH", "ZH", "CH", "JH"}


def pronounce(word: str, lookup: Lookup) -> str:
    """The phones of a word of the letters a to z and the apostrophe; "" when there is no letter."""
    for known in (lookup(word), _of_two(word, lookup), _with_ending(word, lookup)):
        if known:
            return known
    return _by_letters(word.replace("'", ""))


def _of_two(word: str, lookup: Lookup) -> str | None:
    """ "tablecloth" as "table" and "cloth": the split whose shorter half is longest."""
    for first in sorted(range(3, len(word) - 2), key=lambda cut: abs(2 * cut - len(word))):
        halves = lookup(word[:first]), lookup(word[first:])
        if halves[0] and halves[1]:
            return " ".join(halves)  # type: ignore[arg-type]
    return None


def _with_ending(word: str, lookup: Lookup) -> str | None:
    if word.endswith("s") and len(word) > 2:
        stem = word[:-1].removesuffix("'")
        phones = lookup(stem) or _by_letters(stem)
        last = phones.split()[-1] if phones else ""
        if last in _HISSING:
            return f"{phones} AH Z"
        return f"{phones} {'S' if last in _VOICELESS else 'Z'}"
    return None


def _by_letters(word: str) -> str:
    phones: list[str] = []
    place = 0
    while match := _PIECE.match(word, place):
        piece, place = match[0], match.end()
        after = word[place : place + 1]
        sound = _SOUNDS[piece]
        if piece == "c" and after and after in "eiy":
            sound = "S"
        elif piece == "y" and not phones:
            sound = "Y"
        elif piece in _LONG and not after and phones:
            sound = _AT_THE_END[piece]
        elif piece in _LONG and _is_long(word, place):
            sound = _LONG[piece]
        if sound:
            phones.append(sound)
    return " ".join(phones)


def _is_long(word: str, place: int) -> bool:
    """Whether the vowel before `place` is said as its name: "Hora", "Tove", "spade"."""
    after = word[place : place + 2]
    return len(after) == 2 and after[0] not in _VOWELS + "wx" and after[1] in _VOWELS
