"""The photo encoder: an image tower trained into the sentence encoder's space.

The text tower is locked and the image tower learns to land a photo near the words that describe
it (locked-image tuning turned round, arXiv:2111.07991), so one vector index serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fusion.types import DIM, Encoded, Encoder
from fusion.weights import SHIPPED, load_into, load_weights

SIDE = 224  # pixels; photos are squeezed to SIDE x SIDE, padded to a square first
PATCHES = 49  # a 7 x 7 grid
BATCH = 32
MODEL = "photo-tower-2"

WIDTH = 1280  # features of a patch, before they are projected
STAGES = (  # EfficientNet-Lite0: repeats, kernel, stride, widening, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def _conv(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """A convolution and its normalisation.

    One that halves is padded more after than before, as TensorFlow does: the weights that training
    begins with were made so.
    """
    half = kernel // 2
    uneven = [nn.ZeroPad2d((half - 1, half, half - 1, half))] if stride > 1 else []
    padding = 0 if stride > 1 else half
    return [
        *uneven,
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
    ]


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow again (MobileNetV2, arXiv:1801.04381)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, widen: int) -> None:
        super().__init__()
        hidden = inputs * widen
        wide = [*_conv(inputs, hidden), nn.ReLU6()] if widen > 1 else []
        self.body = nn.Sequential(
            *wide,
            *_conv(hidden, hidden, kernel, stride, groups=hidden),
            nn.ReLU6(),
            *_conv(hidden, outputs),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.shortcut else self.body(x)


class PhotoTower(nn.Module):
    """(batch, 3, SIDE, SIDE) in [0, 1] -> patch states (batch, PATCHES, DIM).

    EfficientNet-Lite0 (arXiv:1905.11946, without squeeze-and-excitation) to 7 x 7 patches. The
    projection is linear and without bias, so the mean of the patch states is the projected mean: a
    photo's vector is the direction of that mean, and every patch lives in the same space.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [*_conv(3, 32, 3, 2), nn.ReLU6()]
        inputs = 32
        for repeats, kernel, stride, widen, outputs in STAGES:
            for i in range(repeats):
                step = stride if i == 0 else 1
                layers.append(InvertedResidual(inputs, outputs, kernel, step, widen))
                inputs = outputs
        self.features = nn.Sequential(*layers, *_conv(inputs, WIDTH), nn.ReLU6())
        self.dropout = nn.Dropout(0.2)
        self.project = nn.Linear(WIDTH, DIM, bias=False)

    def forward(self, photos: Tensor) -> Tensor:
        maps = self.features((photos - 0.498) / 0.502)
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


def folded(layers: nn.Sequential) -> nn.Sequential:
    """The same layers to look with, not to train: normalisations within their convolutions."""
    kept: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            kept[-1] = fuse_conv_bn_eval(cast(nn.Conv2d, kept[-1]), layer)
        elif isinstance(layer, InvertedResidual):
            layer.body = folded(layer.body)
            kept.append(layer)
        else:
            kept.append(layer)
    return nn.Sequential(*kept)


class TowerEncoder:
    """The shipped tower behind the `Encoder` protocol."""

    def __init__(self, tower: PhotoTower, name: str) -> None:
        tower.features = folded(tower.eval().features)
        self.tower = tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
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


def is_hub(spec: str) -> bool:
    return spec.startswith("hub:") or Path(spec).expanduser().is_dir()


def tower_path(spec: str) -> Path:
    return SHIPPED / "vision.safetensors" if spec == "shipped" else Path(spec)


def load_vision(spec: str = "shipped") -> Encoder:
    """The photo encoder that `spec` names: "shipped", the path of a trained tower, or a pretrained
    CLIP or SigLIP as "hub:NAME" or a folder, which still lacks its map (fusion/hub_vision.py).

    Raises WeightsError when the weights are missing, damaged or of another model.
    """
    if is_hub(spec):
        from fusion.hub_vision import load_hub_tower  # transformers takes a second to import

        return load_hub_tower(spec)
    path = tower_path(spec)
    tensors, card = load_weights(path, MODEL)
    tower = PhotoTower()
    load_into(tower, tensors, path)
    return TowerEncoder(tower, f"{MODEL}:{card['sha256'][:8]}")
