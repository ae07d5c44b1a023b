"""What is hidden of a person before words reach a log, analytics or a chat model.

Numbers are hidden where their own check says what they are (Luhn and the network's digits of a
card, the check digits of an IBAN, the numbering plan of a telephone number), so that order numbers,
prices, sizes and tracking numbers stay. E-mails, passwords and street addresses have no check
digits; they are known by their form and by the words before them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from phonenumbers import Leniency, PhoneNumberMatcher, is_valid_number
from stdnum import iban, luhn

REGION = "BE"  # ISO 3166 country of telephone numbers written without their country's code

_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_SPOKEN_EMAIL = re.compile(
    r"\b[\w+-]+(?: ?(?:\.| dot | underscore ) ?[\w+-]+){0,5} at [\w-]+(?: ?(?:\.| dot ) ?"
    r"(?:[\w-]+(?: ?(?:\.| dot ) ?)){0,3}(?:com|org|net|eu|be|nl|de|fr|uk|edu|io|info|example))\b",
    re.I,
)

_DIGITS = re.compile(r"(?<![\w#])\d(?:[ -]?\d){11,18}(?!\w)")
_CARD = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}"
    r"|(?:50|5[6-9]|6\d)\d{10,17}"
)
"""What the card networks' numbers look like; the last row is Maestro's."""

_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}", re.I)

_SECRET = re.compile(
    r"\b(?P<cue>pass ?words?|passcode|passphrase|pass ?wd|pwd|pin(?: ?code| ?number)?|cvv2?|cvc2?"
    r"|security code)(?P<is>\s*(?:[:=]|\b(?:is|was|are)\b)\s*[\"'“‘]?|\s+(?=[^\s\"']*\d))"
    r"(?P<secret>[^\s\"'”’]+)",
    re.I,
)
_SAID_OF_ONE = """
not no wrong incorrect invalid expired forgotten lost too still never being always required needed
long short weak strong set reset changed correct right the a an my that what it rejected refused
accepted case working missing unknown empty gone old new different blocked locked
"""
_NO_SECRET = frozenset(_SAID_OF_ONE.split())

_STREETS = (
    "street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|square|sq|terrace|"
    "crescent|parkway|pkwy|highway|hwy|circle|cir|trail|close|mews"
)
_STREET_WORD = (
    r"[A-Z][\w'’-]*(?:straat|laan|plein|weg|steenweg|dreef|kaai|markt|gracht|kade|straße|strasse|"
    r"gasse|platz|allee)"
)
_TOWN = r"(?:,?\s+(?:[A-Z]{1,2}-)?\d{4,5}(?:-\d{4})?\s+[A-Z][\w'’-]+(?:[ -][A-Z][\w'’-]+)*)"
_ADDRESS = re.compile(
    # 986 Sunset Drive, Suite 259, Denver, CO 80279
    rf"\b\d{{1,5}}[a-zA-Z]?\s+(?:[A-Z][\w'’.-]*\s+){{1,4}}(?i:{_STREETS})\b\.?"
    r"(?:,?\s+(?:Suite|Apt|Apartment|Unit|Flat|Floor|#)\.?\s*\w+)?"
    r"(?:,?\s+[A-Z][\w'’-]+(?:\s[A-Z][\w'’-]+){0,2})?(?:,?\s+[A-Z]{2})?(?:,?\s+\d{5}(?:-\d{4})?)?"
    # Korenmarkt 5 bus 2, 9000 Ghent; Lange Leemstraat 112; Rue de la Loi 16
    rf"|\b(?:[A-Z][\w'’-]*\s+){{0,3}}{_STREET_WORD}\s+\d{{1,4}}[a-zA-Z]?"
    rf"(?:\s+(?:bus|box|bte)\s+\w+)?{_TOWN}?"
    rf"|\b(?:Rue|Avenue|Boulevard|Place|Chaussée|Quai|Via|Calle)\s+(?:(?:de|la|le|les|du|des|di|d['’])"
    rf"\s*)*[A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*){{0,2}},?\s+\d{{1,4}}[a-zA-Z]?{_TOWN}?"
    # any street and number before a postcode and a town: Dok Noord 12, 9000 Ghent
    rf"|\b(?:[A-Z][\w'’-]*\s+){{1,4}}\d{{1,4}}[a-zA-Z]?{_TOWN.removesuffix(')')})"
)
_POSTCODE = re.compile(
    r"\b(?P<cue>(?:zip|postal|post)[ -]?code|postcode|zip)(?P<is>\s*(?:[:=]|\bis\b)?\s*)"
    r"(?P<secret>\d{4,5}(?:-\d{4})?)\b",
    re.I,
)
_PHONE_CUE = re.compile(
    r"\b(?:(?:tele)?phone|mobile|cell|gsm|tel|whatsapp|fax)\b\W*(?:\w+\W+){0,3}$"
    r"|\b(?:call|text|reach|ring) me\W+(?:\w+\W+){0,2}$",
    re.I,
)


def mask(text: str, region: str = REGION) -> str:
    """The text with what identifies or endangers a person replaced by its kind, as "[e-mail]"."""
    text = _EMAIL.sub("[e-mail]", text)
    text = _SPOKEN_EMAIL.sub("[e-mail]", text)
    text = _SECRET.sub(_secret, text)
    text = _IBAN.sub(_iban, text)
    text = _DIGITS.sub(_card, text)
    text = _phones(text, region)
    text = _POSTCODE.sub(lambda found: f"{found['cue']}{found['is']}[postcode]", text)
    return _ADDRESS.sub("[address]", text)


class MaskedFormatter(logging.Formatter):
    """Log lines, tracebacks included, without what `mask` hides."""

    def __init__(self, region: str = REGION) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._region = region

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record), self._region)


def _secret(found: re.Match[str]) -> str:
    word = found["secret"].strip(".,!?;").lower()
    if word in _NO_SECRET or not word:
        return found[0]
    return f"{found['cue']}{found['is']}[password]"


def _iban(found: re.Match[str]) -> str:
    """Words may follow an IBAN as if they belonged to it: the longest piece that checks counts."""
    text = found[0]
    for end in range(len(text), 14, -1):
        if text[end - 1].isalnum() and iban.is_valid(text[:end], check_country=False):
            return "[IBAN]" + text[end:]
    return text


def _card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return "[card]" if _CARD.fullmatch(digits) and luhn.is_valid(digits) else found[0]


def _phones(text: str, region: str) -> str:
    pieces, at = [], 0
    for start, end in _phone_spans(text, region):
        pieces += [text[at:start], "[phone]"]
        at = end
    return "".join([*pieces, text[at:]])


def _phone_spans(text: str, region: str) -> Iterator[tuple[int, int]]:
    """Numbers that are valid and written as telephone numbers, or said to be one.

    Bare digits could as well be an order or an article.
    """
    for match in PhoneNumberMatcher(text, region, leniency=Leniency.POSSIBLE):
        raw = match.raw_string
        written = raw[0] in "+(0" or re.search(r"\d[ ().-]+\d", raw)
        said = _PHONE_CUE.search(text[: match.start]) or raw.startswith("(")
        if said or (written and is_valid_number(match.number)):
            yield match.start, match.end
