"""How likely the best hit answers a question: a score turned into a probability, shop by shop.

What a score is worth depends on the shop: where all documents are alike, wrong ones score high too.
So the threshold is fitted on the shop's own documents. The title of a document is asked, once
where only its text can answer, as customers ask in other words than ours; and once where it is left
out with all that is near it, so that whatever is found then is wrong.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from knowledge.embed import Embed
from knowledge.lexical import Lexical
from knowledge.records import Record, Records
from knowledge.search import blend
from knowledge.types import Document

SLOPE = 13.0  # of the probability at the threshold, fitted on judged questions of two shops
USUAL = 0.5  # the threshold of a shop with too few documents to fit one
BOUNDS = 0.45, 0.55  # what a fitted threshold may be
ASKED = 100  # documents asked for at most
FEW = 20  # documents, fewer of which say nothing of a shop
NEAR = 0.3  # cosine from which a document may answer the same, and is left out too
MOST = 10_000  # documents looked through
ALIKE = 0.02  # how much worse a threshold may be to count as equally good
GROWTH = 0.2  # part of the shop that must be new before the threshold is fitted again


@dataclass(frozen=True, slots=True)
class Answerable:
    """`threshold`: the score from which an answer is as likely as not; `documents`: how many the
    shop had when it was fitted, 0 for never."""

    threshold: float = USUAL
    documents: int = 0
    encoder: str = ""

    def probability(self, score: float) -> float:
        """That a hit of this score answers, in (0, 1)."""
        return 1 / (1 + math.exp(-SLOPE * (score - self.threshold)))

    def holds(self, documents: int, encoder: str) -> bool:
        """Whether it still fits a shop of so many documents."""
        grown = abs(documents - self.documents) > GROWTH * max(1, self.documents)
        return self.encoder == encoder and not grown

    @classmethod
    def read(cls, path: Path) -> Answerable:
        """As it was written; the usual one when there is none."""
        try:
            written = json.loads(path.read_text())
            return cls(
                float(written["threshold"]), int(written["documents"]), str(written["encoder"])
            )
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, path: Path) -> None:
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)))
        os.replace(new, path)


def fit(
    kept: Sequence[Record],
    records: Records,
    lexical: Lexical,
    embed: Embed,
    count: int,
    encoder: str,
) -> Answerable:
    """The threshold of a shop: what tells right scores from wrong ones best.

    Args:
        kept: The shop's documents, MOST of them if there are more; `records` has their vectors.
        lexical: Over all of the shop's documents.
        count: How many those are.
    """
    have = records.vectors(record.words for record in kept)
    vectors = {r.document.id: have[r.words] for r in kept if r.words in have}
    known = [record.document for record in kept if record.document.id in vectors]
    asked = _to_ask(known)
    if len(asked) < FEW:
        return Answerable(USUAL, count, encoder)
    questions = [document.title.replace(",", " ") for document in asked]
    asking = embed(questions)
    texts = embed([document.text for document in asked])
    matrix = np.stack([vectors[document.id] for document in known])
    families = np.array([document.family or document.id for document in known])
    right, wrong = [], []
    for document, words, vector, text in zip(asked, questions, asking, texts, strict=True):
        near = matrix @ vectors[document.id] >= NEAR
        others = np.flatnonzero(~near & (families != (document.family or document.id)))
        if not len(others):
            continue
        shares = lexical.shares(words, count)
        right.append(blend(vector @ text, lexical.share(words, document.text)))
        said = np.array([shares.get(known[i].id, 0.0) for i in others])
        wrong.append(blend(matrix[others] @ vector, said).max())
    if len(right) < FEW:
        return Answerable(USUAL, count, encoder)
    return Answerable(_between(np.array(right), np.array(wrong)), count, encoder)


def _to_ask(documents: Sequence[Document]) -> list[Document]:
    """One of each family, products and FAQ entries, always the same ones."""
    families: dict[str, Document] = {}
    for document in documents:
        if document.kind != "policy" and document.title and document.text:  # a heading asks nothing
            families.setdefault(document.family or document.id, document)
    order = sorted(families.values(), key=lambda d: blake2b(d.id.encode()).digest())
    return order[:ASKED]


def _between(right: np.ndarray, wrong: np.ndarray) -> float:
    """The threshold within BOUNDS that mistakes fewest, on both sides alike; the middle of those
    that do about as well."""
    thresholds = np.linspace(*BOUNDS, 33)
    worth = np.array([(right >= t).mean() + (wrong < t).mean() for t in thresholds])
    return round(float(thresholds[worth >= worth.max() - ALIKE].mean()), 3)
