"""The two linear judges of a sentence: what it means, and how it is worded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from fusion.reject import product

LINEAR = ("meaning", "wording", "used", "idf")
"""Arrays that `fit_linear` gives: weights (385, labels) on the sentence vector and weights
(used + 1, labels) on the columns used, both with the bias last; the columns used (used,) of
`count`, and the worth (used,) of each."""

BUCKETS = 2**16  # columns that pieces of words, and words, are each hashed into
WORD_PART = 0.7  # of whole words, beside 1 for pieces of words
MEANING_C = 30.0
WORDING_C = 0.5
SHARPNESS = 4.0  # turns a support vector machine's margins into probabilities
NEVER = -50.0  # bias of a label without an example

_PIECES = HashingVectorizer(
    analyzer="char_wb", ngram_range=(2, 5), n_features=BUCKETS, alternate_sign=False, norm=None
)
_WORDS = HashingVectorizer(
    ngram_range=(1, 2),
    n_features=BUCKETS,
    alternate_sign=False,
    norm=None,
    token_pattern=r"(?u)\b\w+\b",
)


def count(sentences: Sequence[str]) -> csr_matrix:
    """How often each piece of a word, and each word or pair of words, occurs: (n, 2 BUCKETS)."""
    return hstack([_PIECES.transform(sentences), _WORDS.transform(sentences)], format="csr")


def fit_linear(
    vectors: np.ndarray,
    counts: csr_matrix,
    targets: np.ndarray,
    labels: int,
    more: tuple[np.ndarray, np.ndarray],
) -> dict[str, np.ndarray]:
    """The arrays named in LINEAR, from vectors (n, 384), counts (n, 2 BUCKETS) and targets (n,).

    `more`: vectors and targets of examples that have a meaning but no wording. A label below
    `labels` without an example is never guessed.
    """
    often = np.bincount(counts.indices, minlength=counts.shape[1])
    used = np.flatnonzero(often)
    idf = (np.log((1 + len(targets)) / (1 + often[used])) + 1).astype(np.float32)
    meaning = LogisticRegression(C=MEANING_C, max_iter=200).fit(
        np.vstack([vectors, more[0]]), np.concatenate([targets, more[1]])
    )
    wording = LinearSVC(C=WORDING_C, random_state=0).fit(_weigh(counts, used, idf), targets)
    return {
        "meaning": _columns(meaning, labels, 0.5),
        "wording": _columns(wording, labels, 1.0),
        "used": used.astype(np.int32),
        "idf": idf,
    }


def linear_probabilities(
    judges: Mapping[str, np.ndarray], vectors: np.ndarray, counts: csr_matrix
) -> np.ndarray:
    """Mean of the two judges' probabilities: (n, labels), each row sums to 1."""
    meaning, wording = judges["meaning"], judges["wording"]
    meant = product(vectors, meaning[:-1]) + meaning[-1]
    worded = _weigh(counts, judges["used"], judges["idf"]) @ wording[:-1] + wording[-1]
    return (softmax(meant, axis=1) + softmax(SHARPNESS * worded, axis=1)) / 2


def _weigh(counts: csr_matrix, used: np.ndarray, idf: np.ndarray) -> csr_matrix:
    """Counts as tf-idf on the columns used: pieces and words are each of unit length."""
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    columns = np.searchsorted(used, counts.indices).clip(max=len(used) - 1)
    known = used[columns] == counts.indices
    rows, columns = rows[known], columns[known]
    worth = (1 + np.log(counts.data[known])) * idf[columns]
    is_word = (used[columns] >= BUCKETS).astype(int)
    part = 2 * rows + is_word
    length = np.sqrt(np.bincount(part, worth**2, minlength=2 * counts.shape[0]))
    worth = worth / length[part] * np.where(is_word, WORD_PART, 1.0)
    return csr_matrix((worth.astype(np.float32), (rows, columns)), (counts.shape[0], len(used)))


def _columns(judge: LogisticRegression | LinearSVC, labels: int, half: float) -> np.ndarray:
    """Weights and bias as (features + 1, labels); `half`: what a lone plane counts on a side."""
    found = np.hstack([judge.coef_, judge.intercept_[:, None]])
    if len(judge.classes_) == 2:  # one plane between two labels
        found = np.vstack([-half * found, half * found])
    weights = np.zeros((found.shape[1], labels), np.float32)
    weights[-1] = NEVER
    weights[:, judge.classes_] = found.T
    return weights
