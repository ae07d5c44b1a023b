"""The fusion module as the agent uses it: a percept in, a `Fused` with its explanation out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from fusion.baselines import BASELINES, Model, build, card_name
from fusion.explain import coalitions, shapley
from fusion.model import INTENTS, Inputs, Outputs, collate
from fusion.sayings import FILE as SAYINGS
from fusion.sayings import Sayings, load_sayings
from fusion.types import MODALITIES, Attributions, Fused, Modality, Percept, WeightsError
from fusion.weights import SHIPPED, load_into, load_weights, read_card


class FusionModule:
    """A trained model, its name, and what was learnt beside it of how customers speak."""

    def __init__(self, model: Model, name: str, sayings: Sayings | None = None) -> None:
        self.model = model.eval()
        self.name = name
        self.sayings = sayings

    @torch.inference_mode()
    def outputs(self, inputs: Inputs) -> Outputs:
        """What the model makes of a batch, with what the sayings add to its intents."""
        out = self.model(inputs)
        if self.sayings is None:
            return out
        return replace(out, intents=out.intents + self.model.warmth * self.sayings(inputs))

    @torch.inference_mode()
    def __call__(self, percept: Percept) -> Fused:
        """Understand one percept; a percept of nothing gives the prior and a zero vector."""
        inputs = collate([percept])
        players: list[Modality] = [m for m in MODALITIES if m in percept.encoded]
        subsets = coalitions(len(players))
        present = torch.zeros(len(subsets), len(MODALITIES), dtype=torch.bool)
        present[:, [MODALITIES.index(m) for m in players]] = torch.from_numpy(subsets)
        out = self.outputs(inputs.masked(present))
        intents = (out.intents / self.model.warmth).softmax(-1)
        whole = len(subsets) - 1  # the last coalition has everybody
        before = 1 << players.index("history") if "history" in players else 0
        order = intents[whole].argsort(descending=True).tolist()
        return Fused(
            intents={INTENTS[i]: float(intents[whole, i]) for i in order},
            out_of_scope=float((out.out_of_scope[whole] - self.model.scope_shift).sigmoid()),
            vector=out.vector[whole].numpy(),
            alone=out.vector[whole - before].numpy(),
            attributions=Attributions(
                intent=dict(zip(players, shapley(intents[:, order[0]].numpy()), strict=True)),
                retrieval=dict(
                    zip(players, shapley((out.vector @ out.vector[whole]).numpy()), strict=True)
                ),
            ),
        )

    @torch.inference_mode()
    def vector(self, percept: Percept) -> np.ndarray:
        """(DIM,) the retrieval vector alone, without the coalitions that an explanation takes."""
        return self.model(collate([percept])).vector[0].numpy()


def load_fusion(spec: str = "shipped") -> FusionModule:
    """The fusion module of `spec`: "shipped", one of BASELINES, or the path of weights.

    What was learnt of how customers speak lies beside the weights: always with the shipped ones,
    and where `deskhand train sayings` has written it. Raises WeightsError when the weights are
    missing, damaged or of another model.
    """
    if spec == "shipped":
        path = SHIPPED / "fusion.safetensors"
    elif spec in BASELINES:
        path = SHIPPED / spec / "fusion.safetensors"
    else:
        path = Path(spec)
        if not path.is_file():
            raise WeightsError(
                f"There are no fusion weights called {spec!r}: expected shipped, "
                f"{', '.join(BASELINES)}, or the path of a safetensors file."
            )
    model, name = load_model(path)
    beside = path.with_name(SAYINGS)
    sayings = load_sayings(beside) if spec == "shipped" or beside.is_file() else None
    return FusionModule(model, name, sayings)


def load_model(path: Path) -> tuple[Model, str]:
    """The model whose weights are at `path`, for use and not for training, and what they are
    called. Raises WeightsError."""
    made_for = read_card(path).get("model")
    name = next((n for n in BASELINES if card_name(n) == made_for), "ours")
    tensors, card = load_weights(path, card_name(name))
    model = build(name)
    load_into(model, tensors, path)
    return model.eval(), f"{card['model']}:{card['sha256'][:8]}"
