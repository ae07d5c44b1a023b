"""What a customer wants done: words -> wishes, in the order in which they are to be done.

One sentence may hold several ("return the tablet from #W1 and cancel my other order"). A wish is
read from verbs, clause by clause; the intent of the whole turn decides only where none is found.
"""

# ruff: noqa: E501 (a pattern a line)

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from agent import answers
from agent.orders import Address
from agent.rules import Rules
from agent.types import Action, Frozen


class Wish(Frozen):
    """One thing to do, and what is known of it so far; None and () are still to be asked."""

    action: Action
    words: str  # in which it was said
    order_id: str | None = None
    printed: tuple[str, ...] = ()  # order numbers in the photo it came with: candidates
    shown: tuple[str, ...] = ()  # numbers of articles in that photo, bare: candidates
    items: tuple[str, ...] = ()
    new_items: tuple[str, ...] = ()  # in the order of `items`
    reason: str | None = None  # empty when asked and not given
    payment_method: str | None = None
    address: Address | None = None
    product: str | None = None  # what is wanted instead, in words

    def but(self, **changes: Any) -> Wish:
        return self.model_copy(update=changes)


STARTS: dict[str, Action] = {
    "order_status": "status",
    "cancel_order": "cancel",
    "change_order": "change_items",
    "return": "return",
    "refund": "return",
    "exchange": "exchange",
    "damaged_item": "damaged",
    "invoice": "invoice",
    "complaint": "complaint",
}
"""The wish that the intent of a whole turn is, where no verb says it."""

INVITED: dict[str, Action] = {
    "order_status": "status",
    "delivery": "status",
    "cancel_order": "cancel",
    "return": "return",
    "exchange": "exchange",
    "damaged_item": "damaged",
}
"""The wish that an answer on this topic invites to (compose.NEXT), by topic."""

NO_ORDER: frozenset[Action] = frozenset(
    {"orders", "profile", "last_order", "change_default_address"}
)
"""About no order in particular."""

BEFORE_SWAPS: frozenset[Action] = frozenset({"change_address", "change_payment"})
"""Changes of an order that are done before articles of it are swapped: afterwards none is."""

SWAPS: frozenset[Action] = frozenset({"exchange", "change_items"})
"""One wish to the customer; the status of the order says which of the two it is."""

