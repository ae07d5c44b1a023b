"""Options of an article in a customer's words: "the 128 GB one in grey".

Values are compared as lists of plain tokens, so that "128 GB", "128GB" and "128-gb" are one word,
and so are "grey" and "gray".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_UNITS = {
    "gb": "gb|gigs?|gigabytes?", "tb": "tb|terabytes?", "mah": "mah", "ml": "ml|milliliters?",
    "inch": 'inch(?:es)?|in\\.|"|”', "ft": "ft|feet|foot", "mm": "mm|millimet(?:er|re)s?",
    "mp": "mp|megapixels?", "lb": "lbs?|pounds?", "bar": "bars?", "hour": "hours?|hrs?|h",
    "degree": "degrees?|°", "cup": "cups?", "piece": "pieces?|pcs?", "l": "l|lit(?:er|re)s?",
    "w": "w|watts?",
}  # fmt: skip
_UNIT = [(unit, re.compile(rf"(\d)[\s-]*(?:{names})(?![\w%])")) for unit, names in _UNITS.items()]
_SAME = {
    r"\bwi-?fi\b": "wifi", r"\bt[- ]?shirts?\b": "tshirt", r"\be-?readers?\b": "ereader",
    r"\bgrey\b": "gray", r"\bfull[- ]size(?:d)?\b": "fullsize", r"\bextra[- ]large\b": "xl",
    r"\bextra[- ]small\b": "xs", r"\bcolou?rs?\b": "color", r"'s\b": "", r"\bandroid\b": "android",
    r"\b5-25\b": "5to25",
}  # fmt: skip
_TOKEN = re.compile(r"\d+(?:\.\d+)?[a-z]*%?|[a-z]+[a-z0-9]*")
_LETTERS = {"s": "small", "m": "medium", "l": "large"}
_NOT = {"not", "non", "no", "without", "isnt", "un"}


def tokens(text: str) -> list[str]:
    """Plain words: lower case, singular, units joined to their numbers."""
    text = text.lower().replace("’", "'")
    for spelt, plain in _SAME.items():
        text = re.sub(spelt, plain, text)
    for unit, pattern in _UNIT:
        text = pattern.sub(rf"\1{unit}", text)
    return [_singular(word) for word in _TOKEN.findall(text.replace("'", ""))]


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def places(part: Sequence[str], whole: Sequence[str]) -> Iterator[int]:
    """Where the tokens `part` begin in `whole`, one after the other."""
    for start in range(len(whole) - len(part) + 1):
        if part and list(whole[start : start + len(part)]) == list(part):
            yield start


@dataclass(frozen=True, slots=True)
class Described:
    """Options that words name: option -> values, of which any will do; for a value that several
    options have ("black" lens or frame), each of them stands in `either`."""

    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    either: tuple[tuple[tuple[str, str], ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.either)

    def fits(self, options: Mapping[str, str]) -> bool:
        return all(options.get(name) in values for name, values in self.values.items()) and all(
            any(options.get(name) == value for name, value in pairs) for pairs in self.either
        )

    def count(self, options: Mapping[str, str]) -> int:
        """How many of the named values these options have."""
        return sum(options.get(name) in values for name, values in self.values.items()) + sum(
            any(options.get(name) == value for name, value in pairs) for pairs in self.either
        )

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.values) | {name for pairs in self.either for name, _ in pairs}


def described(words: str, options: Sequence[Mapping[str, str]]) -> Described:
    """The options that the words name, among those that `options` (of several variants) have."""
    known: dict[str, list[str]] = {}
    for one in options:
        for name, value in one.items():
            if value not in known.setdefault(name, []):
                known[name].append(value)
    said = tokens(words)
    upper = set(re.findall(r"\b[A-Z]+\b", words))
    spellings = [
        (spelling, name, value)
        for name, values in known.items()
        for value in values
        for spelling in _spellings(name, value, values)
    ]
    spellings.sort(key=lambda entry: -len(entry[0]))
    used: set[int] = set()
    found: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for spelling, name, value in spellings:
        for start in places(spelling, said):
            span = (start, start + len(spelling))
            if used & set(range(*span)) and span not in found:
                continue
            if len(spelling) == 1 and not _stands_alone(spelling[0], start, said, upper):
                continue
            used |= set(range(*span))
            found.setdefault(span, []).append((name, value))
    values: dict[str, set[str]] = {}
    either = []
    for (start, end), pairs in sorted(found.items()):
        near = {*said[max(start - 3, 0) : start], *said[end : end + 3]}
        named = [pair for pair in pairs if set(tokens(pair[0])) - {"color", "size"} & near]
        close = [pair for pair in pairs if _beside(pair[0], start, end, said)]
        pairs = close or named or pairs
        if len({name for name, _ in pairs}) == 1:
            values.setdefault(pairs[0][0], set()).update(value for _, value in pairs)
        else:
            either.append(tuple(pairs))
    return Described({name: frozenset(v) for name, v in values.items()}, tuple(either))


def _beside(name: str, start: int, end: int, said: Sequence[str]) -> bool:
    """Whether the option's whole name stands right before or right after the value."""
    own = tokens(name)
    after, before = list(said[end : end + len(own)]), list(said[max(start - len(own), 0) : start])
    linked = list(said[max(start - len(own) - 1, 0) : max(start - 1, 0)])
    return own in (after, before) or (linked == own and said[start - 1] in ("is", "of", "in", "to"))


def _spellings(name: str, value: str, values: Sequence[str]) -> list[list[str]]:
    """How a value may be said: whole, and without the words that all values of the option share."""
    whole = tokens(value)
    own = tokens(name)
    if value in ("yes", "no", "none"):
        said = [[*own, value], [value, *own], [*own, "to", value], [*own, "is", value]]
        if value == "none":
            return [[value], *said, *([no, *own] for no in _NOT), *([no, own[-1]] for no in _NOT)]
        adjectives = [own, [*own[:-1], own[-1].removesuffix("ce") + "t"]]  # water resistant
        if value == "yes":
            return [*said, *adjectives]
        return said + [[no, *adjective] for adjective in adjectives for no in _NOT]
    spelt = [whole]
    common = (
        set.intersection(*(set(tokens(other)) for other in values)) if len(values) > 1 else set()
    )
    short = [word for word in whole if word not in common]
    if short and short != whole and len("".join(short)) > 1:
        spelt.append(short)
    others = {word for other in values if other != value for word in tokens(other)}
    alone = [word for word in whole if len(word) > 3 and word not in others and word not in own]
    if len(whole) > 1:  # "Google" for Google Assistant, "steel" for stainless steel
        spelt += [[word] for word in alone if not word[0].isdigit()]
    if value.isdigit():
        spelt.append([value + own[-1]])  # "500 pieces"
    if value.lower() in _LETTERS:
        spelt.append([_LETTERS[value.lower()]])
    return [words for words in spelt if words]


def _stands_alone(word: str, start: int, said: Sequence[str], upper: set[str]) -> bool:
    """Whether one token is said as a value: a letter only as "size M" or in capitals."""
    if len(word) > 1 or word.isdigit():
        return True
    before = said[start - 1] if start else ""
    if said[start + 1 : start + 2] == ["size"]:
        return True
    return (before in ("size", "a", "an", "in", "to") and word != "a") or (
        word.upper() in upper and word not in ("i", "a")
    )
