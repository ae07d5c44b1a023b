"""Sentences of other languages into the sentence encoder's space (arXiv:2004.09813).

A student of the encoder, which knows only English: a sentence is the sum of the vectors of its
pieces (words, pairs of words, what words are spelt with; characters and their pairs and triples
where there are no spaces), through one small network. It never sees English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from unicodedata import normalize
from zlib import crc32

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusion.glossary import CJK, simplified
from fusion.types import DIM, WeightsError
from fusion.weights import SHIPPED, load_into, load_weights

MODEL = "student-1"
FILE = "student.safetensors"
FIX = "Install Deskhand again, or train them anew with `deskhand train languages`."
LONGEST = 24  # letters of a word that are spelt out
PIECES = 600  # of a sentence, at most
SPELT = 1.5  # how much all the spellings of a word count, beside the word itself

_WORD = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+|[?!]")
_UNSPACED = re.compile(f"[{CJK}]")


def folded(text: str) -> str:
    """In lower case, full-width letters as others, traditional characters as simplified ones."""
    lower = normalize("NFKC", text).lower()
    return simplified(lower) if _UNSPACED.search(lower) else lower


def pieces(text: str) -> tuple[np.ndarray, np.ndarray]:
    """The pieces of a sentence as hashes (n,) uint32, and how much each counts, (n,) float32."""
    words = _WORD.findall(folded(text))
    found: list[int] = []
    weights: list[float] = []
    for before, word in zip(["", *words], words, strict=False):
        if _UNSPACED.match(word):
            keys = _characters(word)
            found += keys
            weights += [1.0] * len(keys)
        else:
            keys = _spelling(word)
            found += keys
            weights += [1.0, *[SPELT / max(1, len(keys) - 1)] * (len(keys) - 1)]
        found.append(
            crc32(f"{before[-3:] if _UNSPACED.match(before) else before} {word[:24]}".encode())
        )
        weights.append(1.0)
    return np.array(found[:PIECES], np.uint32), np.array(weights[:PIECES], np.float32)


@lru_cache(maxsize=100_000)
def _spelling(word: str) -> list[int]:
    """The word, and three to five letters of it at a time."""
    marked = f"<{word[:LONGEST]}>"
    spelt = [marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)]
    return [crc32(f"={word}".encode()), *(crc32(part.encode()) for part in spelt)]


@lru_cache(maxsize=100_000)
def _characters(run: str) -> list[int]:
    """One, two and three characters at a time."""
    return [crc32(run[i : i + n].encode()) for n in (1, 2, 3) for i in range(len(run) - n + 1)]


class StudentModel(nn.Module):
    """Pieces, as rows of a table -> vectors."""

    def __init__(self, rows: int, width: int, hidden: int) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(rows + 1, width, mode="sum", padding_idx=rows)
        nn.init.normal_(self.table.weight, std=0.1)
        self.norm = nn.LayerNorm(width)
        self.straight = nn.Linear(width, DIM, bias=False)
        self.enter, self.leave = nn.Linear(width, hidden), nn.Linear(hidden, DIM)
        nn.init.zeros_(self.leave.weight)

    def forward(self, rows: Tensor, starts: Tensor, weights: Tensor) -> Tensor:
        """The vectors (sentences, DIM), unit norm, of sentences whose pieces begin at `starts`."""
        summed = self.norm(self.table(rows, starts, per_sample_weights=weights))
        return F.normalize(self.straight(summed) + self.leave(F.gelu(self.enter(summed))), dim=-1)


class Student:
    """The trained student. One instance may serve many threads."""

    def __init__(self, path: Path) -> None:
        """Load the weights at `path`; WeightsError if anything is amiss."""
        tensors, card = load_weights(path, MODEL, FIX)
        try:
            self._keys = tensors.pop("keys").numpy().astype(np.uint32)  # kept as int64, sorted
            table, scale = tensors.pop("table.int8"), tensors.pop("table.scale")
            rows, width = table.shape
            hidden = len(tensors["enter.bias"])
        except KeyError as error:
            raise WeightsError(f"{path} lacks {error}. {FIX}") from error
        self.model = StudentModel(rows - 1, width, hidden)
        load_into(self.model, {**tensors, "table.weight": table.float() * scale}, path)
        self.model.eval().requires_grad_(False)
        self.card = card

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (len(texts), DIM), float32, unit norm."""
        if not texts:
            return np.zeros((0, DIM), np.float32)
        each = [known(*pieces(text), self._keys) for text in texts]
        return self.model(*together(each)).numpy()


def known(
    keys: np.ndarray, weights: np.ndarray, table: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of a sentence's pieces, the places (n,) in the sorted `table` of those in it; and weights."""
    places = np.searchsorted(table, keys)
    places[places == len(table)] = 0
    have = table[places] == keys
    return places[have], weights[have]


def together(each: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[Tensor, Tensor, Tensor]:
    """Sentences' pieces as one batch: rows, where each sentence begins, weights."""
    starts = np.cumsum([0, *(len(rows) for rows, _ in each[:-1])])
    return (
        torch.from_numpy(np.concatenate([rows for rows, _ in each]).astype(np.int64)),
        torch.from_numpy(starts),
        torch.from_numpy(np.concatenate([weights for _, weights in each])),
    )


def load_student() -> Student:
    """The shipped student. Raises WeightsError."""
    return Student(SHIPPED / FILE)
