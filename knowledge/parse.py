"""Wishes in a customer's words -> structured filters: patterns and tables, no model."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from knowledge.filters import COLORS, FAMILIES, LETTERS, MATERIALS, SAME, SIZES, Filters, members
from knowledge.measures import MEASURE, Bound, quantity_of, side
from knowledge.money import CURRENCIES, amount

NEEDS_A_THING = {
    "clear", "natural", "amber", "orange", "rose", "cream", "sand", "glass", "stone", "tin", "ash",
    "cherry", "cork", "iron",
}  # fmt: skip
"""Wishes only next to a product or after "in" or "of": "clear jar", but not "to be clear"."""

_SIGN = "[€£$¥]|(?:" + "|".join(word for word in CURRENCIES if word.isalpha()) + r")\b"
_AMOUNT = re.compile(
    rf"(?P<before>{_SIGN})?\s*(?<![\w.,])(?<![a-z]-)"
    rf"(?P<number>\d{{1,3}}(?:[,.]\d{{3}})+(?:[,.]\d{{1,2}})?|\d+(?:[.,]\d{{1,2}})?)"
    rf"(?:\s*(?P<after>{_SIGN}))?(?![\w%])"
)
_NOTHING_ELSE = re.compile(
    r"\s*(?:$|[,;:!?)]|\.(?:\s|$)|"
    r"(?:and|or|but|please|for|in|with|that|which|if|thanks|each|not|max|tops)\b)"
)
"""What may follow a price without a currency: "under 40 cm" and "up to 3 days" are no prices."""

_BETWEEN = re.compile(r"\bbetween\s*$")
_FROM = re.compile(r"\bfrom\s*$")
_LEAST = re.compile(
    r"\b(?:at least|no less than|not less than|min(?:imum)?(?: of)?|starting (?:at|from)|from)\s*$"
)
_MOST = re.compile(
    r"\b(?:at most|up to|no more than|not more than|max(?:imum)?(?: of)?|within|"
    r"budget(?: is| of)?:?|spend|not (?:over|above))\s*(?:about|around)?\s*$"
)
_UNDER = re.compile(
    r"\b(?:under|below|less than|cheaper than|lower than|less expensive than|smaller than|"
    r"shorter than|lighter than|narrower than)\s*$"
)
_OVER = re.compile(
    r"\b(?:over|above|more than|dearer than|more expensive than|bigger than|larger than|"
    r"longer than|taller than|wider than|heavier than)\s*$"
)
_AROUND = re.compile(r"(?:\b(?:around|about|roughly|approximately|approx\.?|circa)|~)\s*$")
_OR_LESS = re.compile(
    r"\s*(?:(?:or|and) (?:less|under|below|cheaper|smaller|shorter|lighter)|max(?:imum)?|tops"
    r"|at most)\b"
)
_OR_MORE = re.compile(
    r"\s*(?:(?:or|and) (?:more|over|above|up(?:wards)?|bigger|larger|longer)|min(?:imum)?)\b"
)
_NO_WISH = re.compile(  # money that changed hands, and thresholds of free delivery
    r"\b(?:paid|charged|refund\w*|spent|billed|owe|cost me|invoice[ds]?|deliver\w*|shipping|postage"
    r"|free|voucher|discount)\b|\b(?:orders?|basket|cart|purchases?)(?: \w+)? (?:\w+ than|\w+)\s*$"
)
_ABOUT_PRICE = re.compile(r"\b(?:price[ds]?|costs?|costing|expensive|pay|spend|budget)\b")
_ABOUT_TIME = re.compile(r"\b(?:open|closed?|call|hours?|days?|arrive|come|date|clock|weeks?)\b")

_NEGATION = re.compile(
    r"\b(?:not|no|non|nothing|without|except(?: for)?|excluding|(?:anything|everything|all) but|"
    r"other than|instead of|rather than|avoid|isn'?t|don'?t (?:want|like|need)|hate)"
    r"(?:[ -]+(?:a|an|the|any|in|made|of|out|from|with|be|it|anything))*[ -]*$"
)
_SAME_BREATH = re.compile(r",?\s*(?:or|nor|and)\s*(?:(?:a|an|the|in|made|of)\s+)*$")
_NO_COLOR = re.compile(
    r"\s*(?:friday|teas?|wine|coffee|pepper|bread|cabbage|rice|beans?|card|list|goods|flag|light)\b"
)
_STOCK = re.compile(
    r"\b(?:only|that(?:'s| is| are)|which|what|any(?:thing)?|some(?:thing)?|show me)\b"
    r"[^.?!]*\b(?:in[ -]stock|available)\b"
    r"|\b(?:in[ -]stock|available) (?:ones?|items?|products?|only)\b"
)
_ONE_PRODUCT = re.compile(r"\b(?:is|are|was|were) (?:the|this|that|these|those|my|it|they)\b")
_STARS = re.compile(r"(?P<stars>[1-5](?:[.,]\d)?)[ -]*(?:\+ ?)?stars?\b")
_RATED = re.compile(
    r"\b(?:rated|ratings?(?: of)?) (?:at least|over|above|of)? ?(?P<stars>[1-5](?:[.,]\d)?)\b"
)
_BEARS = re.compile(r"\b(?:carr(?:y|ies)|holds?|loads?|supports?|bears?|weigh (?:on|me))\b")
_PAIR = re.compile(r"\bbetween (?P<low>\d+(?:[.,]\d+)?)(?: ?[a-z]+)? (?:and|to) $")
NEARLY = 0.25  # of a price, up and down: "around 40 euros"
_SAID = {"over": "over", "least": "at least", "under": "under", "most": "at most"}
_SIZE = re.compile(r"\bsize (\d{1,3}(?:[.,]5)?)\b")
_GAVE = re.compile(r"\b(?:gave|give|giving|left|leave|review(?:ed)?)\b")


def parse_filters(words: str, vocabulary: Mapping[str, Iterable[str]]) -> Filters:
    """The wishes in a customer's words.

    Args:
        words: What the customer said.
        vocabulary: What the shop has, `Knowledge.vocabulary`: values of "color", "material",
            "size", "kind" and "currency". What no product states at all is no wish.
    """
    text = " ".join(words.lower().replace("’", "'").split())
    wishes = _look(text, vocabulary)
    bounds, currency = _prices(text)
    shops = set(vocabulary.get("currency", ()))
    if bounds and not currency and len(shops) == 1:
        currency = shops.pop()
    stars = _RATED.search(text) or _STARS.search(text)
    return Filters(
        **bounds,
        currency=currency if bounds else "",
        colors=wishes["color"],
        materials=wishes["material"],
        sizes=wishes["size"],
        excluded=wishes["excluded"],
        in_stock=bool(_STOCK.search(text)) and not _ONE_PRODUCT.search(text),
        rating=amount(stars["stars"]) if stars and not _GAVE.search(text) else None,
        bounds=_bounds(text),
    )


def _prices(text: str) -> tuple[dict[str, Any], str]:
    """Bounds of the price by their names in Filters, and the currency they were given in."""
    bounds: dict[str, Any] = {}
    currency = ""
    found = list(_AMOUNT.finditer(text))
    for i, match in enumerate(found):
        clause = re.split(r"[.;!?]\s", text[: match.start()])[-1]
        if _NO_WISH.search(clause):
            continue
        after = text[match.end() :]
        other = found[i + 1] if i + 1 < len(found) else None
        link = text[match.end() : other.start()].strip() if other else ""
        if other and _is_range(clause, link, text, match, other):
            low, high = sorted(_value(m) for m in (match, other))
            bounds |= {"least": low, "most": high}
            currency = _currency(match) or _currency(other)
            continue
        side = _side(clause, after)
        money = _currency(match)
        if money and not side and _AROUND.search(clause) and not _ABOUT_PRICE.search(clause):
            bounds |= {"least": _value(match) * (1 - NEARLY), "most": _value(match) * (1 + NEARLY)}
            currency = money
            continue
        bare = bool(_NOTHING_ELSE.match(after)) and (
            side in ("under", "most") or bool(_ABOUT_PRICE.search(clause))
        )
        if side and (money or (bare and not clause.endswith("within ") and not _time(clause))):
            bounds[side] = _value(match)
            currency = money or currency
    return bounds, currency


def _bounds(text: str) -> tuple[Bound, ...]:
    """Bounds of measures, the first of each quantity."""
    bounds: dict[str, Bound] = {}
    for match in MEASURE.finditer(text):
        clause = re.split(r"[.;!?]\s|,\s", text[: match.start()])[-1]
        after = text[match.end() :]
        quantity, unit = quantity_of(match)
        bearing = quantity == "weight" and _BEARS.search(clause)
        if bearing or _NO_WISH.search(clause) or " x " in match["numbers"]:
            continue
        value = (amount(match["numbers"]) or 0.0) * unit
        said = re.split(r"[.;!?,]", after)[0]
        name = side(" ".join([*clause.split()[-3:], *said.split()[:3]]))
        if pair := _PAIR.search(clause):
            low = (amount(pair["low"]) or 0.0) * unit
            words = f"between {pair['low']} and {match[0]}"
            bound = Bound(quantity, words, min(low, value), max(low, value), name)
        elif way := _side(clause, after):
            # What is asked to be more, or less, may not be the same: the next float is.
            exact = {"over": math.nextafter(value, math.inf), "under": math.nextafter(value, 0.0)}
            limit = exact.get(way, value)
            words = f"{_SAID[way]} {match[0]}{f' in {name}' if name else ''}"
            lower = way in ("over", "least")
            bound = Bound(quantity, words, limit if lower else None, None if lower else limit, name)
        else:
            continue
        bounds.setdefault(quantity, bound)
    return tuple(bounds.values())


def _is_range(clause: str, link: str, text: str, low: re.Match[str], high: re.Match[str]) -> bool:
    money = _currency(low) or _currency(high)
    if link in ("-", "–", "to") and money and not _FROM.search(clause):
        return bool(_currency(high))
    opened = (_BETWEEN.search(clause) and link in ("and", "to", "-", "–")) or (
        _FROM.search(clause) and link in ("to", "up to", "till", "until", "-", "–")
    )
    alone = _NOTHING_ELSE.match(text[high.end() :]) and not _time(clause)
    return bool(opened and (money or alone))


def _side(clause: str, after: str) -> str:
    if _MOST.search(clause) or _OR_LESS.match(after):
        return "most"
    if _LEAST.search(clause) or _OR_MORE.match(after):
        return "least"
    return "under" if _UNDER.search(clause) else "over" if _OVER.search(clause) else ""


def _time(clause: str) -> bool:
    return bool(_ABOUT_TIME.search(clause))


def _value(match: re.Match[str]) -> float:
    return amount(match["number"]) or 0.0


def _currency(match: re.Match[str]) -> str:
    return CURRENCIES.get(match["before"] or match["after"] or "", "")


def _look(text: str, vocabulary: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Wishes for "color", "material" and "size", and colours and materials that are "excluded"."""
    known = {name: _vocabulary(vocabulary, name) for name in ("color", "material", "size", "kind")}
    things = known["kind"] | {"one", "version", "size", "piece", "option"}
    if known["material"]:
        known["material"] |= MATERIALS | members(FAMILIES)
    if known["color"]:
        known["color"] |= COLORS
    if known["size"]:
        known["size"] |= SIZES | LETTERS.keys()
    looks = known["color"] | known["material"]

    wishes: dict[str, list[str]] = {"color": [], "material": [], "size": [], "excluded": []}
    if (number := _SIZE.search(text)) and number[1] in _numbers(vocabulary.get("size", ())):
        wishes["size"].append(number[1])
    tokens = [(m.start(), m.end(), m[0]) for m in re.finditer(r"[^\W\d_]+(?:-sized)?", text)]
    negated_until = -1  # the end of the last excluded word
    for i, (start, end, spoken) in enumerate(tokens):
        word = SAME.get(spoken, spoken)
        last = tokens[i - 1][2] if i else ""
        following = [_singular(SAME.get(t[2], t[2])) for t in tokens[i + 1 : i + 5]]
        thing = next((w for w in following if w not in looks), "") in things
        if word in known["size"] and last not in ("too", "very", "so"):
            if last in ("size", "something", "anything") or (thing and word not in LETTERS):
                wishes["size"].append(word)
        elif word in looks:
            before = text[:start]
            negated = bool(_NEGATION.search(before)) or (
                negated_until >= 0 and bool(_SAME_BREATH.fullmatch(text[negated_until:start]))
            )
            near = thing or last in ("in", "of", "from") or negated
            if (word in NEEDS_A_THING and not near) or _NO_COLOR.match(text[end:]):
                continue
            if negated:
                negated_until = end
                wishes["excluded"].append(word)
            else:
                wishes["material" if word in known["material"] else "color"].append(word)
    return {name: tuple(dict.fromkeys(found)) for name, found in wishes.items()}


def _numbers(values: Iterable[str]) -> set[str]:
    return {number for value in values for number in re.findall(r"\d+(?:[.,]\d+)?", value)}


def _vocabulary(vocabulary: Mapping[str, Iterable[str]], name: str) -> set[str]:
    """The words of the shop's values of an attribute, in the singular."""
    words = re.findall(r"[^\W\d_]+", " ".join(vocabulary.get(name, ())).lower())
    return {_singular(SAME.get(word, word)) for word in words} - {"and", "with", "of", "in", "on"}


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