_ARTICLE = r"(?:(?!\baddress|\bpayment|\border\b|\bmind\b|\bemail|\bname\b|[.;!?]).)*?"
_ONE = r"(?:(?!\b(?:change|update|modify|cancel|return|exchange|swap|switch)\b)[^.;!?])*"
_VERBS: tuple[tuple[Action, str], ...] = (
    ("last_order", r"\bsame(?: (?:again|things?|items?|articles?|order|ones?))? (?:as|like|from)\b[^.;!?]*\b(?:last|latest|previous) (?:order|time)\b"),
    ("last_order", r"\bre-?order(?:ing)?\b|\brepeat\b[^.;!?]*\blast order\b|\b(?:my|the) last order again\b"),
    ("complaint", r"\b(?:make|file|raise|lodge|submit|have|register)\b[^.;!?]*\bcomplaint\b|\b(?:want|like|wish|need) to complain\b"),
    ("change_default_address", rf"\b(?:change|update|modify|correct|fix|set)\b{_ONE}\b(?:default|profile|account)\b(?: (?!and\b)\w+){{0,3}}? address\b"),
    ("change_default_address", rf"\b(?:change|update|modify|correct|fix|set)\b{_ONE}\baddress\b{_ONE}\b(?:in|on|of|for|to) (?:my|the) (?:user |customer )?(?:profile|account)\b"),
    ("change_default_address", r"\b(?:default|profile|account) address\b(?:(?!\band\b)[^.;!?])*\b(?:change|update|modif|correct)\w*"),
    ("change_address", rf"\b(?:change|update|modify|correct|fix|edit|use|have|set)\b{_ONE}\baddress\b"),
    ("change_address", r"\b(?:go|sent|delivered|shipped)\b[^.;!?]*\b(?:to|at) (?:my|a|an|another) (?:new|different|other) (?:house|home|place|flat|apartment)\b"),
    ("change_address", r"\b(?:the|my) (?:\w+ )?address (?:of (?:my|the) order )?(?:has |was |to )?chang\w*"),
    ("change_address", r"\b(?:wrong|new|another|different) (?:\w+ )?address\b"),
    ("change_address", r"\b(?:send|ship|deliver|reroute|redirect)\b(?: \S+){1,8}? (?:to|at) (?:a |an |the |my )?(?:(?:different|new|other|another) (?:\w+ )?(?:address|place)|\d+ )"),
    ("change_payment", rf"\b(?:change|switch|modify|update|move)\b{_ONE}\b(?:payment|pay(?:ing)? (?:for|with|by))\b"),
    ("change_payment", r"\b(?:payment method|payment)\b[^.;!?]*\b(?:change|switch|updat|modif)\w*"),
    ("change_payment", r"\b(?:want|like|prefer) to pay\b(?![^.;!?]*\bdifference)[^.;!?]*\b(?:with|by|using|from)\b"),
    ("change_payment", rf"\b(?:put|charge)\b{_ONE}\b(?:card|paypal)\b|\bpay\b{_ONE}\b(?:with|by|using)\b{_ONE}\binstead\b"),
    ("change_payment", r"\b(?:use|put)\b[^.;!?]*\b(?:another|different|other|new) (?:payment|card|way to pay)"),
    ("cancel", r"\bcancel(?:l?ing|lation)?\b|\b(?:be|get|it|want) cancell?ed\b|\b(?:undo|call off)\b"),
    ("cancel", r"\b(?:don't|do not|no longer) (?:want|need)\b (?:my |the |this )?(?:\w+ )?order\b"),
    ("refund_status", r"\b(?:where|when|has|have|did|status|check)\b[^.;!?]*\b(?:refund|money back)(?:ed)?\b"),
    ("return", r"\breturn(?:ing)?\b(?! polic| window| label)|\b(?:send|give|bring|take|ship)(?:ing)? (?:\S+ ){1,6}?back\b|\bsend(?:ing)? back\b"),
    ("exchange", r"\b(?:exchang(?:e|ing)|swap(?:ping)?|trade|trading|replac(?:e|ing)|replacement)\b"),
    ("change_items", rf"\b(?:change|chang(?:e|ing)|modify(?:ing)?|switch(?:ing)?|upgrad(?:e|ing)|update|downgrade|make|adjust)\b(?! my mind){_ARTICLE}\b(?:to|for|into|items?|articles?|size|colou?r|option|version|variant|instead|with)\b"),
    ("change_items", r"\b(?:change|modify|edit|adjust)\b (?:my |the |this |that |an? )?(?:pending |recent )?order\b"),
    ("change_items", r"\b(?:change|modify|switch|update)\b(?:(?!\baddress|\bpayment|\bmind\b|\bemail|\bname\b)(?!\b(?:change|update|modify|cancel|return|exchange)\b)[^.;!?])*?\b(?:in|from|of|on)\b (?:my |the |this )?(?:\w+ )?(?:order\b|#)"),
    ("orders", r"\b(?:list|show|which|what|see|look up)\b[^.;!?]*\b(?:my|are my|i have) (?:\w+ )?orders\b|\bwhat orders\b"),
    ("profile", r"\b(?:what|which|show|tell|see|check|confirm)\b[^.;!?]*\bmy (?:profile|default address|payment methods?|gift card balance|account|balance)\b"),
    ("invoice", r"\b(?:invoice|receipt|bill)\b"),
)  # fmt: skip
_WEAK: tuple[tuple[Action, str], ...] = (
    ("return", r"\b(?:refund(?:ed)?|money back|reimburse)\b"),
    ("status", r"\b(?:where is|where's|where (?:my [\w ]+|\S*\d{3,}) is|status|track(?:ing)?|when (?:will|does|do) (?:it|my|the)\b[^.;!?]*arriv)\b"),
    ("exchange", r"\b(?:want|like|have|get|prefer)\b[^.;!?]*\b(?:instead of|rather than)\b"),
    ("damaged", r"\b(?:damaged|broken|cracked|chipped|shattered|defective|faulty|wrong (?:item|article|product|colou?r|size))\b"),
)  # fmt: skip
"""Said beside another wish these only say why, so they count where nothing else is wished for."""

