"""The fusion module with one thing left out, to see what that thing is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fusion.model import FusionModel, Inputs, Outputs
from fusion.types import MODALITIES


class WithoutQuality(FusionModel):
    def forward(self, inputs: Inputs) -> Outputs:
        return super().forward(replace(inputs, quality=torch.zeros_like(inputs.quality)))


class WithoutPatches(FusionModel):
    """A photo is its pooled vector alone."""

    def forward(self, inputs: Inputs) -> Outputs:
        patches = inputs.kinds == MODALITIES.index("photo")
        return super().forward(replace(inputs, kinds=inputs.kinds.masked_fill(patches, -1)))


class WithoutAnchor(FusionModel):
    """The vector is the learnt terms alone; the modalities' own vectors are not added."""

    def combine(self, anchored: Tensor, fused: Tensor, count: Tensor) -> Tensor:
        return F.normalize(fused, dim=-1) * (count > 0)


ABLATIONS: dict[str, tuple[type[FusionModel], dict[str, Any]]] = {
    "without dropout": (FusionModel, {"drop": 0.0}),
    "without identity": (FusionModel, {"identity": 0.0}),
    "without quality": (WithoutQuality, {}),
    "without anchor": (WithoutAnchor, {}),
    "without siblings": (FusionModel, {"siblings": False}),
    "without patches": (WithoutPatches, {}),
}
"""Name -> the model, and what is changed in the recipe."""
