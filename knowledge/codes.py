"""Ids and article numbers: what a document has, and what a question may name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.types import Document

NAMES = {
    "sku", "mpn", "gtin", "ean", "upc", "isbn", "barcode", "model", "model_number", "part_number",
    "article_number", "error_code",
}  # fmt: skip
"""Attributes that name one document, or nearly so."""

_TITLED = re.compile(
    r"\b(?:(?:error|fault|code)\s+([a-z]{0,4}[- ]?\d{1,5}[a-z]?)|([a-z]{1,4}-?\d{1,5}[a-z]?))\b",
    re.I,
)
"""What in a heading is a code: a few letters with digits, or what stands after "error"."""

TOGETHER = 3  # words of a question that may be one code written apart: "KL 1014 B"


def codes_of(document: Document) -> set[str]:
    """The document's codes, its family, and the codes a passage is headed by ("Error E24"), as
    `codes_in` writes them."""
    values = [v for name, v in document.attributes.items() if name in NAMES]
    if document.kind != "product":
        values += [one or other for one, other in _TITLED.findall(document.title)]
    return {code for code in map(bare, (document.id, document.family, *values)) if len(code) > 1}


def codes_in(words: str) -> set[str]:
    """What in a question may be a code: words with a digit, alone or with those beside them."""
    said = re.findall(r"[^\s,;?!()\"]+", words)
    return {
        code
        for i in range(len(said))
        for j in range(i + 1, min(i + TOGETHER, len(said)) + 1)
        for code in _spelled(said[i:j])
    }


def _spelled(words: list[str]) -> Iterator[str]:
    code = bare("".join(words))
    hyphenated = len(words) == 1 and "-" in words[0]
    if len(code) >= 3 and (re.search(r"\d", code) or hyphenated):
        yield code


def bare(text: str) -> str:
    """Letters and digits alone, lower case: "KL-1014" is "kl1014"."""
    return re.sub(r"[\W_]+", "", text.lower())
