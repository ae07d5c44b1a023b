"""What a customer's words say to a question of ours: tables and patterns, no model.

An order is changed only on what this file reads as a yes, so it reads strictly: a yes with a
condition, a question or a doubt is not a yes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SPOKEN_EMAIL = re.compile(r"[\w+-]+(?: ?(?:\.| dot ) ?[\w+-]+)* at [\w-]+(?: ?(?:\.| dot ) ?\w+)+")
_ORDER = re.compile(r"\bk[\s#-]?(\d{4})\b", re.I)
_DIGITS = re.compile(r"(?<!\d)\d{4}(?!\d)")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")

_YES = re.compile(
    r"\b(?:yes|yeah|yep|yup|sure|certainly|absolutely|definitely|of course|ok|okay|alright|"
    r"all right|go ahead|go for it|do it|do that|do so|please do|confirm|confirmed|i confirm|"
    r"correct|that's right|that is right|that's correct|sounds good|fine|agreed|i agree)\b"
)
_NO = re.compile(
    r"\b(?:no|nope|nah|not|(?:don't|dont|do not)(?: do (?:it|that|so))?|never|wait|stop|hold on|"
    r"changed my mind)\b"
)
_STARTS_WITH_NO = re.compile(
    r"\W*(?:(?:oh|sorry|actually|please|um|uh)\W+)*"
    r"(?:no|nope|nah|don't|dont|do not|wait|stop|hold on|not now|not yet|i'd rather not|"
    r"i changed my mind|i've changed my mind)\b"
)
_POLITE = re.compile(
    r"\b(?:please|kindly|thanks|thank you|that's|it's|is|it|that|this|i|i am|i'd like|do|want|to|"
    r"the|then|now|and|so|just|my|a|oh|well|great|perfect)\b"
)

_LEAVE = re.compile(
    r"\b(?:never ?mind|forget (?:it|that|about it)|leave it(?: be)?|drop it|don't bother)\b"
)
_CHANGED = re.compile(r"\b(?:no longer want|changed my mind)\b")
_CANCEL_THIS = re.compile(r"\W*cancel(?: (?:this|that|it))?\W*")

_POLICY = re.compile(r"(?:how|what|when|who|which|why|where|do|does|is|are|if|will|what's)\b")
_MAY = re.compile(r"(?:can|could|may|should|am) i\b")
_OPENING = re.compile(r"\W*(?:(?:hi|hello|hey|sorry|and|but|so|also|ok|okay|well|then)\b\W+)*")
_OWN = re.compile(r"\b(?:my|mine|our|i (?:have )?(?:just )?(?:ordered|bought|received))\b")
_OTHER = re.compile(
    r"\b(?:other|another|different|wrong) (?:order|one)\b|\bnot (?:that|this) (?:order|one)\b"
)
_ALL = re.compile(r"\b(?:all|both|everything|whole|complete|entire)\b")
_NO_REASON = re.compile(
    r"\W*(?:skip(?: (?:it|this))?|no|none|no reason|no particular reason|nothing|yes|yes please|"
    r"rather not(?: say)?|i'd rather not(?: say)?|just because)\W*"
)
_BECAUSE = re.compile(r"\bbecause\b[\s,:]*(.{3,})", re.I | re.S)
_NEW_ADDRESS = re.compile(r".*\b(?:to|is)\b[\s:]*(.*\d.*)", re.I | re.S)
_NO_BUT_ADDRESS = re.compile(
    r"\W*(?:no|nope|sorry|wait)\b\W*(?:(?:it's|it is|to|send it to|it should be)\b\W*)?(.*\d.*)",
    re.I | re.S,
)

_WANTS: Mapping[str, re.Pattern[str]] = {
    "order_status": re.compile(r"\b(?:where is|where's|status|track|tracking)\b"),
    "cancel_order": re.compile(r"\bcancel\b"),
    "change_order": re.compile(r"\b(?:change|add|remove|address)\b"),
    "return": re.compile(r"\b(?:return|send \w+ back|bring \w+ back|give \w+ back)\b"),
    "refund": re.compile(r"\b(?:refund|money back)\b"),
    "exchange": re.compile(r"\b(?:exchange|swap)\b"),
    "damaged_item": re.compile(r"\b(?:damaged|broken|cracked|chipped|shattered|defective)\b"),
    "address": re.compile(r"\b(?:address|street|postcode|zip|moved|moving|deliver it to)\b"),
}


def find_email(words: str) -> str | None:
    """The first e-mail address, in lower case; one spelt aloud ("ann at example dot com") too."""
    words = words.lower()
    if written := _EMAIL.search(words):
        return written[0].rstrip(".")
    if spoken := _SPOKEN_EMAIL.search(words):
        return re.sub(r" ?\bdot\b ?", ".", spoken[0].replace(" at ", "@")).replace(" ", "")
    return None


def find_order(words: str, bare: bool = False) -> str | None:
    """The last order number, e.g. "K1001"; `bare`: four digits alone will do."""
    words = _EMAIL.sub(" ", words)
    if found := _ORDER.findall(words) or (_DIGITS.findall(words) if bare else []):
        return f"K{found[-1]}"
    return None


def yes_or_no(words: str, question: str) -> bool | None:
    """Whether this agrees to `question`; None when it is neither a plain yes nor a plain no.

    A yes may be polite and may repeat words of the question; any other word makes it no yes.
    """
    said = _plain(words)
    agrees, denies = _YES.search(_NO.sub(" ", said)), _NO.search(said)
    if "?" in said or (agrees and denies):
        return None
    if denies:
        return False if _STARTS_WITH_NO.match(said) else None
    rest = _WORD.findall(_POLITE.sub(" ", _YES.sub(" ", said)))
    return True if agrees and set(rest) <= set(_WORD.findall(_plain(question))) else None


def is_bare(words: str, question: str) -> bool:
    """Whether this is an address, an order or a yes and little else: no intent shows in those."""
    given = find_email(words) or find_order(words, bare=True)
    return yes_or_no(words, question) is not None or bool(given and len(words.split()) <= 3)


def leaves(words: str, flow: str, asked: str | None = None) -> bool:
    """Whether the customer drops the matter."""
    said = _plain(words)
    if asked != "reason" and _CHANGED.search(said):  # when asked why, that is why
        return True
    return bool(_LEAVE.search(said) or (flow != "cancel" and _CANCEL_THIS.fullmatch(said)))


def asks(words: str) -> bool:
    """Whether this is a question, spoken ones without a question mark included."""
    said = _opened(words)
    return "?" in said or bool(_POLICY.match(said) or _MAY.match(said))


def is_general(words: str, flow: str) -> bool:
    """Whether this asks about the shop's rules rather than for something to be done."""
    if find_order(words) or find_email(words):
        return False
    said = _opened(words)
    own = bool(_OWN.search(said))
    if _POLICY.match(said):
        return not (own and flow in ("status", "damaged"))
    return bool(_MAY.match(said)) and not own


