"""Whether a photo seems to show damage: a crack, a chipped edge, a missing part, a stain.

A small network of its own, so that every photo encoder has it beside it. It was trained on rendered
goods, speaks only where it is rarely wrong, and nothing is ever decided by it alone.

A wrong colour is not among the kinds: a mug in another colour is a whole mug, and only who knows
what was ordered can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fusion.types import DAMAGES, Damage
from fusion.vision import PhotoTower, folded, to_square
from fusion.weights import SHIPPED, load_into, load_weights

MODEL = "damage-1"
KINDS = tuple(DAMAGES)
CELLS = 28  # cells a side that are judged one by one
TOP = 6  # cells that must agree
FINE, WIDE = 8, 9  # layers of a photo encoder up to 28 x 28 x 40, and up to 14 x 14 x 80
FIX = "Install Deskhand again, or train them anew with `deskhand train damage`."


class DamageNet(nn.Module):
    """The first layers of the shipped photo encoder, and a judgement of every cell."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = first_layers(PhotoTower())
        self.near = nn.Conv2d(40, 48, 1)
        self.round = nn.Conv2d(80, 48, 1)
        self.judge = nn.Sequential(
            nn.ReLU(),
            nn.Dropout2d(0.15),
            nn.Conv2d(48, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, len(KINDS), 1),
        )

    def maps(self, photos: Tensor) -> tuple[Tensor, Tensor]:
        """(b, 3, 224, 224) in [0, 1] -> (b, 40, CELLS, CELLS) and (b, 80, CELLS / 2, CELLS / 2)."""
        fine = self.trunk[:FINE]((photos - 0.498) / 0.502)
        return fine, self.trunk[FINE:](fine)

    def cells(self, fine: Tensor, wide: Tensor) -> Tensor:
        """Logits (b, KINDS, CELLS, CELLS)."""
        around = F.interpolate(self.round(wide), (CELLS, CELLS), mode="bilinear")
        return self.judge(self.near(fine) + around)

    def forward(self, photos: Tensor) -> Tensor:
        return kinds(self.cells(*self.maps(photos)))


def first_layers(tower: PhotoTower) -> nn.Sequential:
    return nn.Sequential(*list(folded(tower.eval().features))[:WIDE])


def kinds(cells: Tensor) -> Tensor:
    """Logits of the cells -> of the photo (b, KINDS): the mean of the few that are the surest."""
    return cells.flatten(2).topk(TOP).values.mean(-1)


def any_kind(logits: np.ndarray) -> np.ndarray:
    """Logits (n, KINDS) -> log odds (n,) of any damage, were the kinds independent."""
    whole = -np.logaddexp(0, logits).sum(1)  # log of the chance that it is none of them
    return np.log(-np.expm1(np.minimum(whole, -1e-6))) - whole


class DamageDetector:
    """`scale` and `shift` make log odds into probabilities; it speaks at `threshold` and above."""

    def __init__(self, net: DamageNet, scale: float, shift: float, threshold: float) -> None:
        self.net = net.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.scale, self.shift, self.threshold = scale, shift, threshold

    @torch.inference_mode()
    def logits(self, photos: Iterable[np.ndarray]) -> np.ndarray:
        """uint8 RGB photos (h, w, 3) -> (n, KINDS)."""
        rows = [
            self.net(torch.from_numpy(to_square(photo)).permute(2, 0, 1)[None].float() / 255)
            for photo in photos
        ]
        return torch.cat(rows).numpy() if rows else np.zeros((0, len(KINDS)), np.float32)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """(n, KINDS) -> (n,) in [0, 1] that there is any damage."""
        return 1 / (1 + np.exp(-(self.scale * any_kind(logits) + self.shift)))

    def __call__(self, photos: Sequence[np.ndarray]) -> Damage | None:
        """The surest damage in any of the photos; None where none is sure enough to be said."""
        logits = self.logits(photos)
        sure = self.probabilities(logits)
        if not len(sure) or sure.max() < self.threshold:
            return None
        best = int(sure.argmax())
        return Damage(KINDS[int(logits[best].argmax())], float(sure[best]))


def load_damage(path: Path = SHIPPED / "damage.safetensors") -> DamageDetector:
    """Raises WeightsError when the weights are missing, damaged or of another model."""
    tensors, card = load_weights(path, MODEL, FIX)
    net = DamageNet()
    load_into(net, tensors, path)
    return DamageDetector(net, card["scale"], card["shift"], card["threshold"])
