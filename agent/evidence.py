"""Evidence as it is shown: quotes that stand word for word in a document, product cards, prices."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.types import Citation, ProductCard
from knowledge.types import Document, Hit

OWN = "own"  # in a hit's ranks: an answer that the shop wrote for exactly this, said as it stands
SENTENCES = 3  # in one quote
WHOLE = 420  # characters; a passage up to this long is quoted whole

_SENTENCE = re.compile(r"[^\s#].*?(?:[.!?](?=\s|$)|$)", re.M)
_HEADING = re.compile(r"^\s*#.*$", re.M)
_WORD = re.compile(r"[^\W_]+")
_COMMON = """
a about all am an and any are as at be but by can could do does for from had has have how i if in
is it its me my of on or our please so that the their them there this to us was we what when where
which who will with would you your
"""
_EMPTY = frozenset(_COMMON.split())


def money(price: float, currency: str) -> str:
    """16.9, "EUR" -> "16.90 EUR"."""
    return f"{price:,.2f} {currency}".strip()


def card(document: Document) -> ProductCard:
    return ProductCard(
        id=document.id,
        title=document.title,
        url=document.url,
        price=document.price,
        currency=document.currency,
        stock=document.stock,
        photo=document.photos[0] if document.photos else None,
    )


def quote(document: Document, start: int, end: int) -> Citation:
    """`document.text[start:end]` as a citation.

    Raises ValueError when that is not a piece of the text.
    """
    if not 0 <= start < end <= len(document.text) or not document.text[start:end].strip():
        raise ValueError(f"{document.id} has no text at {start}:{end}")
    return Citation(
        document=document.id, title=document.title, url=document.url, quote=document.text[start:end]
    )


def quote_title(document: Document) -> Citation:
    return Citation(
        document=document.id, title=document.title, url=document.url, quote=document.title
    )


def stems(words: str) -> frozenset[str]:
    """The words that carry meaning, cut short, so that "returning" meets "return"."""
    said = _WORD.findall(words.lower())
    return frozenset(word[:5].removesuffix("s") for word in said if word not in _EMPTY)


def answering(hit: Hit, words: str) -> Citation:
    """The sentences of the hit's passage that come nearest to the customer's words, together."""
    document = hit.document
    whole = len(document.text) <= WHOLE or hit.end <= hit.start
    start, end = (0, len(document.text)) if whole else (hit.start, hit.end)
    spans = _sentences(document.text, start, end)
    if not spans:
        return quote_title(document)
    if len(spans) <= SENTENCES or spans[-1][1] - spans[0][0] <= WHOLE:
        return quote(document, spans[0][0], spans[-1][1])
    asked = stems(words)
    worth = [len(asked & stems(document.text[a:b])) for a, b in spans]
    best = max(worth)
    first = worth.index(best) if best else 0
    # Go on after the best sentence while the following ones still answer, then stop.
    last = first
    while last + 1 < len(spans) and last + 1 - first < SENTENCES and worth[last + 1] * 2 >= best:
        last += 1
    return quote(document, spans[first][0], spans[last][1])


def describing(document: Document, words: str) -> Citation | None:
    """The sentence of a product's description that meets the words; None when none does."""
    asked = stems(words) - stems(document.title)
    spans = _sentences(document.text, 0, len(document.text))
    worth = [len(asked & stems(document.text[a:b])) for a, b in spans]
    if not worth or not max(worth):
        return None
    return quote(document, *spans[worth.index(max(worth))])


def opening(document: Document) -> Citation | None:
    """The first two sentences of a product's description; None when it has none."""
    spans = _sentences(document.text, 0, len(document.text))[:2]
    return quote(document, spans[0][0], spans[-1][1]) if spans else None


def plain(quoted: str) -> str:
    """A quote as running text: white space collapsed, list marks dropped."""
    return " ".join(re.sub(r"^\s*[-*•]\s+", "", quoted, flags=re.M).split())


def _sentences(text: str, start: int, end: int) -> Sequence[tuple[int, int]]:
    headings = [match.span() for match in _HEADING.finditer(text, start, end)]
    return [
        match.span()
        for match in _SENTENCE.finditer(text, start, end)
        if not any(a <= match.start() < b for a, b in headings)
    ]
