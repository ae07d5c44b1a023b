"""How a sentence is worded, in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from fusion.pieces import BUCKETS, CHARS, pieces


def test_a_misspelling_keeps_most_of_its_pieces() -> None:
    meant = pieces("where is my order")
    assert meant @ pieces("wheres my oder") > 0.5
    assert meant @ pieces("where is my order") == pytest.approx(1, abs=1e-6)
    assert meant @ pieces("gift wrapping") < 0.1


@pytest.mark.parametrize(
    "words",
    ["", "  ", "a", "Größe?", "茶杯", "x" * 10_000, "\ud800".encode("utf-8", "replace").decode()],
)
def test_any_words_have_pieces_of_unit_length(words: str) -> None:
    counted = pieces(words)
    assert counted.shape == (BUCKETS,)
    assert np.linalg.norm(counted) == pytest.approx(float(bool(words.strip())), abs=1e-6)


def test_only_the_beginning_of_a_long_message_counts() -> None:
    begun = "order " * (CHARS // 6 + 1)
    assert (pieces(begun[:CHARS]) == pieces(begun[:CHARS] + "refund")).all()


def test_nobody_can_change_what_is_shared() -> None:
    with pytest.raises(ValueError, match="read-only"):
        pieces("thanks")[0] = 1
