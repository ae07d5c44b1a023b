"""The photo encoder: an image tower trained into the sentence encoder's space.

The text tower is locked and the image tower learns to land a photo near the words that describe
it (locked-image tuning turned round, arXiv:2111.07991), so one vector index serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from fusion.types import DIM, Encoded, Encoder
from fusion.weights import SHIPPED, load_into, load_weights

SIDE = 112  # pixels; photos are squeezed to SIDE x SIDE, padded to a square first
PATCHES = 49  # a 7 x 7 grid
BATCH = 32
MODEL = "photo-tower-1"


def _conv(
    inputs: int, outputs: int, stride: int = 1, kernel: int = 3, groups: int = 1
) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(),
    )


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow again (MobileNetV2, arXiv:1801.04381)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, widen: int = 4) -> None:
        super().__init__()
        hidden = inputs * widen
        self.body = nn.Sequential(
            _conv(inputs, hidden, kernel=1),
            _conv(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.shortcut else self.body(x)


class PhotoTower(nn.Module):
    """(batch, 3, SIDE, SIDE) in [0, 1] -> patch states (batch, PATCHES, DIM).

    The projection is linear and without bias, so the mean of the patch states is the projected
    mean: a photo's vector is the direction of that mean, and every patch lives in the same space.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(3, 24, 2),
            _conv(24, 48, 2),
            _conv(48, 48),
            _conv(48, 96, 2),
            InvertedResidual(96, 96),
            InvertedResidual(96, 96),
            InvertedResidual(96, 160, 2),
            InvertedResidual(160, 160),
            InvertedResidual(160, 160),
            _conv(160, 640, kernel=1),
        )
        self.dropout = nn.Dropout(0.1)
        self.project = nn.Linear(640, DIM, bias=False)

    def forward(self, photos: Tensor) -> Tensor:
        maps = self.features((photos - 0.5) / 0.25)
        return self.project(self.dropout(maps.flatten(2).transpose(1, 2)))


def pool(patches: Tensor) -> Tensor:
    """Patch states (..., PATCHES, DIM) -> unit vectors (..., DIM)."""
    return F.normalize(patches.mean(-2), dim=-1)


def to_square(photo: np.ndarray, side: int = SIDE) -> np.ndarray:
    """A uint8 RGB photo (h, w, 3) -> (side, side, 3), whole and undistorted.

    The shorter side is filled by repeating the border, which adds no edge of its own.
    """
    height, width = photo.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(
        Image.fromarray(photo).resize(size, Image.Resampling.BILINEAR, reducing_gap=2)
    )
    across, down = side - size[0], side - size[1]
    padding = ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
    return np.pad(small, padding, mode="edge")


class TowerEncoder:
    """The shipped tower behind the `Encoder` protocol."""

    def __init__(self, tower: PhotoTower, name: str) -> None:
        self.tower = tower.eval()
        self.name = name

    @torch.inference_mode()
    def patches(self, photos: Sequence[np.ndarray]) -> np.ndarray:
        """uint8 RGB photos -> patch states (n, PATCHES, DIM), float32."""
        states = [
            self.tower(
                torch.from_numpy(np.stack([to_square(p) for p in photos[i : i + BATCH]]))
                .permute(0, 3, 1, 2)
                .float()
                / 255
            )
            for i in range(0, len(photos), BATCH)
        ]
        return torch.cat(states).numpy() if states else np.zeros((0, PATCHES, DIM), np.float32)

    def encode(self, items: Sequence[np.ndarray]) -> np.ndarray:
        return pool(torch.from_numpy(self.patches(items))).numpy()

    def states(self, item: np.ndarray) -> Encoded:
        patches = self.patches([item])[0]
        return Encoded(patches, pool(torch.from_numpy(patches)).numpy())


def load_vision(spec: str = "shipped") -> Encoder:
    """The photo encoder that `spec` names: "shipped", the path of a trained tower, or a pretrained
    CLIP or SigLIP as "hub:NAME" or a folder, which still lacks its map (fusion/hub_vision.py).

    Raises WeightsError when the weights are missing, damaged or of another model.
    """
    if spec.startswith("hub:") or Path(spec).expanduser().is_dir():
        from fusion.hub_vision import load_hub_tower  # transformers takes a second to import

        return load_hub_tower(spec)
    path = SHIPPED / "vision.safetensors" if spec == "shipped" else Path(spec)
    tensors, card = load_weights(path, MODEL)
    tower = PhotoTower()
    load_into(tower, tensors, path)
    return TowerEncoder(tower, f"{MODEL}:{card['sha256'][:8]}")