def wants(intent: str, words: str) -> bool:
    """Whether the words name the thing that the intent is about."""
    return intent in _WANTS and bool(_WANTS[intent].search(_plain(words)))


def means_other(words: str) -> bool:
    """Whether another order is meant than the one read back."""
    return bool(_OTHER.search(_plain(words)))


def named(words: str, titles: Mapping[str, str]) -> list[str]:
    """The ids of the titles that the words name, by id or by a word that only they share."""
    said = set(_WORD.findall(_plain(words)))
    parts = {id: set(_WORD.findall(title.lower())) for id, title in titles.items()}
    found = []
    for id, own in parts.items():
        shared = set().union(*(other for key, other in parts.items() if key != id))
        if id in words or {word for word in own - shared if len(word) > 2} & said:
            found.append(id)
    return found


def names_all(words: str) -> bool:
    return bool(_ALL.search(_plain(words)))


def reason(words: str) -> str:
    """The reason as said; empty when the customer would not give one."""
    return "" if _NO_REASON.fullmatch(_plain(words)) else " ".join(words.split())


def said_reason(words: str) -> str | None:
    """The reason that already came with a wish: what follows "because"."""
    found = _BECAUSE.search(words)
    return " ".join(found[1].split()) if found else None


def said_address(words: str) -> str | None:
    """The address that came with a wish ("... to Korenmarkt 5, 9000 Ghent")."""
    return _address(_NEW_ADDRESS.match(_ORDER.sub(" ", words)))


def corrected_address(words: str) -> str | None:
    """The address in "no, it is Korenmarkt 5, 9000 Ghent"."""
    return _address(_NO_BUT_ADDRESS.match(words))


def _address(found: re.Match[str] | None) -> str | None:
    return " ".join(found[1].split()).rstrip(".!") if found else None


def _plain(words: str) -> str:
    return " ".join(words.lower().replace("’", "'").split())


def _opened(words: str) -> str:
    """Without the greeting and filler at the beginning."""
    return _OPENING.sub("", _plain(words), count=1)
