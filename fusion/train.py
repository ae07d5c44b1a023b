"""Train the fusion module on frozen encodings (`deskhand train fusion`).

Loss = intents (cross-entropy, smoothed) + out of scope (binary) + identity + retrieval. Identity:
where one modality alone says what is sought, the vector stays where its own encoder put it.
Retrieval, where modalities must be combined: InfoNCE against the whole catalogue, its texts and its
photos. Modalities are dropped at random, never what the target needs. Temperature and threshold are
set on the validation part; the test part is left alone.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fusion.data import Example
from fusion.model import INTENTS, MODEL, FusionModel, Inputs, Outputs, collate
from fusion.reject import auroc
from fusion.types import MODALITIES, Encoded, Modality, Percept
from fusion.weights import save_weights

COMBINED = ("print", "history", "history+edit")
"""Tasks in which no single modality says what is sought."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; written into the card."""

    epochs: int = 5
    batch: int = 96
    peak_rate: float = 1e-3
    weight_decay: float = 0.02
    smoothing: float = 0.05
    sharpness: float = 20.0  # of the softmax over the catalogue (1 / temperature)
    identity: float = 2.0
    drop: float = 0.15  # chance that a modality is dropped where it is not needed
    false_rejections: float = 0.05  # of in-scope turns, on the validation part
    seed: int = 0


@dataclass(frozen=True)
class Catalogue:
    """The documents a turn may be about, in the shared space."""

    ids: tuple[str, ...]
    texts: Tensor  # (n, DIM) unit norm
    photos: Tensor  # (n, DIM) unit norm; zeros for documents without a photo

    @classmethod
    def of(cls, ids: Sequence[str], texts: np.ndarray, photos: np.ndarray) -> Catalogue:
        return cls(tuple(ids), torch.from_numpy(texts), torch.from_numpy(photos))

    def rows(self, examples: Sequence[Example]) -> Tensor:
        """The row of each example's target; -1 where there is none."""
        number = {document: row for row, document in enumerate(self.ids)}
        return torch.tensor([number.get(e.target, -1) for e in examples])


class Encodings:
    """Everything frozen, encoded once: sentences by themselves, photos by product."""

    def __init__(
        self,
        sentences: Mapping[str, Encoded],
        photos: Mapping[str, Sequence[tuple[Encoded, float]]],
    ) -> None:
        """`photos`: product id -> its photos, each with its sharpness."""
        self.sentences, self.photos = sentences, photos

    def percept(self, example: Example, rng: random.Random) -> Percept:
        encoded: dict[Modality, Encoded] = {}
        quality: dict[str, float] = {}
        if example.text:
            encoded["text"] = self.sentences[example.text]
        if example.voice:
            encoded["voice"] = self.sentences[example.voice]
            quality |= {"voice_confidence": example.confidence, "no_speech": 0.0}
        if example.printed:
            encoded["print"] = self.sentences[example.printed]
            quality["print_confidence"] = 0.95
        if example.photo and self.photos.get(example.photo):
            encoded["photo"], quality["sharpness"] = rng.choice(self.photos[example.photo])
        if example.history:
            encoded["history"] = self.sentences[example.history]
        return Percept("", "", None, (), encoded, quality)


def _needed(example: Example) -> set[Modality]:
    """Modalities without which nobody could find the target."""
    return {
        "photo": {"photo"},
        "photo+words": {"photo"},
        "print": {"print"},
        "history": {"history"},
        "photo+edit": {"photo", "text", "voice"},
        "history+edit": {"history", "text", "voice"},
    }.get(example.task, {"text", "voice"})  # type: ignore[return-value]


def _anchor(example: Example) -> list[bool]:
    """Which modalities alone say what is sought, whatever stands beside them; as MODALITIES.

    A wish beside a photo ("in blue") is obeyed by the search's filters: the photo says the rest.
    """
    saying: tuple[Modality, ...] = ("text", "voice")
    if example.task in ("photo", "photo+words", "photo+edit"):
        saying = ("photo",)
    elif example.task in COMBINED or (not example.target and (example.photo or example.history)):
        saying = ()  # of the latter only the intent is known
    return [modality in saying for modality in MODALITIES]


def drop(examples: Sequence[Example], inputs: Inputs, chance: float, rng: random.Random) -> Inputs:
    present = inputs.present.clone()
    for row, example in enumerate(examples):
        for column, modality in enumerate(MODALITIES):
            if modality not in _needed(example) and rng.random() < chance:
                present[row, column] = False
    return replace(inputs, present=present)


