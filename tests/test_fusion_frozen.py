"""Encoded sentences are kept, and what is kept is what was encoded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fusion.frozen import encode_once


def test_what_was_encoded_once_is_not_encoded_again(
    text_encoder, tmp_path: Path, capsys, monkeypatch
) -> None:
    path = tmp_path / "kept" / "encodings.sqlite"
    texts = ["a blue mug", "where is my order?", "a blue mug"]
    first = encode_once(texts, text_encoder, path)
    assert "encoded 2 of 2" in capsys.readouterr().out
    again = encode_once([*texts, "hello"], text_encoder, path)
    assert "encoded 1 of 1" in capsys.readouterr().out
    assert set(first) == set(texts) and set(again) == {*texts, "hello"}
    fresh = text_encoder.states("where is my order?")
    kept = again["where is my order?"]
    assert np.allclose(kept.vector, fresh.vector, atol=1e-5)
    assert np.allclose(kept.tokens, fresh.tokens, atol=5e-3)  # half precision
    assert kept.tokens.shape == fresh.tokens.shape


def test_another_encoder_does_not_get_what_this_one_made(
    text_encoder, tmp_path: Path, capsys, monkeypatch
) -> None:
    path = tmp_path / "encodings.sqlite"
    encode_once(["a blue mug"], text_encoder, path)
    monkeypatch.setattr(text_encoder, "name", "another")
    capsys.readouterr()
    encode_once(["a blue mug"], text_encoder, path)
    assert "encoded 1 of 1" in capsys.readouterr().out
