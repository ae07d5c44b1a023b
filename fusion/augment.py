"""A photo as other cameras might have taken it: what the photo encoder is trained on."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fusion.vision import SIDE, to_square

STORED = 224  # pixels; photos to train on are kept at this size, and smaller cuts are made of them


def augment(photos: Tensor, rng: torch.Generator, size: int = SIDE) -> Tensor:
    """uint8 (b, 3, STORED, STORED) -> float (b, 3, size, size) as other cameras might see it.

    Turned (up to 20 degrees), cropped (40 to 100 % of the side, sometimes squeezed), mirrored,
    relit, recoloured a little (hue is left alone: colour names a product), blurred, covered.
    """
    b = len(photos)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(b, *shape).uniform_(low, high, generator=rng)

    angle = uniform(-0.35, 0.35)
    zoom = uniform(0.4, 1.0)
    squeeze = uniform(-0.15, 0.15).exp()
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    room = 1 - zoom
    matrix = torch.stack(
        [
            torch.stack(
                [mirror * zoom * squeeze * angle.cos(), -zoom * angle.sin(), uniform(-1, 1) * room],
                1,
            ),
            torch.stack(
                [mirror * zoom * angle.sin(), zoom / squeeze * angle.cos(), uniform(-1, 1) * room],
                1,
            ),
        ],
        1,
    )
    grid = F.affine_grid(matrix, [b, 3, size, size], align_corners=False)
    x = F.grid_sample(photos.float() / 255, grid, padding_mode="reflection", align_corners=False)

    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * uniform(0.7, 1.3, 1, 1, 1)  # saturation
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * uniform(0.7, 1.3, 1, 1, 1)  # contrast
    x = x * uniform(0.65, 1.35, 1, 1, 1) * uniform(0.9, 1.1, 3, 1, 1)  # light and its warmth
    soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, 1)
    x = torch.where(uniform(0, 1, 1, 1, 1) < 0.25, soft, x)
    x = x + torch.empty_like(x).normal_(generator=rng) * uniform(0, 0.03, 1, 1, 1)

    covered = _windows(b, size, 0.4, rng) & (uniform(0, 1, 1, 1, 1) < 0.3)
    return torch.where(covered, uniform(0, 1, 3, 1, 1), x).clamp(0, 1)


def mix(photos: Tensor, share: float, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A window of some photos (b, 3, side, side) filled from another one of the batch.

    Returns the photos, the row each was filled from (b,), and the part that is still its own (b,).
    """
    b, side = len(photos), photos.shape[-1]
    other = torch.randperm(b, generator=rng)
    chosen = torch.rand(b, 1, 1, 1, generator=rng) < share
    window = _windows(b, side, 0.8, rng) & chosen
    own = 1 - window.float().mean((1, 2, 3))
    return torch.where(window, photos[other], photos), other, own


def _windows(b: int, side: int, most: float, rng: torch.Generator) -> Tensor:
    """Random rectangles of up to `most` of the side: bool (b, 1, side, side)."""
    line = torch.arange(side)
    start = torch.rand(2, b, 1, generator=rng) * side
    length = torch.rand(2, b, 1, generator=rng) * side * most
    rows, columns = (line >= start) & (line < start + length)
    return rows[:, None, :, None] & columns[:, None, None, :]


def other_views(photo: np.ndarray, number: int, seed: int) -> np.ndarray:
    """One photo (h, w, 3) as `number` other cameras see it: uint8 (number, SIDE, SIDE, 3)."""
    stored = torch.from_numpy(to_square(photo, STORED)).permute(2, 0, 1)
    rng = torch.Generator().manual_seed(seed)
    views = augment(stored.expand(number, -1, -1, -1), rng)
    return (views * 255).byte().permute(0, 2, 3, 1).numpy()


def centre(photos: Tensor) -> Tensor:
    """uint8 (b, 3, STORED, STORED) -> float (b, 3, SIDE, SIDE), unaltered."""
    return F.interpolate(photos.float() / 255, (SIDE, SIDE), mode="bilinear", antialias=True)
