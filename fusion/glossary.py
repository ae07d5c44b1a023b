"""What a shop's customers say most, in other languages: read as English by what reads only English.

Filters, consent and order flows are patterns of English words. A glossary gives them the words they
look for, wherever a customer says them; names, numbers and codes stay as they are.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from pathlib import Path
from unicodedata import combining, normalize

import snowballstemmer
from opencc import OpenCC

TABLE = Path(__file__).parent / "glossary.tsv"
STEMMERS = {
    "en": "english", "es": "spanish", "fr": "french", "de": "german", "pt": "portuguese",
}  # fmt: skip
UNSPACED = ("zh", "ja")
CJK = "\u3005\u3040-\u30ff\u3400-\u9fff"
LONGEST = 5  # words of a phrase
MARKS = ".,;:!?¿¡'\"()"
_WORD = re.compile(rf"[^\W\d_{CJK}]+(?![^\W{CJK}])|[{CJK}]+")  # no part of a code: "E27"
_AS_IT_IS = re.compile(r"[\w.+-]+@[\w.-]+|https?://\S+")


class Glossary:
    """Phrases of one language and what they are in English."""

    def __init__(
        self, language: str, phrases: dict[tuple[str, ...], str], words: frozenset[str]
    ) -> None:
        self.language = language
        self.words = words  # of the phrases as they are written, in lower case
        self._phrases = phrases
        self._longest = max((len(key[0]) for key in phrases if len(key) == 1), default=0)

    def english(self, text: str) -> str:
        """The text, with the phrases that are known in English; addresses of e-mail and of pages
        stay."""
        parts = re.split(rf"({_AS_IT_IS.pattern})", text)
        said = [self._said(part) if n % 2 == 0 else part for n, part in enumerate(parts)]
        return " ".join(" ".join(said).split()) if len(parts) > 1 else said[0]

    def _said(self, text: str) -> str:
        text = re.sub(r"(?<=\w)['’](?=\w)", " ", normalize("NFKC", text))
        if self.language == "zh":
            text = simplified(text)
        if self.language == "es":  # "cancelarlo"
            text = re.sub(r"(?<=[aei]r)l[oa]s?\b", " lo", text)
        parts: list[str] = []
        words = list(_WORD.finditer(text))
        at = i = 0
        while i < len(words):
            start = words[i].start()
            parts.append(text[at:start])
            if self.language in UNSPACED and re.match(f"[{CJK}]", words[i][0]):
                parts.append(f" {' '.join(self._cut(words[i][0]))} ")
                taken = 1
            else:
                taken, said = self._phrase([word[0] for word in words[i : i + LONGEST]])
                parts.append(said)
            at = words[i + taken - 1].end()
            i += taken
        return " ".join("".join([*parts, text[at:]]).split())

    def _phrase(self, words: list[str]) -> tuple[int, str]:
        """How many of the words are a phrase, and what it is in English."""
        written = tuple(word.lower() for word in words)
        stems = tuple(key(word, self.language) for word in words)
        for n in range(len(words), 0, -1):
            for keys in (written[:n], stems[:n]):  # "é" is "is", though "e" is "and"
                if keys in self._phrases:
                    return n, self._phrases[keys]
        return 1, words[0]

    def _cut(self, run: str) -> Iterator[str]:
        """The phrases in writing without spaces, the longest first, and what is between them."""
        at, unknown = 0, ""
        while at < len(run):
            for n in range(min(self._longest, len(run) - at), 0, -1):
                if (said := self._phrases.get((run[at : at + n],))) is not None:
                    yield from filter(None, (unknown, said))
                    unknown, at = "", at + n
                    break
            else:
                unknown += run[at]
                at += 1
        if unknown:
            yield unknown


@cache
def glossary(language: str) -> Glossary:
    """The glossary of a language of the table; English words for "en"."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    phrases: dict[tuple[str, ...], str] = {}
    stems: dict[tuple[str, ...], str] = {}
    words: set[str] = set()
    for row in rows:
        english = row["english"]
        said = (english if language == "en" else row[language]).lower()
        words.update(_WORD.findall(said))
        for phrase in said.split("|"):
            if language in UNSPACED:
                phrases.setdefault((phrase,), english)
            written = tuple(_WORD.findall(phrase.replace("'", " ")))
            phrases.setdefault(written, english)
            stems.setdefault(tuple(key(word, language) for word in written), english)
    phrases = stems | phrases
    phrases.pop((), None)
    return Glossary(language, phrases, frozenset(words))


def simplified(text: str) -> str:
    """With simplified Chinese characters in place of traditional ones."""
    return str(_converter().convert(text))


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


@lru_cache(maxsize=50_000)
def key(word: str, language: str) -> str:
    """The stem of a word, in lower case, without accents."""
    lower = word.lower()
    if language in STEMMERS:
        lower = _stem(lower, language)
    return "".join(c for c in normalize("NFD", lower) if not combining(c) or language == "ja")


def _stem(word: str, language: str) -> str:
    # A stemmer holds the word it is at: each call has its own, so that threads share none.
    return str(snowballstemmer.stemmer(STEMMERS[language]).stemWord(word))


def legible(text: str, known: Collection[str]) -> str:
    """Of a text in English, what an encoder that knows these words reads: what stayed in another
    language is noise to it. What the glossary says in English stays though the encoder spells it in
    pieces ("refund"), and so do names and codes."""
    words = [word for word in text.split() if not re.search(f"[{CJK}]", word)]
    said = glossary("en").words
    return " ".join(
        word
        for word in words
        if not word.islower() or (bare := word.strip(MARKS)) in known or bare in said
    )