_STRONG = [(action, re.compile(pattern, re.I | re.S)) for action, pattern in _VERBS]
_ALONE = [(action, re.compile(pattern, re.I | re.S)) for action, pattern in _WEAK]
_ASIDE = [(action, pattern) for action, pattern in _ALONE if action == "status"]
_PARCEL = re.compile(
    r"\b(?:orders?|ship\w*|deliver\w*|parcel|package|send|sent|it|its|that|this)\b", re.I
)
_DENIED = re.compile(
    r"(?:\b(?:not|no|never|without|instead of|rather than|before|after|cannot|(?:don|can|couldn|didn|won|wouldn)['’]?t)"
    r"(?: (?:want|wish|need|like|able|going))?(?: to)?(?: be)?|\bif i|"
    r"\b(?:cancel|undo|stop|revoke) (?:the|my|this|that))\s*$",
    re.I,
)
_CLAUSE = re.compile(
    r"[.;!?\n]+|,\s*(?:and|then|also|plus|but)?\b|\b(?:and|then|also|plus|but)\b", re.I
)
_ASKED = re.compile(
    r"\b(?:i(?:'d| would| want| need| wish| have to| must| hope|'m (?:hoping|trying|looking) to)|we (?:want|need|would)|can you|"
    r"could you|would you|can we|please|help me|let me|let's|i'll|can i|could i|may i)\b|^\W*(?:hi|hello|hey)?\W*"
    r"(?:cancel|return|exchange|swap|change|modify|update|replace|switch|send|ship)\b",
    re.I,
)
_INSTEAD = re.compile(
    r"\b(?:instead|actually|rather|changed my mind|on second thoughts?|forget|wait|scratch that|"
    r"let's not)\b",
    re.I,
)


_ORDER = r"(?:my|the|this|that) (?:order|parcel|package|delivery|box)"
_FOLLOWS: tuple[tuple[Action, str], ...] = (
    ("status", rf"\b(?:what|which)\b[^.;!?]*\b(?:in (?:it|that|there|{_ORDER})|(?:did|have) i (?:order|buy|bought)(?:ed)?)\b"),
    ("status", rf"\bwhen\b(?![^?]*\b(?:refund|money|return)\b)[^.;!?]*\b(?:it|they|that|{_ORDER})\b[^.;!?]*\b(?:arriv\w*|com(?:e|es|ing)|here|there|deliver\w*|ship\w*|sent)\b"),
    ("status", r"\bwhen\b[^.;!?]*\bi (?:get|have|receive|expect) (?:it|them|that|my (?:order|parcel|package))\b"),
    ("status", r"\bhow (?:much )?long(?:er)?\b[^.;!?]*\b(?:(?:will|until|till|before) (?:it|they)|(?:do|must|will) i (?:\w+ )*wait)\b(?! for)"),
    ("status", rf"\b(?:is|are|has|have|was|did|where|where's) (?:is )?(?:it|they|that|{_ORDER})\b(?:[^.;!?]*\b(?:way|sent|ship\w*|left|deliver\w*|arriv\w*|com(?:e|ing)|cancell?ed)\b|(?: now)?\W*$)"),
    ("status", rf"\btrack(?:ing)? (?:it|them|that|number|code|link|{_ORDER})\b"),
    ("status", rf"\b(?:how much|what) (?:did i pay|did (?:it|that|{_ORDER}) cost|was (?:it|that|{_ORDER}|the total))\b"),
    ("status", r"\b(?:how much|what)(?: is|'s| was)(?: it| that)? (?:in total|the total)\b|^\W*(?:(?:and|what about|how about)\W+)*(?:my|the) other (?:order|parcel|package)s?\W*$"),
    ("invoice", r"\b(?:how (?:did|have) i (?:pay|paid)|did i pay (?:by|with)|was (?:it|that) paid|what did i pay with)\b"),
)  # fmt: skip
"""What these ask is about an order only where one was talked of just before."""

_FOLLOWING = [(action, re.compile(pattern, re.I)) for action, pattern in _FOLLOWS]
_POINTS = re.compile(r"\b(?:this|that|it|its|my)\b", re.I)


def read_wishes(
    words: str, intent: str, rules: Rules, between: bool = True, printed: Sequence[str] = ()
) -> list[Wish]:
    """The wishes in the words, one after another; none where the words only ask about rules.

    `intent` is the intent of the whole turn where it is sure, else "". Unless it is said `between`
    wishes, the words may answer a question of ours, and only verbs count. With an order number
    `printed` in a photo beside them, words that point ("where is this?") name an order too.
    """
    words = " ".join(words.replace("’", "'").split())
    weak = _ALONE if between else _ASIDE
    found = [  # where an order is counts beside a stronger wish if the order is named there
        (start, end, action)
        for start, end, action in _found(words, [*_STRONG, *_ASIDE])
        if action != "status" or rules.find_orders(_CLAUSE.split(words[start:], maxsplit=1)[0])
    ]
    if all(action == "status" for *_, action in found):
        found = _found(words, weak)
    names = bool(rules.find_orders(words) or (printed and _POINTS.search(words)))
    asked = _ASKED.search(words) or names or answers.find_email(words)
    if found and (intent == "" or intent in STARTS or asked or not between):
        wishes = _cut(words, found)
    elif not found and between and intent in STARTS and not answers.acknowledges(words):
        wishes = [Wish(action=STARTS[intent], words=words)]
    else:
        wishes = []
    known = [_known(wish, rules) for wish in wishes]
    meant = [
        wish
        for wish in known
        if wish.action in rules.actions
        and not (wish.action == "damaged" and answers.own_fault(words))
        and (names or not answers.is_general(wish.words, wish.action))
    ]
    return ordered(_each(_merged(meant, rules), rules))


