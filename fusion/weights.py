"""Weights on disk: a safetensors file beside a JSON card that says what it is.

The card carries the hash of the tensors, so weights that were cut short, swapped or edited are an
error that names the fix, never a quietly different model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from fusion.types import WeightsError

SHIPPED = Path(__file__).parent / "weights"
FIX = "Install Deskhand again, or train them anew with `deskhand train`."


def card_path(weights: Path) -> Path:
    return weights.with_suffix(".card.json")


def save_weights(path: Path, tensors: Mapping[str, torch.Tensor], card: Mapping[str, Any]) -> str:
    """Write `tensors` in half precision and their card; return the SHA-256 of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = {
        name: tensor.detach()
        .cpu()
        .to(torch.float16 if tensor.is_floating_point() else tensor.dtype)
        for name, tensor in tensors.items()
    }
    save_file({name: tensor.contiguous() for name, tensor in half.items()}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    described = {**card, "sha256": digest, "bytes": path.stat().st_size}
    card_path(path).write_text(json.dumps(described, indent=2, sort_keys=True) + "\n")
    return digest


def add_to_card(path: Path, more: Mapping[str, Any]) -> None:
    """Say more of the weights at `path`."""
    described = {**read_card(path), **more}
    card_path(path).write_text(json.dumps(described, indent=2, sort_keys=True) + "\n")


def read_card(path: Path, fix: str = FIX) -> dict[str, Any]:
    """The card of the weights at `path`.

    Raises WeightsError, which ends with the `fix`, when it is missing or unreadable.
    """
    try:
        return json.loads(card_path(path).read_text())
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"The weights {path.name} have no readable card ({card_path(path)}): {error}. {fix}"
        ) from error


def load_weights(
    path: Path, made_for: str, fix: str = FIX
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Float32 tensors and card of the weights at `path`.

    Raises WeightsError, which ends with the `fix`, when they are missing, damaged, or not
    `made_for` (the card's "model").
    """
    card = read_card(path, fix)
    if card.get("model") != made_for:
        raise WeightsError(
            f"{path} holds weights of {card.get('model')!r}, expected {made_for!r}. {fix}"
        )
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() != card["sha256"]:
            raise WeightsError(f"{path} is damaged: its hash is not the one in its card. {fix}")
        tensors = load_file(path)
    except (OSError, KeyError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read: {error}. {fix}") from error
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }, card


def load_into(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Load every tensor, no more and no fewer.

    Raises WeightsError where names or shapes differ: a partly random model must not exist.
    """
    try:
        module.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        raise WeightsError(
            f"{path} does not fit this version of the model: {error}. Train it anew with "
            "`deskhand train`."
        ) from error
