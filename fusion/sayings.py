"""What customers say beyond the sentences that fusion was trained on, and what they want by it.

The head of the intents learnt from whole sentences in English. It takes one intent for another
where a customer writes no sentence ("red kettle please"), and in other languages, whose vectors lie
beside those of the same sentences in English. So a logistic regression over the vector of the words
adds to its logits, solved on the examples of `sayings.jsonl` (`deskhand train sayings`).
What is learnt from one language serves all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from fusion import phrases
from fusion.baselines import Model
from fusion.data import Maker, split
from fusion.imagined import FAMILIES, imagine
from fusion.model import INTENTS, Inputs, collate, views
from fusion.perceive import Encoders, perceive
from fusion.types import DIM, InputLimits, Turn, WeightsError
from fusion.weights import load_weights, save_weights

MODEL = "sayings-1"
FILE = "sayings.safetensors"
EXAMPLES = Path(__file__).parent / "sayings.jsonl"
FIX = "Install Deskhand again, or train them anew with `deskhand train sayings`."
RIDGE = 0.05  # up to 0.2 fivefold cross-validation on the examples finds little difference
STEPS = 200  # of L-BFGS, at most


class Sayings:
    """What the words add to the logits of the intents."""

    def __init__(self, weights: Tensor) -> None:
        """`weights` (DIM, len(INTENTS)) of the vector of the words."""
        self._weights = weights

    def __call__(self, inputs: Inputs) -> Tensor:
        """(batch, len(INTENTS)), to be added to logits that are calibrated; 0 without words."""
        return views(inputs)[:, 0] @ self._weights


def load_sayings(path: Path) -> Sayings:
    """The weights at `path`. Raises WeightsError when they cannot be used."""
    tensors, _ = load_weights(path, MODEL, FIX)
    weights = tensors.get("weights", torch.empty(0))
    if weights.shape != (DIM, len(INTENTS)):
        raise WeightsError(f"{path} does not fit this version. {FIX}")
    return Sayings(weights)


@torch.no_grad()
def train_sayings(encoders: Encoders, model: Model, path: Path) -> None:
    """Solve the regression beside the head of `model`, and write its weights to `path`."""
    rows = [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines()]
    said = [(row["text"], row["intent"]) for row in rows]
    said += _templates()  # what the head has learnt, so that it stays
    inputs = collate([perceive(Turn(text), [], encoders, InputLimits()) for text, _ in said])
    wanted = torch.tensor([INTENTS.index(intent) for _, intent in said])
    logits = (model(inputs).intents / model.warmth).double()
    weights = _solve(views(inputs)[:, 0].double(), logits, wanted)
    save_weights(path, {"weights": weights}, {"model": MODEL, "examples": len(rows)})


def _templates() -> Iterator[tuple[str, str]]:
    """A sentence of each template that fusion is trained on, and its intent."""
    maker = Maker(imagine(FAMILIES, seed=0))
    for intent in INTENTS:
        for template in split(phrases.sentences(intent), training=True):
            yield maker.fill(template, maker.rng.choice(maker.products)), intent


def _solve(words: Tensor, logits: Tensor, wanted: Tensor) -> Tensor:
    weights = torch.zeros(DIM, len(INTENTS), dtype=words.dtype, requires_grad=True)
    solver = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    @torch.enable_grad()
    def loss() -> Tensor:
        solver.zero_grad()
        missed = F.cross_entropy(logits + words @ weights, wanted, reduction="sum")
        value = missed + RIDGE * weights.square().sum()
        value.backward()
        return value

    solver.step(loss)
    return weights.detach().float()
