"""How well a trained model understands: one column of figures for every kind of turn."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from fusion.baselines import Model
from fusion.data import Example
from fusion.frozen import Catalogue, Encodings
from fusion.model import INTENTS, Inputs, Outputs, collate
from fusion.reject import auroc
from fusion.types import Percept

BINS = 15  # of the calibration error


def column(example: Example) -> str:
    """The column a turn is judged in: what it is about, and whether it was typed or spoken."""
    if example.task == "words":
        return "voice" if example.voice else "text"
    if example.task == "photo+words":
        return "voice+photo" if example.voice else "photo+words"
    return example.task


@torch.inference_mode()
def outputs(
    model: Callable[[Inputs], Outputs],
    examples: Sequence[Example],
    encodings: Encodings,
    seed: int = 1,
) -> Outputs:
    """The outputs for all examples, in order, of a model that no longer learns."""
    rng = random.Random(seed)
    parts = [
        model(collate([encodings.percept(e, rng) for e in examples[i : i + 64]]))
        for i in range(0, len(examples), 64)
    ]
    return Outputs(
        torch.cat([p.intents for p in parts]),
        torch.cat([p.out_of_scope for p in parts]),
        torch.cat([p.vector for p in parts]),
    )


def ranks(vectors: Tensor, targets: Tensor, catalogue: Catalogue) -> Tensor:
    """The rank (from 1) at which each vector (n, DIM) finds its target's row, by text or photo.

    What is equally near shares its ranks, so that a vector of nothing ranks in the middle.
    """
    near = torch.maximum(vectors @ catalogue.texts.T, vectors @ catalogue.photos.T)
    own = near.gather(1, targets[:, None])
    return 1 + (near > own).sum(1) + ((near == own).sum(1) - 1) / 2


def finding(
    examples: Sequence[Example], out: Outputs, catalogue: Catalogue
) -> dict[str, dict[str, float]]:
    """R@1, R@10 and mean reciprocal rank, each in [0, 1], and the number of turns by column."""
    target = catalogue.rows(examples)
    figures = {}
    for name in sorted({column(e) for e, row in zip(examples, target, strict=True) if row >= 0}):
        mine = (target >= 0) & torch.tensor([column(e) == name for e in examples])
        rank = ranks(out.vector[mine], target[mine], catalogue)
        figures[name] = {
            "R@1": round(float((rank <= 1).float().mean()), 4),
            "R@10": round(float((rank <= 10).float().mean()), 4),
            "MRR": round(float((1 / rank).mean()), 4),
            "turns": len(rank),
        }
    return figures


def understanding(model: Model, examples: Sequence[Example], out: Outputs) -> dict[str, float]:
    """Intent accuracy, expected calibration error and rejections, each in [0, 1].

    The calibration error (Guo et al., 2017) is the mean distance between how sure the model was and
    how often it was right, over `BINS` bins of sureness.
    """
    known = torch.tensor([e.intent is not None for e in examples])
    named = torch.tensor([INTENTS.index(e.intent) for e in examples if e.intent is not None])
    sure, chosen = (out.intents[known] / model.warmth).softmax(-1).max(-1)
    right = (chosen == named).float()
    bins = (sure * BINS).long().clamp(max=BINS - 1)
    error = sum(
        float((bins == b).float().mean() * (right[bins == b].mean() - sure[bins == b].mean()).abs())
        for b in bins.unique().tolist()
    )
    rejected = out.out_of_scope > model.scope_shift
    ours = torch.tensor([e.in_scope is True for e in examples])
    others = torch.tensor([e.in_scope is False for e in examples])
    figures = {"accuracy": float(right.mean()), "ECE": error}
    if ours.any() and others.any():
        figures |= {
            "AUROC": auroc(out.out_of_scope[ours].numpy(), out.out_of_scope[others].numpy()),
            "ours rejected": float(rejected[ours].float().mean()),
            "others rejected": float(rejected[others].float().mean()),
        }
    return {name: round(value, 4) for name, value in figures.items()}


@torch.inference_mode()
def milliseconds(understand: Callable[[Percept], object], percepts: Sequence[Percept]) -> float:
    """The median time of one turn alone."""
    taken = []
    for percept in percepts:
        began = time.perf_counter()
        understand(percept)
        taken.append(1000 * (time.perf_counter() - began))
    return round(float(np.median(taken)), 3)
