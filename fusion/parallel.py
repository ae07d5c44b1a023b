"""Sentences in two languages, as the public sets of the model card give them."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fusion.cognates import portuguese
from fusion.text import TextEncoder
from fusion.types import DIM

LANGUAGES = ("zh", "es", "fr", "de", "ja", "pt")
LONGEST = 160  # characters of an English side that is learnt from
CHUNK = 4096  # sentences between two writes: an interrupted run loses no more
HELD_OUT = 40  # one English sentence in so many, with all that is said for it, is held out


@dataclass(frozen=True)
class Pairs:
    """What others say for English sentences; those said in the most languages come first."""

    english: tuple[str, ...]
    rows: np.ndarray  # (n,) into `english`
    languages: np.ndarray  # (n,) into LANGUAGES
    texts: tuple[str, ...]  # n
    shop: np.ndarray  # (n,) bool: a phrase of a shop's interface
    held_out: np.ndarray  # (n,) bool, by the English side: never learnt in any language

    def first(self, sentences: int) -> Pairs:
        """Those of the first English sentences."""
        mine = self.rows < sentences
        texts = tuple(text for text, kept in zip(self.texts, mine, strict=True) if kept)
        return Pairs(
            self.english[:sentences],
            self.rows[mine],
            self.languages[mine],
            texts,
            self.shop[mine],
            self.held_out[mine],
        )


def read_pairs(folder: Path) -> Pairs:
    """The pairs of `en-XX.tsv.xz` in `folder`; the English sentences come first that most languages
    say, a shop's phrases and Chinese ones sooner than others.

    Everyday Spanish is there a second time as if it were Portuguese, but never held out.
    """
    said: dict[str, list[tuple[int, str, bool]]] = {}
    for language, name in enumerate(LANGUAGES):
        with lzma.open(folder / f"en-{name}.tsv.xz", "rt", encoding="utf-8") as lines:
            for line in lines:
                english, other, source = line.rstrip("\n").split("\t")
                if len(english) < LONGEST:
                    said.setdefault(english, []).append(
                        (language, other, source.startswith("shop"))
                    )

    def worth(english: str) -> int:
        others = said[english]
        languages = {language for language, _, _ in others}
        return len(languages) + 2 * any(shop for _, _, shop in others) + (0 in languages)

    kept = sorted(said, key=lambda english: (-worth(english), english))
    es, pt = LANGUAGES.index("es"), LANGUAGES.index("pt")
    each: list[tuple[int, int, str, bool, bool]] = []
    for row, english in enumerate(kept):
        digest = hashlib.blake2b(english.encode(), digest_size=4).digest()
        held_out = int.from_bytes(digest, "big") % HELD_OUT == 0
        for language, text, shop in said[english]:
            each.append((row, language, text, shop, held_out))
            if language == es and not shop and not held_out:
                each.append((row, pt, portuguese(text), False, False))
    rows, languages, texts, shop_phrases, out = zip(*each, strict=True)
    return Pairs(
        tuple(kept),
        np.array(rows),
        np.array(languages),
        texts,
        np.array(shop_phrases),
        np.array(out),
    )


def taught(english: Sequence[str], teacher: TextEncoder, path: Path) -> np.ndarray:
    """The teacher's vectors (len(english), DIM) float16, kept at `path` and continued there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    done = path.stat().st_size // (2 * DIM) // CHUNK * CHUNK
    with path.open("r+b") as file:
        file.truncate(done * 2 * DIM)
        file.seek(0, 2)
        for start in range(done, len(english), CHUNK):
            vectors = teacher.encode(english[start : start + CHUNK])
            file.write(vectors.astype(np.float16).tobytes())
            file.flush()
            print(f"teacher: {start + len(vectors):,} of {len(english):,} sentences", flush=True)
    return np.fromfile(path, np.float16).reshape(-1, DIM)
