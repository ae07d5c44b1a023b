"""What a customer's words say to a question of ours: tables and patterns, no model.

An order is changed only on what this file reads as a yes, so it reads strictly: a yes with a
condition, a question or a doubt is not a yes.
"""

from __future__ import annotations

import re

TOLD = 4  # words beside those of any complaint

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SPOKEN_EMAIL = re.compile(r"[\w+-]+(?: ?(?:\.| dot ) ?[\w+-]+)* at [\w-]+(?: ?(?:\.| dot ) ?\w+)+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")

_NAME_IS = re.compile(
    r"(?:\bmy (?:full )?name(?:'s| is|:)|\bname:|\bi am|\bi'm|\bthis is|\bit's|\bit is)\s+"
    r"([^\W\d_][\w'’-]*(?:\s+[^\W\d_][\w'’-]*){1,4})",
    re.I,
)
_NO_NAME = re.compile(
    r"[,.;!]|\b(?:and|my|zip|code|postcode|postal|is|it's|sure|name|the)\b.*", re.I
)
_NAME_FIRST = re.compile(r"\W*([A-Z][\w'’-]+(?:\s+[a-z]{1,3})?(?:\s+[A-Z][\w'’-]+){1,2})\s*[,;.(]")
_ZIP = re.compile(
    r"(?:\bzip(?: ?code)?|\bpost(?:al )?code)(?: is|:)?\s*#?(\w[\w -]{2,8}\d\w*)|"
    r"(?<![\w#@.])(\d{5})(?![\w@])",
    re.I,
)
_SAME = re.compile(
    r"\b(?:that|this|the same|same) (?:order|one)\b|\bits?\b|\bthe (?:\w+ )?address\b"
)
_OWN_FAULT = re.compile(
    r"\bi(?:'ve| have)? (?:\w+ )?(?:dropped|broke|smashed|knocked|damaged)\b|\bmy (?:own )?fault\b"
)
_REST = re.compile(r"\b(?:my|the) other (?:order|parcel|package)s?\b")
_NEWEST = re.compile(r"\b(?:my|the) (?:last|latest|newest|most recent) (?:order|one|purchase)\b")
_COMPLAINS = re.compile(
    r"\b(?:i|i'm|am|we|want|would|i'd|like|wish|need|to|make|file|raise|lodge|have|a|an|the|my|your|"
    r"about|of|with|complain\w*|formal|official|hello|hi|please|service|shop|is|was|very|really|so|"
    r"bad|awful|terrible|unhappy|not|happy|this|it|and)\b"
)
_CORRECTS = re.compile(r"\b(?:actually|instead|rather|only|just the|sorry|i meant|correction)\b")
_VAGUE = re.compile(
    r"\b(?:help|assist(?:ance)?|issue|problem|trouble|something|a question)\b.*"
    r"\bmy (?:\w+ )?(?:orders?|purchases?|account)\b"
)
_DEPENDS = re.compile(r"\b(?:if|unless|otherwise|or)\b")
_ADDS = re.compile(r"\b(?:also|too|as well|additionally|in addition|besides|another order)\b")

_YES = re.compile(
    r"\b(?:yes|yeah|yep|yup|sure|certainly|absolutely|definitely|of course|ok|okay|alright|"
    r"all right|go ahead|go for it|do it|do that|do so|please do|confirm|confirmed|i confirm|"
    r"correct|that's right|that is right|that's correct|sounds good|looks good|that works|exactly|"
    r"proceed|fine|agreed|i agree)\b"
)
_HEARD = re.compile(
    r"(?:\W*\b(?:oh|ah|yes|yeah|yep|ok|okay|alright|all right|fine|sure|good|great|perfect|right|"
    r"i see|understood|got it|no problem|fair enough|that's (?:fine|ok|okay|good|right)|thanks|"
    r"thank you|then|actually|well|never ?mind|forget it)\b)+\W*"
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
    r"the|then|now|and|so|just|my|a|oh|well|great|perfect|for|with|me|you|can|would|like|cancellation|"
    r"modification|request|details?|everything|changes?|items?|order|refund|forward|on|these|those)\b"
)

_PERSON = re.compile(
    r"\b(?:person|human|agent|someone|somebody|colleague|representative|rep|operator|manager|"
    r"supervisor|staff|employee|people|advisor|real)\b"
)

