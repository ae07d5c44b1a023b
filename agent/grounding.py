"""The check behind "nothing invented": what a reply states that its evidence does not.

It errs on the side of finding too much. The built-in composer's replies pass it by construction; a
chat model's reply that does not pass is thrown away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from agent.types import Outcome
from knowledge.types import Document, Hit

_NUMBER = r"\d+(?:[.,]\d+)*"
_MONEY = r"€|\$|£|EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|JPY|euros?|dollars?|pounds?"
_PRICE = re.compile(
    rf"(?:{_MONEY})\s?(?P<after>{_NUMBER})|(?P<before>{_NUMBER})\s?(?:{_MONEY})(?![a-z])", re.I
)
_UNITS = """
two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_SPELLED = {word: value for value, word in enumerate(_UNITS.split(), start=2)} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), start=2)
}
_FIGURE = re.compile(rf"{_NUMBER}|\b(?:{'|'.join(_SPELLED)})\b", re.I)
_ADDRESS = re.compile(
    r"https?://[^\s)\]>\"']+|\bwww\.[^\s)\]>\"']+|[\w.+-]+@[\w-]+\.[\w.-]*\w", re.I
)
_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s|$)|$)", re.M)
_WORD = re.compile(r"[^\W\d_]+")
_NAME = re.compile(r"(?<![\w'’-])[A-Z][^\W\d_]*")
_CAPITALS = "i faq ok eur usd gbp chf e mail yes no"
_NOT_NAMES = frozenset(_CAPITALS.split())
_DETERMINERS = """
a an all another any both each every more my no other our similar some such that the these this
those which your
"""
_OPENERS = frozenset(_DETERMINERS.split())
_DONE = (
    "cancel|refund|return|exchang|chang|updat|sent|shipp|book|reserv|order|plac|creat|regist|"
    "appl|arrang|process|issu|notif|inform|contact|forward|escalat|credit"
)
_DEED = re.compile(
    rf"\b(?:I|we)(?:['’]ve| have)?(?: just| already| now| also)* (?:sent|(?:{_DONE})\w*ed)\b"
    rf"|\byour \w+(?: \w+)? (?:has|have) (?:now |just |already |successfully )*been (?:{_DONE})\w*"
    rf"|\byour \w+(?: \w+)? (?:is|are|was|were) (?:now|successfully|hereby) (?:{_DONE})\w*"
    rf"|\b(?:I|we)(?:['’]ll| will| shall|['’]m going to| am going to)(?: now| gladly)* "
    rf"(?:cancel|refund|send|ship|change|update|arrange|book|reserve|contact|inform|notify|call"
    rf"|forward|escalate|credit|waive|make sure)\b",
    re.I,
)
_DEED_IN = {
    "de": re.compile(r"\b(?:ich|wir) (?:habe|haben|werde|werden)\b", re.I),
    "es": re.compile(
        r"\b(?:he|hemos) \w+[aei]do\b|\b(?:voy|vamos) a\b|\b\w+(?:aré|eré|iré)\b", re.I
    ),
    "fr": re.compile(r"\bj['’]ai\b|\bje (?:vais|\w+erai)\b|\bnous (?:avons|allons)\b", re.I),
    "pt": re.compile(
        r"\b(?:vou|vamos) \w+[aei]r\b|\beu \w+ei\b|\b\w+(?:arei|erei|irei|elei)\b", re.I
    ),
    "zh": re.compile(r"(?:我|我们)(?:已|会|将|现在就|帮您|为您)"),
    "ja": re.compile(r"(?:いたしました|致しました|しました|いたします|致します)"),
}
"""What a speaker says to have done or to be about to do."""
_PROMISE = re.compile(
    r"\b(?:guarante|promis|free|discount|voucher|coupon|gift|refund|compensat|reimburs|waive|credit"
    r"|money back|at no cost|on the house|lifetime|unlimited)",
    re.I,
)


def grounded(text: str, hits: Sequence[Hit], outcome: Outcome | None = None) -> list[str]:
    """The numbers, prices, addresses and product names in `text` that the evidence does not hold.

    Evidence is the hits' documents and what the shop confirmed. An empty list: all is grounded.
    """
    documents = [hit.document for hit in hits]
    evidence = _evidence(documents, outcome)
    return list(
        dict.fromkeys(
            [
                *_unsupported_figures(text, evidence),
                *_unsupported_prices(text, documents, evidence, outcome),
                *(
                    a
                    for a in _ADDRESS.findall(text)
                    if a.rstrip(".,;").lower() not in evidence.lower()
                ),
                *_unsupported_names(text, documents, evidence),
            ]
        )
    )


