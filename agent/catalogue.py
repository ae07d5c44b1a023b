"""The sentences of one language (agent/catalogues/XX.po), and English ones said in it.

The ids of a catalogue are the English sentences that the agent says, with %(names)s for what
varies. A whole reply is said in another language by finding the sentences that it is made of. What
they name (products, orders) stays; sums, dates and lists are written as the language does (CLDR).
What is found only in one place, and would be found in names elsewhere, has a context (msgctxt).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_decimal_symbol

FOLDER = Path(__file__).parent / "catalogues"
PAGE = "page"  # context of what only stands on pages: no reply is made of it

_NAME = re.compile(r"%\((\w+)\)s")
_VALUES = {
    "order": r"\S+?",
    "money": r"[\d,]+\.\d\d [A-Z]{3}",
    "day": r"\d{1,2} [A-Z][a-z]+ \d{4}",
    "count": r"\d+",
    "side": r"[a-z]+",
}
"""What a name in a sentence may stand for; any other for whatever stands there."""
_WHOLE = ("problem", "formats")
"""Names that stand for a phrase of the catalogue and for nothing else."""
_SECONDS = ("heard", "promised")
_LISTS = ("items", "names", "products", "ways", "sums", "fields", "reasons")
_MONEY = re.compile(r"([\d,]+\.\d\d) ([A-Z]{3})\b")
_DAY = re.compile(r"\b\d{1,2} (?:[A-Z][a-z]+) \d{4}\b")
_END = re.compile(r"[.?!](?=\s|\Z)")
_WISH = re.compile(r"“(.+?)”")
_MEASURED = re.compile(r"(?:Ø ?)?[\d.]+(?: ?[x×] ?[\d.]+)*(?: ?\w+)?")
_FACT = re.compile(rf"(?<=\()(?:★ )?{_MEASURED.pattern}(?=[,)])")  # before the price of a product
_STATUS = re.compile(r"\((\w+)\)|(?<=, )(sold out)\b")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One sentence of the catalogue, as it is found in English text."""

    regex: re.Pattern[str]
    english: str
    said: str


