"""BM25 over titles, texts and attributes: how much of what was asked a document says itself."""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import bm25s
import numpy as np
import snowballstemmer
from bm25s.tokenization import Tokenized
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from knowledge.types import Document

K1, B = 0.5, 0.3
"""Short texts: the first mention of a word counts for most, and length for little."""

TITLE = 3
"""A word in the title counts as often as this."""

SLIPS = 3, 6
"""Letters a word must have to be taken for a slip of the pen by one letter, and by two."""

STOP = {
    "a", "about", "again", "all", "also", "am", "an", "and", "any", "anything", "are", "as",
    "at", "be", "because", "been", "before", "being", "but", "by", "can", "cannot", "could",
    "d", "did", "do", "does", "doing", "don", "for", "from", "get", "give", "go", "got", "had",
    "has", "have", "having", "he", "hello", "her", "hers", "hey", "hi", "him", "his", "how",
    "i", "if", "im", "in", "into", "is", "it", "its", "just", "know", "let", "like", "ll",
    "looking", "m", "me", "more", "most", "much", "my", "need", "no", "nor", "not", "now", "of",
    "off", "ok", "on", "one", "or", "other", "our", "ours", "out", "over", "please", "re",
    "really", "s", "same", "see", "she", "should", "show", "so", "some", "something", "such",
    "t", "tell", "than", "thank", "thanks", "that", "the", "their", "them", "then", "there",
    "these", "they", "thing", "things", "this", "those", "to", "too", "under", "until", "up",
    "us", "ve", "very", "want", "was", "we", "were", "what", "when", "where", "which", "while",
    "who", "whom", "why", "will", "with", "would", "yes", "you", "your", "yours",
}  # fmt: skip

SYNONYMS = {
    "shipping": "delivery", "shipment": "delivery", "postage": "delivery", "ship": "deliver",
    "store": "shop", "opening": "open",
}  # fmt: skip
"""Words that customers use for what shops write otherwise."""

UNITS = {
    "in": ("inch", "inches", '"', "″", "”"),
    "gb": ("gigabyte", "gigabytes"), "tb": ("terabyte", "terabytes"), "mb": (),
    "w": ("watt", "watts"), "v": ("volt", "volts"), "mah": (), "hz": (), "mhz": (), "ghz": (),
    "kg": ("kilo", "kilos", "kilograms"), "g": ("gram", "grams"), "lb": ("lbs", "pounds"),
    "l": ("litre", "litres", "liter", "liters"), "ml": (), "cl": (),
    "m": ("metre", "metres", "meter", "meters"), "cm": (), "mm": (), "ft": ("feet",),
    "mp": ("megapixel", "megapixels"), "dpi": (), "rpm": (), "ppm": (), "k": (),
    "port": ("ports",), "pack": ("packs",), "bay": ("bays",), "pc": ("pcs", "pieces"),
}  # fmt: skip
"""Units as a term writes them, and how else people do: "500 gigabytes" is "500gb"."""

STEMMERS = {
    "da": "danish", "de": "german", "es": "spanish", "fi": "finnish", "fr": "french",
    "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "sv": "swedish",
}  # fmt: skip
"""Languages (ISO 639-1) whose words are stemmed; those of any other are as in English."""

_UNIT = {name: unit for unit, names in UNITS.items() for name in (unit, *names)}
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TERM = re.compile(
    rf"(?P<cjk>[{_CJK}]+)"
    rf"|(?P<number>{{number}})(?![^\W_]|[.,]\d)(?:[\s-]?(?P<unit>{{units}})(?!\w))?"
    rf"|(?P<joined>{{number}})(?P<suffix>{{units}})(?!\w)"
    rf"|(?P<word>(?:(?![{_CJK}_])\w)+(?:[-/.&+'](?:(?![{_CJK}_])\w)+)*)".replace(
        "{units}", "|".join(sorted(map(re.escape, _UNIT), key=len, reverse=True))
    ).replace("{number}", r"\d{1,3}(?:,\d{3})+|\d+(?:[.,]\d+)?")
)


def terms(text: str, language: str = "en") -> list[str]:
    """The words of a text that mean something: lower case, in the singular, no stop words.

    In another language that has one, the words are the stems that its stemmer makes.

    A number with its unit is one term ("500 GB" and "500gb": "500gb"), what is joined by a hyphen
    or the like is one term besides its parts ("WH-1000": "wh1000", "wh", "1000"), and writing
    without spaces (Chinese, Japanese, Korean) is cut into pairs of characters.
    """
    return list(_terms(text.lower(), language))


