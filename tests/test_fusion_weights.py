"""Weights are whole and for this model, or an error that names the fix."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fusion.types import WeightsError
from fusion.vision import MODEL, PhotoTower, load_vision
from fusion.weights import SHIPPED, card_path, load_into, load_weights, read_card, save_weights


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "tower.safetensors"
    torch.manual_seed(0)
    save_weights(path, PhotoTower().state_dict(), {"model": MODEL})
    return path


def test_round_trip_keeps_values_to_half_precision(saved: Path) -> None:
    tensors, card = load_weights(saved, MODEL)
    torch.manual_seed(0)
    original = PhotoTower().state_dict()
    assert card["bytes"] == saved.stat().st_size
    for name, tensor in original.items():
        assert torch.allclose(tensors[name].float(), tensor.float(), rtol=1e-3, atol=1e-3)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="deskhand train"):
        load_vision(str(tmp_path / "none.safetensors"))


def test_damaged(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[-1] ^= 1
    saved.write_bytes(content)
    with pytest.raises(WeightsError, match="damaged"):
        load_vision(str(saved))


def test_cut_short(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:100])
    with pytest.raises(WeightsError):
        load_vision(str(saved))


def test_of_another_model(saved: Path) -> None:
    with pytest.raises(WeightsError, match="expected 'fusion-1'"):
        load_weights(saved, "fusion-1")


def test_a_tensor_too_few_is_never_filled_at_random(saved: Path) -> None:
    tensors, _ = load_weights(saved, MODEL)
    tensors.popitem()
    with pytest.raises(WeightsError, match="does not fit"):
        load_into(PhotoTower(), tensors, saved)


@pytest.mark.parametrize("name", ["vision", "fusion"])
def test_shipped_weights_are_small_and_described(name: str) -> None:
    path = SHIPPED / f"{name}.safetensors"
    card = read_card(path)
    assert path.stat().st_size <= 15_000_000
    assert card["licence"] and card["sources"] and (card.get("recipe") or card.get("averaged"))
    assert card_path(path).exists()