class Catalogued:
    """The sentences of one language."""

    def __init__(self, language: str) -> None:
        with (FOLDER / f"{language}.po").open("rb") as file:
            self._catalogue: Catalog = read_po(file)
        self.locale = Locale.parse(language)
        self._joint = "" if language in ("zh", "ja") else " "
        self._patterns: dict[str, list[Pattern]] = {"": [], "wish": [], "choice": []}
        for one in self._catalogue:
            context = one.context or ""
            if one.id and isinstance(one.id, str) and context in self._patterns:
                self._patterns[context].append(_pattern(one))
        for patterns in self._patterns.values():  # what says most itself comes first
            patterns.sort(key=lambda one: -len(_NAME.sub("", one.english)))

    def __call__(self, english: str, context: str | None = None, **values: str) -> str:
        """The sentence of this id. Raises KeyError when the catalogue lacks it."""
        message = self._catalogue.get(english, context)
        if message is None or not isinstance(message.string, str) or not message.string:
            raise KeyError(english)
        return message.string % values if values else message.string

    def on_page(self, english: str) -> str:
        """What a page itself says (context "page"); as it is if the catalogue lacks it."""
        message = self._catalogue.get(english, PAGE)
        return str(message.string) if message and message.string else english

    def in_stock(self, pieces: int) -> str:
        """How many pieces there are, in the plural form that the number takes."""
        message = self._catalogue["%(count)s piece is in stock."]
        assert message is not None
        forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
        place = int(len(forms) > 1 and self.locale.plural_form(pieces) != "one")
        return forms[place] % {"count": format_decimal(pieces, locale=self.locale)}

    def money(self, price: float, currency: str) -> str:
        """16.9, "EUR" -> "16,90 €" in German."""
        if not currency:
            return str(format_decimal(price, "#,##0.00", locale=self.locale))
        return str(format_currency(price, currency, locale=self.locale))

    def joined(self, *parts: str) -> str:
        return self._joint.join(filter(None, parts))

    def say(self, english: str) -> str | None:
        """English text in this language; None when not all of it is in the catalogue."""
        said = self._parse(english.strip(), {})
        return None if said is None else self.joined(*said)

    def label(self, english: str) -> str:
        """What stands on a button: in this language if the catalogue has it."""
        return self._phrase(english, "choice") or self._value("label", english)

    def wish(self, english: str) -> str:
        """What stands on a chip: "unter 40,00 €", "nicht rot oder blau"."""
        return self._phrase(english, "wish") or self.value(english)

    def value(self, english: str) -> str:
        """An attribute of a product: in this language if the catalogue has all of it, figures as
        they are written here."""
        parts = [self._phrase(part.lower()) for part in re.split(r", | and ", english)]
        if known := [part for part in parts if part]:
            return self.listed(known) if len(known) == len(parts) else english
        if _MEASURED.fullmatch(english) and not _MONEY.fullmatch(english):
            return self._figures(english)
        return self._value("", english)

    def listed(self, parts: list[str]) -> str:
        """As in: a, b und c."""
        return str(format_list(parts, locale=self.locale))

    def _parse(self, text: str, known: dict[str, list[str] | None]) -> list[str] | None:
        """The sentences that a text is made of, said; None when it is not made of any."""
        if not text:
            return []
        if text not in known:
            known[text] = None
            for end in [match.end() for match in _END.finditer(text)]:
                if (said := self._phrase(text[:end])) is None:
                    continue
                if (rest := self._parse(text[end:].lstrip(), known)) is not None:
                    known[text] = [said, *rest]
                    break
        return known[text]

    def _value(self, name: str, english: str) -> str:
        """What a name stands for: a phrase of the catalogue, or a list, or as it is, with its sums
        and dates as they are written here."""
        if name == "wishes":
            return self.listed([self.wish(wish) for wish in _WISH.findall(english)])
        if name in _SECONDS:
            return self._figures(english)
        if name in _LISTS and " and " in english:
            first, last = english.rsplit(" and ", 1)
            parts = [*re.split(r"; |, (?=[A-Z“])", first), last]
            return self.listed([self._value("", part) for part in parts])
        if (said := self._phrase(english)) is not None:
            return said
        english = _FACT.sub(self._fact, english)
        english = _STATUS.sub(self._status, english)
        english = _MONEY.sub(self._sum, english)
        return _DAY.sub(lambda day: self.day(day[0]), english)

    def day(self, english: str) -> str:
        """ "1 October 2026" -> "1. Oktober 2026" in German."""
        try:
            at = datetime.strptime(english, "%d %B %Y")
        except ValueError:
            return english
        return str(format_date(at, "long", locale=self.locale))

    def _phrase(self, english: str, context: str = "") -> str | None:
        """One sentence or phrase of the catalogue, said; None when there is none."""
        for pattern in self._patterns[context]:
            if match := pattern.regex.fullmatch(english):
                named = match.groupdict()
                if any(self._phrase(named[name]) is None for name in _WHOLE if name in named):
                    continue
                wished = context == "wish"
                values = {
                    n: self.wish(v) if wished else self._value(n, v) for n, v in named.items()
                }
                return pattern.said % values if values else pattern.said
        return None

    def _status(self, match: re.Match[str]) -> str:
        said = self._phrase(match[1] or match[2])
        return match[0] if said is None else match[0].replace(match[1] or match[2], said)

    def _fact(self, match: re.Match[str]) -> str:
        return match[0] if _MONEY.fullmatch(match[0]) else self._figures(match[0])

    def _figures(self, english: str) -> str:
        """ "7.5 x 13 cm" -> "7,5 x 13 cm" in German."""
        return re.sub(r"(?<=\d)\.(?=\d)", get_decimal_symbol(self.locale), english)

    def _sum(self, match: re.Match[str]) -> str:
        return self.money(float(match[1].replace(",", "")), match[2])


def _pattern(message: Message) -> Pattern:
    english = str(message.id)
    parts = _NAME.split(english)
    regex = "".join(
        re.escape(part) if n % 2 == 0 else f"(?P<{part}>{_VALUES.get(part, '.+?')})"
        for n, part in enumerate(parts)
    )
    return Pattern(re.compile(regex, re.S), english, str(message.string))


def say(english: str, language: str) -> str:
    """English text in the language; as it is where the catalogue has no words for all of it."""
    own = catalogued(language)
    return (own and own.say(english)) or english


@cache
def catalogued(language: str) -> Catalogued | None:
    """None for English, and for a language without a catalogue."""
    return Catalogued(language) if (FOLDER / f"{language}.po").is_file() else None
