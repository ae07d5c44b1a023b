"""Who names no thing: "a gift for my mother", "show me everything in blue under 15 euros"."""

from __future__ import annotations

import re

from agent.policy import contentful, points
from agent.products import word_set
from knowledge.filters import SAME, Filters
from knowledge.money import CURRENCIES

_ANY = re.compile(r"\b(?:(?:any|some|every)thing|what|which|all)\b", re.I)
_ANEW = re.compile(
    r"\b(?:any|every)thing\b|\bwhat (?:else )?(?:do|have) you\b|\ball (?:your|the)\b", re.I
)
_IDEAS = re.compile(r"\b(?:gifts?|presents?|surprise|ideas?|inspiration|inspire)\b", re.I)
_WITH_GIFTS = re.compile(
    r"\b(?:vouchers?|cards?|certificates?|wrap\w*|packag\w*|receipts?|messages?|notes?)\b", re.I
)
_ANYTHING = word_set(
    "anything something everything nothing stuff thing things product products item items article "
    "articles gift gifts present presents idea ideas one ones version size sizes made out above "
    "below over between than less least more most maximum minimum around up not without no but "
    "star stars rated rating rate price prices range offer selection catalogue shop store colour "
    "color coloured colored colours colors material options find see browse list display recommend "
    "suggest find within budget spend tall wide high deep heavy got nice good great really just "
    "only maybe perhaps uno qu は が を も で に 吗 呢"
)
"""Words of who asks for anything that fulfils the wishes: none of them is the name of a thing."""


def wants_ideas(words: str) -> bool:
    """Whether any thing would do that pleases; gift wrap and vouchers are no such thing."""
    return bool(_IDEAS.search(words)) and not _WITH_GIFTS.search(words)


def names_nothing(words: str, filters: Filters) -> bool:
    """Whether nothing is named besides wishes: "show me everything in blue under 15 euros"."""
    wishes = word_set(filters.describe()) | CURRENCIES.keys()
    return not {SAME.get(word, word) for word in contentful(words)} - wishes - _ANYTHING


def browses(words: str, filters: Filters, shown: bool) -> bool:
    """Whether anything would do that fulfils the wishes; where some were `shown` before that do,
    "around 20 euros" is a wish about these."""
    if shown and not _ANEW.search(words):
        return False
    anything = bool(_ANY.search(words)) or not points(words)
    return bool(filters) and anything and names_nothing(words, filters)
