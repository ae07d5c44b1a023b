"""Pretrained photo towers (CLIP, SigLIP), laid into the shared space by a map fitted to a shop.

Such a tower has a space of its own. When an index is made, a linear map from it into the space of
the words is fitted on the shop's own products, photos against texts, in closed form; it is kept
beside the index for as long as the index lives, for another map would be another space. A patch of
a photo is the photo's embedding beside the patch's own state, so that one matrix maps all patches,
and the direction of their mean is the photo's vector, as with the shipped tower.

The fusion module that ships was trained on the shipped tower. Train it again on a pretrained one
with `deskhand train fusion --shop DIR`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from fusion import hub
from fusion.types import DIM, Encoded, WeightsError
from fusion.weights import load_weights, save_weights

GRID = 7  # patches are averaged to GRID x GRID, as many as the shipped tower has
BATCH = 16
MAP = "photo-map-1"
KINDS = ("clip", "siglip")  # model types that are loaded; SigLIP 2 is of type siglip
RIDGES = np.logspace(-2, 1, 13)  # strengths tried, in shares of the photos' mean variance
FIX = "`deskhand index --rebuild` fits it anew."


@dataclass(frozen=True, eq=False)
class PhotoMap:
    """A linear map from the space of a tower, (width,), into the shared one, (DIM,)."""

    matrix: np.ndarray  # (width, DIM) float32, of values that half precision holds
    offset: np.ndarray  # (DIM,) the same
    left_out_error: float  # on products left out; 1.0 is no better than their mean text

    @property
    def name(self) -> str:
        """Eight hex digits of what it does."""
        return hashlib.sha256(self.matrix.tobytes() + self.offset.tobytes()).hexdigest()[:8]

    def __call__(self, states: np.ndarray) -> np.ndarray:
        return states @ self.matrix + self.offset


class HubTower:
    """The image tower of a pretrained CLIP or SigLIP behind the `Encoder` protocol.

    Without a map it gives only its own `features`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Raises WeightsError when `folder` holds no whole CLIP or SigLIP as safetensors."""
        self.tower = self.name = f"{name}@{_identity(folder)}"
        self.fitted: PhotoMap | None = None
        self._processor, self._model = _load(folder)
        self._class_token = self._model.config.model_type == "clip"

    def with_map(self, fitted: PhotoMap | None) -> HubTower:
        """The same tower with this map."""
        other = copy(self)
        other.fitted = fitted
        other.name = f"{self.tower}>map:{fitted.name}" if fitted else self.tower
        return other

    @torch.inference_mode()
    def features(self, photos: Sequence[np.ndarray]) -> np.ndarray:
        """uint8 RGB photos -> (n, GRID * GRID, width): embedding and patch state, each of unit
        norm, side by side; float32, in the tower's own space."""
        states = [self._features(photos[i : i + BATCH]) for i in range(0, len(photos), BATCH)]
        return torch.cat(states).numpy()

    def encode(self, items: Sequence[np.ndarray]) -> np.ndarray:
        """Vectors (n, DIM) of photos. WeightsError before a map is fitted."""
        if not len(items):
            return np.zeros((0, DIM), np.float32)
        return self.vectors(self.features(items).mean(1))

    def states(self, item: np.ndarray) -> Encoded:
        patches = self._map()(self.features([item])[0])
        return Encoded(patches, _unit(patches.mean(0)))

    def vectors(self, means: np.ndarray) -> np.ndarray:
        """Means (n, width) over the patches of photos -> their vectors (n, DIM), unit norm."""
        return _unit(self._map()(means))

    def _map(self) -> PhotoMap:
        if self.fitted is None:
            raise WeightsError(
                f"The photo encoder {self.tower} has no map into the space of the words yet: "
                "`deskhand index PATH...` fits it on the photos of your products."
            )
        return self.fitted

    def _features(self, photos: Sequence[np.ndarray]) -> torch.Tensor:
        out = self._model.get_image_features(**self._processor(list(photos), return_tensors="pt"))
        patches = out.last_hidden_state[:, 1:] if self._class_token else out.last_hidden_state
        side = round(patches.shape[1] ** 0.5)
        grid = F.normalize(patches, dim=-1).transpose(1, 2).unflatten(2, (side, side))
        grid = F.adaptive_avg_pool2d(grid, GRID).flatten(2).transpose(1, 2)
        whole = F.normalize(out.pooler_output, dim=-1)[:, None].expand(-1, GRID * GRID, -1)
        return torch.cat([whole, grid], -1).float()


