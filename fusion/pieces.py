"""How a sentence is worded, beside what it means: pieces of its words, hashed into buckets.

Misspellings and short commands ("wheres my oder") keep most of their pieces where the sentence
encoder has seen neither word.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from zlib import crc32

import numpy as np

BUCKETS = 2**13
LENGTHS = range(2, 6)  # characters of a piece; words are padded with a space on either side
CHARS = 1_000  # of a message, counted from its beginning


@lru_cache(maxsize=4096)
def pieces(words: str) -> np.ndarray:
    """(BUCKETS,) float32, of unit length: 1 + log of how often each piece occurs. Zeros if none."""
    padded = [f" {word} " for word in re.findall(r"\S+", words[:CHARS].lower())]
    often = Counter(
        crc32(word[at : at + length].encode()) % BUCKETS
        for word in padded
        for length in LENGTHS
        for at in range(len(word) - length + 1)
    )
    counted = np.zeros(BUCKETS, np.float32)
    if often:
        counted[list(often)] = 1 + np.log(list(often.values()))
        counted /= np.linalg.norm(counted)
    counted.setflags(write=False)  # it is shared
    return counted