def _known_intents(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """The number of each example's intent, -1 where it is unknown, and where it is known."""
    intents = torch.tensor([INTENTS.index(e.intent) if e.intent else -1 for e in examples])
    return intents, intents >= 0


def losses(
    out: Outputs, inputs: Inputs, examples: Sequence[Example], catalogue: Catalogue, recipe: Recipe
) -> Tensor:
    intents, known = _known_intents(examples)
    total = out.vector.new_zeros(())
    if known.any():
        total = total + F.cross_entropy(
            out.intents[known], intents[known], label_smoothing=recipe.smoothing
        )
    scope = torch.tensor([-1.0 if e.in_scope is None else float(not e.in_scope) for e in examples])
    judged = scope >= 0
    if judged.any():
        total = total + F.binary_cross_entropy_with_logits(out.out_of_scope[judged], scope[judged])
    target = catalogue.rows(examples)
    sought = (target >= 0) & torch.tensor([e.task in COMBINED for e in examples])
    if sought.any():
        near = recipe.sharpness * out.vector[sought]
        total = total + F.cross_entropy(near @ catalogue.texts.T, target[sought])
        pictured = catalogue.photos.abs().sum(1) > 0
        seen = pictured[target[sought]]
        if seen.any():
            logits = (near[seen] @ catalogue.photos.T).masked_fill(~pictured, -1e4)
            total = total + 0.5 * F.cross_entropy(logits, target[sought][seen])
    anchored = torch.tensor([_anchor(e) for e in examples]) & inputs.present  # (batch, M)
    if anchored.any():
        stayed = (out.vector[:, None] * inputs.vectors).sum(-1)[anchored]
        total = total + recipe.identity * (1 - stayed).mean()
    return total


@torch.inference_mode()
def outputs(
    model: FusionModel, examples: Sequence[Example], encodings: Encodings, seed: int = 1
) -> Outputs:
    """The model's outputs for all examples, in order."""
    model.eval()
    rng = random.Random(seed)
    parts = [
        model(collate([encodings.percept(e, rng) for e in examples[i : i + 128]]))
        for i in range(0, len(examples), 128)
    ]
    return Outputs(
        torch.cat([p.intents for p in parts]),
        torch.cat([p.out_of_scope for p in parts]),
        torch.cat([p.vector for p in parts]),
    )


def calibrate(
    model: FusionModel, examples: Sequence[Example], out: Outputs, recipe: Recipe
) -> None:
    """Set the intents' temperature (least negative log-likelihood) and the out-of-scope threshold.

    The threshold is moved to 0.5 by a shift of the logit, at `false_rejections` of in-scope turns.
    """
    intents, known = _known_intents(examples)
    grid = torch.linspace(0.4, 3.0, 53)
    worst = [F.cross_entropy(out.intents[known] / t, intents[known]) for t in grid]
    # our own typed sentences: the public ones are templated, and so easy that they set no bound
    ours = torch.tensor(
        [e.in_scope is True and e.task == "intent" and not e.voice for e in examples]
    )
    model.warmth.fill_(float(grid[int(torch.stack(worst).argmin())]))
    model.scope_shift.fill_(float(out.out_of_scope[ours].quantile(1 - recipe.false_rejections)))


def judge(examples: Sequence[Example], out: Outputs, catalogue: Catalogue) -> dict[str, float]:
    """Shares in [0, 1]: intent accuracy, recall at 1 of each task, area under the scope curve."""
    figures: dict[str, float] = {}
    target = catalogue.rows(examples)
    near = torch.maximum(out.vector @ catalogue.texts.T, out.vector @ catalogue.photos.T)
    first = near.argmax(1)
    for task in sorted({e.task for e in examples}):
        mine = torch.tensor([e.task == task for e in examples])
        if (sought := mine & (target >= 0)).any():
            figures[f"R@1 {task}"] = (first[sought] == target[sought]).float().mean().item()
        named = [i for i, e in enumerate(examples) if e.task == task and e.intent]
        if named and not sought.any():
            right = [INTENTS[int(out.intents[i].argmax())] == examples[i].intent for i in named]
            figures[f"intents {task}"] = float(np.mean(right))
    ours = out.out_of_scope[torch.tensor([e.in_scope is True for e in examples])]
    others = out.out_of_scope[torch.tensor([e.in_scope is False for e in examples])]
    if len(ours) and len(others):
        figures["AUROC out of scope"] = auroc(ours.numpy(), others.numpy())
    return {name: round(value, 4) for name, value in figures.items()}


def train(
    examples: Sequence[Example],
    encodings: Encodings,
    catalogue: Catalogue,
    recipe: Recipe,
    out: Path,
    sources: Mapping[str, str],
) -> Path:
    """Train on the training part; write `out`/fusion.safetensors with its card and log."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    model = FusionModel()
    training = [e for e in examples if e.part == "train"]
    validation = [e for e in examples if e.part == "validation"]
    decayed = [p for p in model.parameters() if p.ndim > 1]
    kept = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": recipe.weight_decay},
            {"params": kept, "weight_decay": 0.0},
        ],
        lr=recipe.peak_rate,
    )
    steps = recipe.epochs * (len(training) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.peak_rate, total_steps=steps, pct_start=0.1
    )
    for epoch in range(recipe.epochs):
        began, total = time.monotonic(), 0.0
        model.train()
        rng.shuffle(training)
        batches = len(training) // recipe.batch
        for b in range(batches):
            batch = training[b * recipe.batch : (b + 1) * recipe.batch]
            inputs = drop(
                batch, collate([encodings.percept(e, rng) for e in batch]), recipe.drop, rng
            )
            with torch.autocast("cpu", torch.bfloat16):
                produced = model(inputs)
            produced = Outputs(
                produced.intents.float(), produced.out_of_scope.float(), produced.vector.float()
            )
            loss = losses(produced, inputs, batch, catalogue, recipe)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            schedule.step()
            total += loss.item()
        log = {
            "epoch": epoch + 1,
            "loss": round(total / max(1, batches), 4),
            "validation": judge(validation, outputs(model, validation, encodings), catalogue),
            "seconds": round(time.monotonic() - began, 1),
        }
        with open(out / "fusion.log.jsonl", "a") as file:
            file.write(json.dumps(log) + "\n")
        print(json.dumps(log), flush=True)

    final = outputs(model, validation, encodings)
    calibrate(model, validation, final, recipe)
    path = out / "fusion.safetensors"
    card = {
        "model": MODEL,
        "recipe": asdict(recipe),
        "turns": len(training),
        "parameters": sum(p.numel() for p in model.parameters()),
        "sources": dict(sources),
        "validation": judge(validation, final, catalogue),
        "licence": "Apache-2.0",
    }
    save_weights(path, model.state_dict(), card)
    return path