_LEAVE = re.compile(
    r"\b(?:never ?mind|forget (?:it|that|about it)|leave it(?: be)?|drop it|don't bother)\b|"
    r"(?:^|[,.;!]|\b(?:no|please|just|i'll|i will|rather)\b)\W*keep (?:it|them)\b|"
    r"^\W*(?:oh |wait |sorry )?actually,? no\W*(?:thanks|thank you)?\W*$"
)
_CHANGED = re.compile(r"\b(?:no longer want|changed my mind)\b")
_CANCEL_THIS = re.compile(r"\W*cancel(?: (?:this|that|it))?\W*")

_POLICY = re.compile(
    r"(?:how|what|when|who|which|why|where|do|does|is|are|if|will|what'?s|how'?s)\b"
)
_MAY = re.compile(r"(?:can|could|may|should|am) i\b")
_OPENING = re.compile(r"\W*(?:(?:hi|hello|hey|sorry|and|but|so|also|ok|okay|well|then)\b\W+)*")
_OWN = re.compile(
    r"\b(?:my|mine|our|i (?:have )?(?:just )?(?:ordered|bought|received)|did i (?:order|buy))\b"
)
_GOT = re.compile(
    r"\b(?:order(?:ed)?|parcel|package|bought|received|delivered|delivery|arrived|came|got)\b"
)
_WHOLE = re.compile(
    r"\b(?:not|isn't|wasn't|aren't|no|nothing|never|without)\b(?: \w+){0,3}? "
    r"(?:damaged?|broken|crack(?:ed|s)?|chip(?:ped|s)?|stain(?:ed|s)?|missing|defective|faulty|wrong)\b|"
    r"\b(?:undamaged|unbroken|intact|in (?:perfect|good|great) (?:condition|shape|order)|"
    r"(?:arrived|came) (?:fine|safely|well)|(?:love|like) (?:it|them|my))\b"
)
_DEFINITE = re.compile(r"\b(?:the|this|that|these|those)\b")
_OTHER = re.compile(
    r"\b(?:other|another|different|wrong) (?:order|one)\b|\bnot (?:that|this) (?:order|one)\b"
)
_NO_REASON = re.compile(
    r"\W*(?:skip(?: (?:it|this))?|no|none|no reason|no particular reason|nothing|yes|yes please|"
    r"rather not(?: say)?|i'd rather not(?: say)?|just because)\W*"
)
_BECAUSE = re.compile(r"\bbecause\b[\s,:]*(.{3,})", re.I | re.S)
_NEW_ADDRESS = re.compile(
    r"(?:.*\b(?:to|is)|:)\s+(\d+ [^\W\d].*|[^\W\d][^,#]* \d+\w?,.*)", re.I | re.S
)
_NO_BUT_ADDRESS = re.compile(
    r"\W*(?:no|nope|sorry|wait)\b\W*(?:(?:it's|it is|to|send it to|it should be)\b\W*)?(.*\d.*)",
    re.I | re.S,
)


def find_email(words: str) -> str | None:
    """The first e-mail address, in lower case; one spelt aloud ("ann at example dot com") too."""
    words = words.lower()
    if written := _EMAIL.search(words):
        return written[0].rstrip(".")
    if spoken := _SPOKEN_EMAIL.search(words):
        return re.sub(r" ?\bdot\b ?", ".", spoken[0].replace(" at ", "@")).replace(" ", "")
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


def acknowledges(words: str) -> bool:
    """Whether this only says that what we said was heard: "ok", "fine, thanks", "never mind"."""
    return bool(_HEARD.fullmatch(_plain(words)))


def asks_person(words: str) -> bool:
    """Whether a person is named: "Ann Lee" alone must not read as a wish for one."""
    return bool(_PERSON.search(_plain(words)))


def leaves(words: str, flow: str, asked: str | None = None) -> bool:
    """Whether the customer drops the matter."""
    said = _plain(words)
    if asked != "reason" and _CHANGED.search(said):  # when asked why, that is why
        return True
    if flow == "damaged" and _OWN_FAULT.search(said):  # no claim after all
        return True
    return bool(_LEAVE.search(said) or (flow != "cancel" and _CANCEL_THIS.fullmatch(said)))


def asks_besides(words: str) -> bool:
    """Whether a question follows the words that drop the matter."""
    said = _plain(words)
    left = _LEAVE.search(said) or _CHANGED.search(said) or _OWN_FAULT.search(said)
    return left is not None and asks(said[left.end() :])


def asks(words: str) -> bool:
    """Whether this is a question, spoken ones without a question mark included."""
    said = _opened(words)
    return "?" in said or bool(_POLICY.match(said) or _MAY.match(said))


