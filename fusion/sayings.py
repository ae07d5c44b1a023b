"""What customers say in other languages, and what they want by it.

The head of the intents learnt from English sentences. Vectors of other languages lie beside those
of the same sentences in English, and there the head takes one intent for another. So a logistic
regression over the vector of the words adds to its logits, solved on the examples of
`sayings.jsonl` (`deskhand train sayings`). What is learnt from one language serves all of them.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from fusion.baselines import Model
from fusion.model import INTENTS, Inputs, collate, views
from fusion.perceive import Encoders, perceive
from fusion.types import DIM, InputLimits, Turn, WeightsError
from fusion.weights import load_weights, save_weights

MODEL = "sayings-1"
FILE = "sayings.safetensors"
EXAMPLES = Path(__file__).parent / "sayings.jsonl"
FIX = "Install Deskhand again, or train them anew with `deskhand train sayings`."
RIDGE = 0.2  # between 0.1 and 0.4 tenfold cross-validation on the examples finds little difference
STEPS = 200  # of L-BFGS, at most


class Sayings:
    """What the words of another language add to the logits of the intents."""

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
    """Solve the regression beside the head of `model`, and write its weights to `path`.

    Examples that are taken for English teach nothing, for English never passes here.
    """
    rows = [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines()]
    percepts = [perceive(Turn(row["text"]), [], encoders, InputLimits()) for row in rows]
    other = [i for i, percept in enumerate(percepts) if percept.english]
    inputs = collate([percepts[i] for i in other])
    wanted = torch.tensor([INTENTS.index(rows[i]["intent"]) for i in other])
    logits = (model(inputs).intents / model.warmth).double()
    weights = _solve(views(inputs)[:, 0].double(), logits, wanted)
    save_weights(path, {"weights": weights}, {"model": MODEL, "examples": len(other)})


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