def deeds(text: str, language: str = "en") -> list[str]:
    """Claims to have done, or promises to do, something only the shop can do. In another language
    than English, whatever the speaker says to have done or to be about to do."""
    patterns = [_DEED, *([_DEED_IN[language]] if language in _DEED_IN else [])]
    return [match.group() for pattern in patterns for match in pattern.finditer(text)]


def promises(text: str, hits: Sequence[Hit], outcome: Outcome | None = None) -> list[str]:
    """Words that bind the shop, such as "free" or "refund", that the evidence does not hold."""
    evidence = _evidence([hit.document for hit in hits], outcome).lower()
    said = {match.group().lower() for match in _PROMISE.finditer(text)}
    return sorted(word for word in said if word not in evidence)


def _evidence(documents: Sequence[Document], outcome: Outcome | None) -> str:
    return "\n".join([*map(_document_text, documents), *_outcome_texts(outcome)])


def _document_text(document: Document) -> str:
    figures = [f"{document.price} {document.currency}" if document.price is not None else ""]
    figures += [f"{document.stock}" if document.stock is not None else ""]
    return "\n".join(
        [
            document.title,
            document.text,
            document.url,
            *figures,
            *map(str, document.attributes.values()),
        ]
    )


def _outcome_texts(outcome: Outcome | None) -> Iterator[str]:
    if outcome is not None:
        yield outcome.message
        yield from _leaves(outcome.facts)


def _leaves(value: Any) -> Iterator[str]:
    """Every string and number inside facts, however nested."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _value(figure: str) -> Decimal:
    """The value of "16.90", "16,9", "1,299.00", "1.299,00" or "fourteen"."""
    if figure.lower() in _SPELLED:
        return Decimal(_SPELLED[figure.lower()])
    marks = [mark for mark in figure if mark in ".,"]
    if not marks:
        return Decimal(figure)
    whole, _, part = figure.rpartition(marks[-1])
    thousands = len(part) == 3 and len(set(marks)) == 1 and whole != "0"
    digits = re.sub("[.,]", "", whole)
    return Decimal(digits + part) if thousands else Decimal(f"{digits}.{part}")


def _figures(text: str) -> dict[Decimal, str]:
    return {_value(match.group()): match.group() for match in _FIGURE.finditer(text)}


def _prices(text: str) -> dict[Decimal, str]:
    found = {}
    for match in _PRICE.finditer(text):
        found[_value(match["after"] or match["before"])] = match.group()
    return found


def _unsupported_figures(text: str, evidence: str) -> list[str]:
    known = _figures(evidence)
    return [figure for value, figure in _figures(text).items() if value not in known]


def _unsupported_prices(
    text: str, documents: Sequence[Document], evidence: str, outcome: Outcome | None
) -> Iterator[str]:
    known = set(_prices(evidence))
    for leaf in _leaves(outcome.facts if outcome else {}):  # totals are bare numbers there
        known.update(_figures(leaf))
    for value, price in _prices(text).items():
        if value not in known:
            yield price
    for sentence in _SENTENCE.findall(text):  # a true price beside another product is invented too
        named = _named(sentence, documents)
        written = set().union(*(_prices(d.text) for d in documents if d.kind != "product"), set())
        own = written.union(*(_prices(_document_text(document)) for document in named))
        for value, price in _prices(sentence).items():
            if named and value not in own:
                yield price


def _named(sentence: str, documents: Sequence[Document]) -> list[Document]:
    """Products named in full; "Aster mug, blue, small" does not name "Aster mug, blue"."""
    said = sentence.lower()
    named = []
    for document in sorted(documents, key=lambda document: len(document.title), reverse=True):
        if document.kind == "product" and document.title.lower() in said:
            named.append(document)
            said = said.replace(document.title.lower(), "")
    return named


def _unsupported_names(text: str, documents: Sequence[Document], evidence: str) -> Iterator[str]:
    """Capitalised words the evidence does not know, where a capital means a name."""
    known = {word.lower() for word in _WORD.findall(evidence)} | _NOT_NAMES
    things = {
        _WORD.findall(document.title.split(",")[0].lower())[-1:][0]
        for document in documents
        if document.kind == "product" and _WORD.search(document.title.split(",")[0])
    }
    for match in _NAME.finditer(text):
        name = match.group()
        if name.lower() in known:
            continue
        before = text[: match.start()].rstrip(" \t\"'“”‘’*-•(")
        starts = not before or before[-1] in ".!?:\n"
        following = _WORD.match(text[match.end() :].lstrip())
        thing = following.group().lower() if following else ""
        if not starts or (
            name.lower() not in _OPENERS and {thing, thing.removesuffix("s")} & things
        ):
            yield name