def _terms(text: str, language: str) -> Iterator[str]:
    for match in _TERM.finditer(text):
        if run := match["cjk"]:
            yield from (run[i : i + 2] for i in range(max(1, len(run) - 1)))
        elif number := match["number"] or match["joined"]:
            unit = match["unit"] or match["suffix"]
            yield _number(number) + (_UNIT[unit] if unit else "")
        else:
            parts = re.split(r"[-/.&+']", match["word"])
            if len(parts) > 1 and parts[-1] not in ("s", "t", "ll", "re", "ve", "d", "m"):
                yield "".join(parts)
            if language in STEMMERS:
                yield from (_stem(part, language) for part in parts)
            else:
                yield from (_singular(part) for part in parts if part not in STOP)


def _number(written: str) -> str:
    """As in: "20,000" -> "20000"; "1,50" -> "1.5"; "2.0" -> "2"."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+", written):
        return written.replace(",", "")
    whole, point, rest = written.replace(",", ".").partition(".")
    return whole + (point + rest).rstrip("0").rstrip(".")


@lru_cache(maxsize=100_000)
def _stem(word: str, language: str) -> str:
    # A stemmer holds the word it is at: each call has its own, so that threads share none.
    return str(snowballstemmer.stemmer(STEMMERS[language]).stemWord(word))


def _singular(word: str) -> str:
    one = _without_s(word)
    return SYNONYMS.get(one, one)


def _without_s(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("shes", "ches", "xes", "sses")) else word[:-1]


def spoken(document: Document) -> str:
    """Everything a document says: its title, text and, for a product, its attributes."""
    if document.kind != "product":
        return f"{document.title}\n{document.text}"
    said = [v if v != "yes" else k for k, v in document.attributes.items() if v != "no"]
    return "\n".join([document.title, document.text, *said]).replace("_", " ")


class Lexical:
    """A BM25 index of products and passages; `save` and `load` keep it in a folder.

    `ids[row]` is the document of a row, `is_product[row]` whether it is a product.
    """

    def __init__(
        self,
        ids: Sequence[str],
        is_product: np.ndarray,
        engine: bm25s.BM25 | None,
        languages: Sequence[str] = (),
    ) -> None:
        self.ids = ids
        self.languages = languages  # of the documents that are not in English
        self.is_product = is_product
        self._engine = engine  # None when no document has a word
        self._vocabulary: dict[str, int] = engine.vocab_dict if engine is not None else {}
        self._by_letter: dict[str, list[str]] = {}
        self.language: Collection[str] = frozenset()
        """Words that are no slips of the pen, whether or not a document has them."""
        if engine is not None:
            self._count = np.diff(engine.scores["indptr"])  # documents that have each word
            self._idf = np.log1p((len(ids) - self._count + 0.5) / (self._count + 0.5))

    @classmethod
    def build(cls, documents: Iterable[Document]) -> Lexical:
        """Reads the documents once, and keeps four bytes a word of them."""
        ids, products, vocabulary = [], [], dict[str, int]()
        rows: list[array[int]] = []
        languages: set[str] = set()
        for document in documents:
            language = document.language[:2]
            languages |= {language} - {"en"}
            title, text = terms(document.title, language), terms(spoken(document), language)
            words = [*title * (TITLE - 1), *text]
            ids.append(document.id)
            products.append(document.kind == "product")
            rows.append(array("i", (vocabulary.setdefault(w, len(vocabulary)) for w in words)))
        if not vocabulary:
            return cls(ids, np.array(products, dtype=bool), None)
        engine = bm25s.BM25(method="lucene", k1=K1, b=B)
        corpus = Tokenized(ids=rows, vocab=vocabulary)
        engine.index(corpus, show_progress=False, create_empty_token=False)
        return cls(ids, np.array(products, dtype=bool), engine, sorted(languages))

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if self._engine is not None:
            self._engine.save(folder, show_progress=False)
        np.save(folder / "is_product.npy", self.is_product)
        (folder / "ids.json").write_text(json.dumps(self.ids), encoding="utf-8")
        (folder / "languages.json").write_text(json.dumps(self.languages), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Lexical:
        """Maps the index into memory, so that only what questions touch is read.

        Raises OSError or ValueError when the folder does not hold a whole index.
        """
        ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
        languages = json.loads((folder / "languages.json").read_text(encoding="utf-8"))
        written = (folder / "vocab.index.json").exists()
        engine = bm25s.BM25.load(folder, load_vocab=True, mmap=True) if written else None
        if engine is not None and engine.scores["num_docs"] != len(ids):
            raise ValueError(f"{folder}: {len(ids)} ids for {engine.scores['num_docs']} documents")
        return cls(ids, np.load(folder / "is_product.npy"), engine, languages)

    def shares(self, words: str, n: int) -> dict[str, float]:
        """How much of the words' weight a document says, in (0, 1]: the best n products and the
        best n passages.

        1 would be a document that says every word many times. A word that no document has weighs
        as much as the rarest that one has, so that a match in passing stays a small share.
        """
        known, unknown = self._wanted(words)
        if self._engine is None or not known:
            return {}
        scores = self._engine.get_scores_from_ids(np.array(known, dtype=np.int64))
        said = scores > 0
        best = np.concatenate(
            [_best(scores, said & self.is_product, n), _best(scores, said & ~self.is_product, n)]
        )
        weight = float(self._idf[known].sum()) + unknown * float(self._idf.max())
        return {self.ids[i]: min(1.0, float(scores[i]) / weight) for i in best}

    def share(self, words: str, text: str) -> float:
        """How much of the words' weight a text says, which need not be a document's."""
        known, unknown = self._wanted(words)
        if not known:
            return 0.0
        said = Counter(self._vocabulary.get(word, -1) for word in terms(text))
        counts = np.array([said[i] for i in known])
        weights = self._idf[known]
        weight = float(weights.sum()) + unknown * float(self._idf.max())
        return float((weights * counts / (counts + K1)).sum()) / weight

    def corrected(self, words: str) -> str:
        """The words, with those that no document has replaced by what they may be slips for."""

        def mended(match: re.Match[str]) -> str:
            said = match[0]
            word = _singular(said.lower())
            if said.lower() in STOP or not (known := self._known(word)):
                return said
            return said if known == [word] else " ".join(known)

        return re.sub(r"[^\W\d_]+", mended, words)

    def _wanted(self, words: str) -> tuple[list[int], int]:
        """The places in the vocabulary of the words' terms, and how many terms no document has."""
        asked = list(dict.fromkeys(terms(words)))
        found: dict[str, None] = {}
        unknown = 0
        for i, word in enumerate(asked):
            if i and (joined := asked[i - 1] + word) in self._vocabulary:
                found[joined] = None  # "dish washer"
            known = self._known(word)
            found |= dict.fromkeys(known)
            unknown += not known
        for language in STEMMERS.keys() & set(self.languages):  # no slips: they are other words
            stems = terms(words, language)
            found |= dict.fromkeys(stem for stem in stems if stem in self._vocabulary)
        return [self._vocabulary[word] for word in found], unknown

    def _known(self, word: str) -> list[str]:
        """The word; when no document has it, its two halves or what it may be a slip for."""
        if word in self._vocabulary:
            return [word]
        one, two = SLIPS
        if len(word) < one or not word.isalpha() or self._engine is None:
            return []
        if word in self.language:
            return []
        for cut in range(3, len(word) - 2):  # "harddrive"
            if word[:cut] in self._vocabulary and word[cut:] in self._vocabulary:
                return [word[:cut], word[cut:]]
        if not self._by_letter:
            for known in self._vocabulary:
                self._by_letter.setdefault(known[0], []).append(known)
        alike = extract(
            word,
            self._by_letter.get(word[0], []),
            scorer=OSA.distance,
            score_cutoff=2 if len(word) >= two else 1,
            limit=20,
        )

        def likeness(found: tuple[str, float, int]) -> tuple[float, int, int]:
            known, slips, _ = found
            count = int(self._count[self._vocabulary[known]])
            return slips, abs(len(known) - len(word)), -count

        return [min(alike, key=likeness)[0]] if alike else []


def _best(scores: np.ndarray, among: np.ndarray, n: int) -> np.ndarray:
    """Rows of the n highest scores among those marked, in no order."""
    rows = np.flatnonzero(among)
    return rows[np.argpartition(-scores[rows], n)[:n]] if len(rows) > n else rows