def follow_up(words: str) -> Action | None:
    """What is to be told of the order that was talked of last: "and when will it arrive?"."""
    words = words.replace("’", "'")
    return next((action for action, asked in _FOLLOWING if asked.search(words)), None)


def replaces(words: str) -> bool:
    """Whether what is wished for now comes in the place of what was wished for before."""
    return bool(_INSTEAD.search(words))


def _found(
    words: str, patterns: Sequence[tuple[Action, re.Pattern[str]]]
) -> list[tuple[int, int, Action]]:
    """(start, end, action) of every verb, none inside another; earlier patterns win."""
    found: list[tuple[int, int, Action]] = []
    for action, pattern in patterns:
        for match in pattern.finditer(words):
            start, end = match.span()
            if _DENIED.search(words[:start]):
                continue
            if not any(start < b and a < end for a, b, _ in found):
                found.append((start, end, action))
    return sorted(found)


def _cut(words: str, found: Sequence[tuple[int, int, Action]]) -> list[Wish]:
    """The words of each wish: from the clause with its verb to the clause with the next."""
    cuts = [0]
    for (_, end, _), (start, _, _) in pairwise(found):
        breaks = [match.end() for match in _CLAUSE.finditer(words, end, start)]
        cuts.append(breaks[-1] if breaks else start)
    cuts.append(len(words))
    return [
        Wish(action=action, words=words[cuts[n] : cuts[n + 1]].strip(" ,;"))
        for n, (_, _, action) in enumerate(found)
    ]


def _known(wish: Wish, rules: Rules) -> Wish:
    """The same wish as this shop knows it: "my address" is the account's unless an order is meant,
    and a shop that swaps nothing has it changed by a person."""
    if wish.action == "change_address" and not rules.find_orders(wish.words):
        own = "change_default_address" in rules.actions and not _PARCEL.search(wish.words)
        return wish.but(action="change_default_address") if own else wish
    if wish.action in rules.actions:
        return wish
    if wish.action in SWAPS:
        other = next((action for action in sorted(SWAPS) if action in rules.actions), wish.action)
        return wish.but(action=other)
    if wish.action.startswith("change_"):
        return wish.but(action="change_items")
    return wish


def _merged(wishes: Sequence[Wish], rules: Rules) -> list[Wish]:
    """A wish said twice in a row is one, unless each time about another order."""
    kept: list[Wish] = []
    for wish in wishes:
        before = kept[-1] if kept else None
        if before and (before.action == wish.action or {before.action, wish.action} <= SWAPS):
            first, second = rules.find_orders(before.words), rules.find_orders(wish.words)
            if (not first or not second or first == second) and not re.search(
                r"\b(?:other|another) order\b|\bone more\b", wish.words
            ):
                kept[-1] = before.but(words=f"{before.words}, {wish.words}")
                continue
        kept.append(wish)
    return kept


def _each(wishes: Sequence[Wish], rules: Rules) -> list[Wish]:
    """One wish an order, for words that name several."""
    each = []
    for wish in wishes:
        orders = rules.find_orders(wish.words)
        about_orders = wish.action not in NO_ORDER
        each += [wish.but(order_id=order) for order in orders if about_orders] or [wish]
    return each


def ordered(wishes: Sequence[Wish]) -> list[Wish]:
    """As said, but a swap of articles comes after what it would make impossible in its order."""
    later = [
        wish
        for n, wish in enumerate(wishes)
        if wish.action in SWAPS
        and any(
            other.action in BEFORE_SWAPS
            and (None in (other.order_id, wish.order_id) or other.order_id == wish.order_id)
            for other in wishes[n + 1 :]
        )
    ]
    return [wish for wish in wishes if wish not in later] + later
