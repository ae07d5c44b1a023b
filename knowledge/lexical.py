"""BM25 over titles, texts and attributes: how much of what was asked a document says itself."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from pathlib import Path

import bm25s
import numpy as np

from knowledge.types import Document

K1, B = 0.5, 0.3
"""Short texts: the first mention of a word counts for most, and length for little."""

SLIP = 0.8
"""How alike two words must be for one to be a misspelling of the other, in [0, 1]."""

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


def terms(text: str) -> list[str]:
    """The words of a text that mean something: lower case, in the singular, no stop words."""
    words = re.findall(r"\w+", text.lower())
    return [_singular(word) for word in words if word not in STOP]


def _singular(word: str) -> str:
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
    """A BM25 index; `save` and `load` keep it in a folder."""

    def __init__(self, ids: list[str], engine: bm25s.BM25 | None):
        self.ids = ids
        self._engine = engine  # None when no document has a word
        if engine is not None:
            count = np.diff(engine.scores["indptr"])  # documents that have each word
            self._idf = np.log1p((len(ids) - count + 0.5) / (count + 0.5))

    @classmethod
    def build(cls, documents: Iterable[Document]) -> Lexical:
        documents = list(documents)
        texts = [terms(spoken(document)) for document in documents]
        if not any(texts):
            return cls([], None)
        engine = bm25s.BM25(method="lucene", k1=K1, b=B)
        engine.index(texts, show_progress=False, create_empty_token=False)
        return cls([document.id for document in documents], engine)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if self._engine is not None:
            self._engine.save(folder, show_progress=False)
        (folder / "ids.json").write_text(json.dumps(self.ids), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Lexical:
        """Raises OSError or ValueError when the folder does not hold a whole index."""
        ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
        engine = bm25s.BM25.load(folder, load_vocab=True) if ids else None
        if engine is not None and engine.scores["num_docs"] != len(ids):
            raise ValueError(f"{folder}: {len(ids)} ids for {engine.scores['num_docs']} documents")
        return cls(ids, engine)

    def shares(self, words: str) -> dict[str, float]:
        """How much of the words' weight each document says, in (0, 1]; those with none left out.

        1 would be a document that says every word many times. A word that no document has weighs
        as much as the rarest that one has, so that a match in passing stays a small share.
        """
        wanted = {self._known(word) for word in terms(words)}
        if self._engine is None or not wanted:
            return {}
        known = [self._engine.vocab_dict[w] for w in wanted if w in self._engine.vocab_dict]
        unknown = (len(wanted) - len(known)) * float(self._idf.max())
        if not known:
            return {}
        scores = self._engine.get_scores_from_ids(np.array(known, dtype=np.int64))
        scores = scores / (float(self._idf[known].sum()) + unknown)
        return {self.ids[i]: min(1.0, float(scores[i])) for i in np.flatnonzero(scores > 0)}

    def _known(self, word: str) -> str:
        """The word or, when no document has it, a word that it may be a slip of the pen for."""
        if self._engine is None or word in self._engine.vocab_dict or len(word) < 4:
            return word
        alike = [
            w for w in self._engine.vocab_dict if w[:1] == word[0] and abs(len(w) - len(word)) < 3
        ]
        return next(iter(difflib.get_close_matches(word, alike, n=1, cutoff=SLIP)), word)