def load_hub_tower(spec: str) -> HubTower:
    """The tower of "hub:NAME" (already fetched) or of a folder, without a map.

    Raises WeightsError when it is not there, or is not a CLIP or SigLIP as safetensors.
    """
    if spec.startswith("hub:"):
        return HubTower(hub.find(spec), spec.removeprefix("hub:"))
    folder = Path(spec).expanduser()
    return HubTower(folder, folder.resolve().name)


def fit_map(means: np.ndarray, texts: np.ndarray, products: np.ndarray) -> PhotoMap:
    """Ridge regression of texts on photos, both centred, in closed form.

    The ridge is the one with the least error on the photos of products left out, which the hat
    matrix gives without fitting again.

    Args:
        means: (n, width) means over the patches of photos, at least one.
        texts: (n, DIM) the vector of each photo's product.
        products: (n,) the number of each photo's product.
    """
    mean, centre = means.mean(0), texts.mean(0)
    photos, targets = (means - mean).astype(np.float64), (texts - centre).astype(np.float64)
    values, axes = np.linalg.eigh(photos @ photos.T)
    values = values.clip(0)
    groups = [np.flatnonzero(products == product) for product in np.unique(products)]
    error, ridge = min(
        (_left_out(values, axes, targets, groups, ridge), ridge)
        for ridge in RIDGES * max(float(values.mean()), 1e-9)
    )
    matrix = (photos.T @ (axes / (values + ridge)) @ (axes.T @ targets)).astype(np.float16)
    offset = centre - mean @ matrix.astype(np.float32)
    total = max(float((targets**2).sum()), 1e-9)
    return PhotoMap(
        matrix.astype(np.float32),
        offset.astype(np.float16).astype(np.float32),
        round(error / total, 4),
    )


def save_map(path: Path, fitted: PhotoMap, tower: str, text: str, photos: int) -> None:
    """Writes safetensors and a card that says what it was fitted on."""
    tensors = {
        "matrix": torch.from_numpy(fitted.matrix),
        "offset": torch.from_numpy(fitted.offset),
    }
    card = {
        "model": MAP,
        "tower": tower,
        "text": text,
        "photos": photos,
        "left_out_error": fitted.left_out_error,
    }
    save_weights(path, tensors, card)


def load_map(path: Path) -> PhotoMap | None:
    """The map kept at `path`; None when there is none. WeightsError when it is damaged."""
    if not path.is_file():
        return None
    tensors, card = load_weights(path, MAP, FIX)
    return PhotoMap(tensors["matrix"].numpy(), tensors["offset"].numpy(), card["left_out_error"])


def _left_out(
    values: np.ndarray,
    axes: np.ndarray,
    targets: np.ndarray,
    groups: Sequence[np.ndarray],
    ridge: float,
) -> float:
    """Squared error on each group of rows, had it been left out of the fit."""
    hat = (axes * (values / (values + ridge))) @ axes.T + 1 / len(targets)  # the centre is fitted
    missed = targets - hat @ targets
    total = 0.0
    for rows in groups:
        left = np.eye(len(rows)) - hat[np.ix_(rows, rows)]
        total += float((np.linalg.lstsq(left, missed[rows], rcond=None)[0] ** 2).sum())
    return total


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(norms, 1e-9)).astype(np.float32)


def _load(folder: Path) -> tuple[Any, Any]:
    """Image processor and model, without its text tower."""
    from transformers import AutoImageProcessor  # a second that only whoever loads a tower waits

    local = {"local_files_only": True, "trust_remote_code": False}
    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # the doors own the terminal
    try:
        kind = AutoConfig.from_pretrained(folder, **local).model_type
        if kind not in KINDS:
            raise WeightsError(
                f"The photo encoder in {folder} is of type {kind!r}; {' and '.join(KINDS)} can be "
                "used, e.g. DESKHAND_VISION=hub:google/siglip2-base-patch16-224."
            )
        processor = AutoImageProcessor.from_pretrained(folder, backend="pil", **local)
        model, report = AutoModel.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **local
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"The photo encoder in {folder} cannot be loaded: {error} It needs config.json, "
            "preprocessor_config.json and model.safetensors; fetch the folder again."
        ) from error
    finally:
        if bar:
            logging.enable_progress_bar()
    if missing := sorted(report["missing_keys"]):  # they would be made up at random
        raise WeightsError(
            f"The weights in {folder} lack {len(missing)} tensors ({missing[0]}, ...). "
            "Fetch the folder again."
        )
    del model.text_model  # often the larger half, and never asked
    return processor, model.eval()


def _identity(folder: Path) -> str:
    """Eight hex digits of the weights: another fine-tune under one name is another space."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise WeightsError(
            f"There are no safetensors in {folder}. Fetch the folder again; models stored as "
            "pickles (pytorch_model.bin) are not loaded."
        )
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:8]
