"""Everything that stays as it is while a fusion model trains: encoded sentences, photos, documents.

Encoding takes longer than training on what it gives, so sentences are encoded once and kept.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fusion.data import Example, Item
from fusion.text import TextEncoder
from fusion.types import DIM, Encoded, Modality, Percept, Transcript

PATIENCE = 60.0  # seconds that another training may take to write
CHUNK = 2048  # sentences between two commits: an interrupted run loses no more


@dataclass(frozen=True)
class Catalogue:
    """The documents a turn may be about, in the shared space."""

    ids: tuple[str, ...]
    families: tuple[str, ...]  # variants of one product share theirs
    texts: Tensor  # (n, DIM) unit norm
    photos: Tensor  # (n, DIM) unit norm; zeros for documents without a photo

    @classmethod
    def of(
        cls, items: Sequence[Item], texts: np.ndarray, photos: np.ndarray | None = None
    ) -> Catalogue:
        """`texts` and `photos` (len(items), DIM); without `photos` nothing has one."""
        return cls(
            tuple(item.id for item in items),
            tuple(item.family for item in items),
            torch.from_numpy(texts),
            torch.from_numpy(np.zeros_like(texts) if photos is None else photos),
        )

    def beside(self, other: Catalogue) -> Catalogue:
        """The documents of both."""
        return Catalogue(
            (*self.ids, *other.ids),
            (*self.families, *other.families),
            torch.cat([self.texts, other.texts]),
            torch.cat([self.photos, other.photos]),
        )

    def rows(self, examples: Sequence[Example]) -> Tensor:
        """The row of each example's target; -1 where there is none."""
        number = {document: row for row, document in enumerate(self.ids)}
        return torch.tensor([number.get(e.target, -1) for e in examples])

    def siblings(self, rows: Tensor) -> Tensor:
        """(len(rows), n) bool: the other documents of the family of each row's."""
        number = {family: i for i, family in enumerate(dict.fromkeys(self.families))}
        families = torch.tensor([number[family] for family in self.families])
        return (families == families[rows][:, None]) & (
            torch.arange(len(families)) != rows[:, None]
        )


class Encodings:
    """Everything frozen, encoded once: sentences by themselves, photos by product."""

    def __init__(
        self,
        sentences: Mapping[str, Encoded],
        photos: Mapping[str, Sequence[tuple[Encoded, float]]],
    ) -> None:
        """`photos`: product id -> its photos, each with its sharpness."""
        self.sentences, self.photos = sentences, photos

    def percept(self, example: Example, rng: random.Random) -> Percept:
        encoded: dict[Modality, Encoded] = {}
        quality: dict[str, float] = {}
        transcript = None
        if example.text:
            encoded["text"] = self.sentences[example.text]
        if example.voice:
            encoded["voice"] = self.sentences[example.voice]
            quality |= {"voice_confidence": example.confidence, "no_speech": 0.0}
            transcript = Transcript(example.voice, "en", example.confidence, "imagined", 0.0, 0.0)
        if example.printed:
            encoded["print"] = self.sentences[example.printed]
            quality["print_confidence"] = 0.95
        if example.photo and self.photos.get(example.photo):
            encoded["photo"], quality["sharpness"] = rng.choice(self.photos[example.photo])
        if example.history:
            encoded["history"] = self.sentences[example.history]
        return Percept("", example.text, transcript, (), encoded, quality)

    def without_tokens(self) -> Encodings:
        """The whole vectors alone, for models that look at nothing else."""

        def whole(encoded: Encoded) -> Encoded:
            return Encoded(np.zeros((0, DIM), np.float32), encoded.vector)

        return Encodings(
            {said: whole(encoded) for said, encoded in self.sentences.items()},
            {id: [(whole(e), sharp) for e, sharp in seen] for id, seen in self.photos.items()},
        )

    def length(self, example: Example) -> int:
        """About how many tokens the example has, for batches of like ones."""
        said = (example.text, example.voice, example.printed, example.history)
        photos = self.photos.get(example.photo, ())
        return sum(len(self.sentences[s].tokens) for s in said if s) + sum(
            len(encoded.tokens) for encoded, _ in photos[:1]
        )


def encode_once(texts: Sequence[str], encoder: TextEncoder, path: Path) -> dict[str, Encoded]:
    """Each text with its states, tokens in half precision; what is new is encoded and kept.

    `path` is a SQLite file, made if it is missing and safe to delete; several trainings may share
    it. Progress is printed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as kept:
        kept.execute(
            "create table if not exists states (encoder, text, tokens blob, vector blob,"
            " primary key (encoder, text)) without rowid"
        )
        had = {
            text
            for (text,) in kept.execute("select text from states where encoder=?", [encoder.name])
        }
        new = sorted(set(texts) - had, key=lambda text: (len(text), text))
        for start in range(0, len(new), CHUNK):
            rows = [
                (
                    encoder.name,
                    text,
                    states.tokens.astype(np.float16).tobytes(),
                    states.vector.tobytes(),
                )
                for text, states in encoder.all_states(new[start : start + CHUNK])
            ]
            with kept:
                kept.executemany("insert or ignore into states values (?, ?, ?, ?)", rows)
            print(f"encoded {min(start + CHUNK, len(new))} of {len(new)} sentences", flush=True)
        encoded = {}
        for start in range(0, len(texts), CHUNK):  # not the whole file: other runs' are there too
            some = texts[start : start + CHUNK]
            marks = ",".join("?" * len(some))
            for text, tokens, vector in kept.execute(
                f"select text, tokens, vector from states where encoder=? and text in ({marks})",
                [encoder.name, *some],
            ):
                states = np.frombuffer(tokens, np.float16).reshape(-1, DIM)
                encoded[text] = Encoded(states, np.frombuffer(vector, np.float32))
        return encoded
