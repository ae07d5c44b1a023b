"""Words that describe: which lines of an order, or which variant of a product, a customer means.

What is ambiguous stays so: whoever asks gets all that fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.options import Described, described, places, tokens
from agent.orders import OrderItem, Product, Variant

_FORMER = re.compile(
    r"\b(?:instead of|rather than|in place of|not|isn't|from)\s+"
    r"(?:a |an |the |my |in )?((?:[\w%.-]+ ?){1,3}?)"
    r"(?=\s*(?:$|[,.;!?]|\b(?:to|for|but|and|into|with|i|please|one)\b))"
)
_ALL = re.compile(r"\b(?:all|both|everything|whole|complete|entire|every)\b")
_EXCEPT = re.compile(r"\b(?:except|but not|all but|everything but|apart from|other than)\b(.*)")
_FURTHER = re.compile(
    r"(?:,|\band\b|&|\bplus\b|\bas well as\b) (?:also )?(?:the|my|both|two|an?) "
    r"((?:[\w-]+ ?){1,4})"
)
_NO_ITEM = re.compile(
    r"\b(?:refund|order|money|payment|address|difference|same|e-?mail|card|account|rest|one|colou?r|"
    r"size|name|zip|version)\b"
)
ORDINALS = {
    "first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5,
    "1st": 0, "2nd": 1, "3rd": 2, "4th": 3, "5th": 4, "6th": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picked:
    """What words pick: `items` are sure; when empty, `unsure` all fit alike."""

    items: tuple[OrderItem, ...] = ()
    unsure: tuple[OrderItem, ...] = ()


def pick_items(words: str, lines: Sequence[OrderItem], offered: Sequence[str] = ()) -> Picked:
    """The lines that the words mean: by id, all of them, by place in the list, by name or options.

    `offered`: the question was which lines, so that "all" and "the second one" mean these.
    """
    by_id: list[OrderItem] = []
    for id in re.findall(r"[\w-]+", words):
        item = next((line for line in lines if line.id == id and line not in by_id), None)
        twin = next((n for n in lines if n.id == id and not any(n is b for b in by_id)), None)
        if item or twin:
            by_id.append(twin or item)  # type: ignore[arg-type]
    if by_id:
        return Picked(tuple(by_id))
    lower = words.lower()
    if offered and _ALL.search(lower):
        left_out = _EXCEPT.search(lower)
        out = pick_items(left_out[1], lines).items if left_out else ()
        rest = tuple(line for line in lines if not any(line is one for one in out))
        if not left_out or out:
            named = _named(words, rest)
            if named and not re.search(r"\b(?:order|them|items?|articles?|everything)\b", lower):
                return Picked(tuple(line for _, group in named for line in group))
            return Picked(rest)
    named = _named(words, lines)
    if named:
        return _told_apart(words, named)
    if offered and (place := ordinal(words, len(lines))) is not None:
        return Picked((lines[place],))
    return _by_options(words, lines) if offered else Picked()


def names_all(words: str) -> bool:
    return bool(_ALL.search(words.lower()))


def names_more(words: str, lines: Sequence[OrderItem]) -> bool:
    """Whether the words list something besides these lines: "the tablet and the gadget"."""
    further = [match[1] for match in _FURTHER.finditer(words.lower())]
    return any(not _named(phrase, lines) for phrase in further if not _NO_ITEM.search(phrase))


def _named(words: str, lines: Sequence[OrderItem]) -> list[tuple[int, list[OrderItem]]]:
    """Where names of lines stand in the words (in tokens), and the lines each may mean."""
    said = tokens(words)
    spans: dict[tuple[int, int], list[OrderItem]] = {}
    for line in lines:
        name = tokens(line.name.split(",")[0])
        for first in range(len(name)):
            part = name[first:]
            if len(part) == 1 and len(part[0]) < 3:
                continue
            for start in places(part, said):
                spans.setdefault((start, start + len(part)), []).append(line)
        if len(name) > 1:  # "the tablet" is a suffix, "the espresso" is not
            for start in places(name[:1], said):
                if name[0] not in _PLAIN and len(name[0]) > 3:
                    spans.setdefault((start, start + 1), []).append(line)
    longest: list[tuple[int, list[OrderItem]]] = []
    covered: set[int] = set()
    for (start, end), group in sorted(spans.items(), key=lambda e: (e[0][0] - e[0][1], e[0][0])):
        if not covered & set(range(start, end)):
            covered |= set(range(start, end))
            longest.append((start, group))
    return sorted(longest, key=lambda entry: entry[0])


_FIRST = """
electric smart action digital garden indoor portable wireless gaming office desk wall water running
hiking led light tea air pet patio mechanical cycling security
"""
_PLAIN = frozenset(_FIRST.split())
"""First words of names that say nothing without the rest."""


def _told_apart(words: str, named: Sequence[tuple[int, list[OrderItem]]]) -> Picked:
    """Of several lines with the name said, those whose options are said beside it."""
    said = tokens(words)
    sure: list[OrderItem] = []
    starts = [start for start, _ in named] + [len(said)]
    for n, (start, group) in enumerate(named):
        before = starts[n - 1] if n else 0
        after = said[start : starts[n + 1]]
        turn = next((k for k, word in enumerate(after) if word in _TURNS), len(after))
        near = " ".join([*said[before if n == 0 else before + 1 : start], *after[:turn]])
        if len(group) > 1:
            found = described(near, [line.options for line in group])
            best = max(found.count(line.options) for line in group)
            group = [line for line in group if found.count(line.options) == best]
        plural = bool(re.search(r"\b(?:both|all|two)\b", words.lower()))
        distinct = {line.id for line in group}
        if len(distinct) > 1 and not plural:
            return Picked(unsure=tuple(group))
        taken = group if plural else group[:1]
        sure += [line for line in taken if not any(line is one for one in sure)]
    return Picked(tuple(sure))


def _by_options(words: str, lines: Sequence[OrderItem]) -> Picked:
    counts = [described(words, [line.options]).count(line.options) for line in lines]
    best = max(counts, default=0)
    fitting = tuple(line for line, count in zip(lines, counts, strict=True) if count == best)
    if not best:
        return Picked()
    return Picked(fitting) if len(fitting) == 1 else Picked(unsure=fitting)


def ordinals(words: str, length: int) -> list[int]:
    """The places that words name in a list of this length, from 0: "the second and the last"."""
    said = set(re.findall(r"\w+", words.lower()))
    places = {place for name, place in ORDINALS.items() if name in said}
    if re.search(r"\bthe (?:\w+ and )?last\b", words, re.I):
        places.add(length - 1)
    return sorted(place for place in places if 0 <= place < length)


def ordinal(words: str, length: int) -> int | None:
    """The place that words name in a list of this length; the first one if they name several."""
    return next(iter(ordinals(words, length)), None)


def pick_variants(words: str, old: OrderItem, product: Product) -> list[Variant]:
    """The available variants that the words can mean, the wanted one alone when it is sure.

    Options that are not named stay as they are. When nothing differs only in what was named, all
    that have what was named come back; when the words name nothing, none.
    """
    fitting = [v for v in product.variants.values() if v.available and v.id != old.id]
    if by_id := [v for v in fitting if re.search(rf"\b{re.escape(v.id)}\b", words)]:
        return by_id
    lower = _FORMER.sub(" ", words.lower())
    kept = " ".join(word for word in re.findall(r"\S+", words) if word.lower() in lower.split())
    found = described(kept or lower, [v.options for v in product.variants.values()])
    having = [v for v in fitting if found.fits(v.options)]
    price = _price(lower)
    if price and having:
        same = [v for v in having if not found or _differs_only(v, old, found)]
        pool = same if found and same else having
        ordered = sorted(pool, key=lambda v: v.price, reverse=price > 0)
        return ordered[:1]
    if not found:
        return []
    exact = [v for v in having if _differs_only(v, old, found)]
    return exact if len(exact) == 1 else having


def _differs_only(variant: Variant, old: OrderItem, found: Described) -> bool:
    return all(
        variant.options.get(name) == value
        for name, value in old.options.items()
        if name not in found.names
    )


def _price(lower: str) -> int:
    """-1 for the cheapest, 1 for the dearest, 0 when no price is wished for."""
    if re.search(r"\b(?:cheapest|least expensive|lowest[- ]priced?|lowest price)\b", lower):
        return -1
    return 1 if re.search(r"\b(?:most expensive|priciest|dearest|highest price)\b", lower) else 0


def segment(words: str, item: OrderItem, lines: Sequence[OrderItem], whole: bool) -> list[str]:
    """The parts of the words that may say what `item` shall become, the likeliest first.

    `lines` are all that are talked of. Of several, each is described between its name and the
    next one's; `whole`: words that do not name it are about it all the same.
    """
    said = tokens(words)
    named = _named(words, lines)
    mine = [n for n, (_, group) in enumerate(named) if any(line is item for line in group)]
    if len(mine) > 1 and sum(line.name == item.name for line in lines) > 1:
        nth = [line for line in lines if line.name == item.name].index(item)
        mine = mine[nth : nth + 1]
    if not mine:
        return [words] if whole or len(lines) == 1 else []
    start = named[mine[0]][0]
    end = named[mine[0] + 1][0] if mine[0] + 1 < len(named) else len(said)
    if len(lines) == 1:
        end = len(said)
    own = said[start:end]
    turns = [n for n, word in enumerate(own) if word in _TURNS and own[n + 1 : n + 2] != ["order"]]
    parts = [own[turns[0] + 1 :]] if turns else []
    parts.append(own)
    found = [" ".join(part) for part in parts if part]
    return [*found, words] if len(lines) == 1 else found


_TURNS = frozenset({"for", "to", "into", "with"})
"""Between what is there and what shall come instead: "the lamp for a black one"."""