def asks_leave(words: str) -> bool:
    """Whether the customers ask if they may: "can I cancel it?"."""
    return bool(_MAY.match(_opened(words)))


def is_general(words: str, flow: str) -> bool:
    """Whether this asks about the shop's rules rather than for something to be done."""
    if find_email(words):
        return False
    said = _opened(words)
    own = bool(_OWN.search(said))
    if _POLICY.match(said):
        theirs = flow in ("status", "damaged") or (flow, said[:5]) == ("refund_status", "where")
        return " if " in said or not (own and theirs)
    return bool(_MAY.match(said)) and not own and not _DEFINITE.search(said)


def of_own(words: str) -> bool:
    """Whether this is about what the customer has ordered or received, not about what to buy."""
    said = _plain(words)
    return bool(_OWN.search(said) or _GOT.search(said))


def says_whole(words: str) -> bool:
    """Whether a thing is said to be without damage."""
    return bool(_WHOLE.search(_plain(words)))


def own_fault(words: str) -> bool:
    """Whether the customers themselves broke what is broken: no claim, however it is said."""
    return bool(_OWN_FAULT.search(_plain(words)))


def means_other(words: str) -> bool:
    """Whether another order is meant than the one read back."""
    return bool(_OTHER.search(_plain(words)))


def full_name(words: str) -> str:
    """The name in "My name is Ann Lee" or in a bare "Ann Lee"; "" when there is none."""
    found = _NAME_IS.search(words)
    said = _NO_NAME.sub(" ", found[1]) if found else words
    parts = re.findall(r"[^\W\d_][\w'’-]*", said)
    return " ".join(parts[:4]) if 2 <= len(parts) <= (4 if not found else 9) else ""


def named_and_zip(words: str) -> tuple[str, str]:
    """Name and zip that came together: "I am Ann Lee, zip 80279"; empty what is missing."""
    zip = _ZIP.search(words)
    found = _NAME_IS.search(words) or _NAME_FIRST.match(words)
    name = full_name(f"my name is {found[1]}") if found else ""
    return name, (zip[1] or zip[2]).strip() if zip else ""


def find_zip(words: str) -> str:
    """The zip in an answer to a question for it."""
    if found := _ZIP.search(words):
        return (found[1] or found[2]).strip()
    said = re.sub(r"(?i)\b(?:my|zip|code|postcode|postal|is|it's|it|the|sure)\b|[:.,!]", " ", words)
    return " ".join(said.split()) if re.search(r"\d", said) and len(said.split()) <= 3 else ""


def without_email(words: str) -> str:
    return " ".join(_EMAIL.sub(" ", words).split())


def means_same(words: str) -> bool:
    """Whether the order talked of last is meant: "that order", "its address"."""
    return bool(_SAME.search(_plain(words)))


def means_rest(words: str) -> bool:
    """Whether any order but the one talked of last is meant: "and my other order?"."""
    return bool(_REST.search(_plain(words)))


def means_newest(words: str) -> bool:
    """Whether the order placed last is meant."""
    return bool(_NEWEST.search(_plain(words)))


def complaint(words: str) -> str:
    """What happened, where a complaint already says it; "" where it only says that it is one."""
    said = " ".join(words.split())
    return said if len(_WORD.findall(_COMPLAINS.sub(" ", _plain(said)))) >= TOLD else ""


def corrects(words: str) -> bool:
    """Whether something that was said before is said anew: "actually only the lamp"."""
    return bool(_CORRECTS.search(_plain(words)))


def is_vague(words: str) -> bool:
    """Whether help with an order is wished for, but not which."""
    return bool(_VAGUE.search(_plain(words)))


def depends(words: str) -> bool:
    """Whether something is wished for only under a condition, or one thing or another."""
    return bool(_DEPENDS.search(_plain(words)))


def adds(words: str) -> bool:
    """Whether something is wished for besides: "also", "another order"."""
    return bool(_ADDS.search(_plain(words)))


def reason(words: str) -> str:
    """The reason as said; empty when the customer would not give one."""
    return "" if _NO_REASON.fullmatch(_plain(words)) else " ".join(words.split())


def said_reason(words: str) -> str | None:
    """The reason that already came with a wish: what follows "because"."""
    found = _BECAUSE.search(words)
    return " ".join(found[1].split()) if found else None


def said_address(words: str) -> str | None:
    """The address that came with a wish ("... to Korenmarkt 5, 9000 Ghent")."""
    return _address(_NEW_ADDRESS.search(words))


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
