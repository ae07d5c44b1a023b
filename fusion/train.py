"""Train a fusion model on frozen encodings (`deskhand train fusion`).

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fusion.ablations import ABLATIONS
from fusion.baselines import Baseline, Model, build, card_name
from fusion.data import Example
from fusion.evaluate import finding, outputs, understanding
from fusion.frozen import Catalogue, Encodings
from fusion.model import INTENTS, MODEL, Inputs, Outputs, collate
from fusion.types import MODALITIES, Modality
from fusion.weights import save_weights

COMBINED = ("print", "history", "history+edit", "photo+edit")
"""Tasks in which no single modality says what is sought."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; written into the card."""

    epochs: int = 3
    batch: int = 96
    peak_rate: float = 1e-3
    weight_decay: float = 0.02
    smoothing: float = 0.05
    sharpness: float = 20.0  # of the softmax over the catalogue (1 / temperature)
    identity: float = 10.0
    siblings: bool = True  # variants of what is sought are among the wrong answers
    drop: float = 0.15  # chance that a modality is dropped where it is not needed
    false_rejections: float = 0.05  # of in-scope turns, on the validation part
    seed: int = 0


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
    """Which modalities alone say what is sought, whatever stands beside them; as MODALITIES."""
    saying: tuple[Modality, ...] = ("text", "voice")
    if example.task in ("photo", "photo+words"):
        saying = ("photo",)
    elif example.task in COMBINED:
        saying = ()
    elif example.task == "intent" and (example.photo or example.history):
        saying = ()  # "do you have this": only the intent is known
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
        left_out = torch.zeros(len(near), len(catalogue.ids), dtype=torch.bool)
        if not recipe.siblings:
            left_out = catalogue.siblings(target[sought])
        logits = (near @ catalogue.texts.T).masked_fill(left_out, -1e4)
        total = total + F.cross_entropy(logits, target[sought])
        pictured = catalogue.photos.abs().sum(1) > 0
        seen = pictured[target[sought]]
        if seen.any():
            logits = (near[seen] @ catalogue.photos.T).masked_fill(~pictured | left_out[seen], -1e4)
            total = total + 0.5 * F.cross_entropy(logits, target[sought][seen])
    anchored = torch.tensor([_anchor(e) for e in examples]) & inputs.present  # (batch, M)
    if anchored.any():
        stayed = (out.vector[:, None] * inputs.vectors).sum(-1)[anchored]
        total = total + recipe.identity * (1 - stayed).mean()
    return total


def calibrate(model: Model, examples: Sequence[Example], out: Outputs, recipe: Recipe) -> None:
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


def batches(
    examples: Sequence[Example], encodings: Encodings, size: int, rng: random.Random
) -> Iterator[Sequence[Example]]:
    """All examples once in random order, with ones of about one length together.

    Those left over when the last batch is not full wait for the next epoch.
    """
    shuffled = rng.sample(examples, len(examples))
    full = []
    for start in range(0, len(shuffled), 16 * size):
        near = sorted(shuffled[start : start + 16 * size], key=encodings.length)
        full += [near[at : at + size] for at in range(0, len(near) - size + 1, size)]
    rng.shuffle(full)
    yield from full


def train(
    name: str,
    examples: Sequence[Example],
    encodings: Encodings,
    catalogue: Catalogue,
    recipe: Recipe,
    out: Path,
    sources: Mapping[str, str],
) -> Model:
    """Train the model called `name` on the training part.

    Writes `out`/fusion.safetensors with its card, and fusion.log.jsonl.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    if name in ABLATIONS:
        kind, changed = ABLATIONS[name]
        model: Model = kind()
        recipe = replace(recipe, **changed)
    else:
        model = build(name)
    training = [e for e in examples if e.part == "train"]
    validation = [e for e in examples if e.part == "validation"]
    if isinstance(model, Baseline):
        encodings = encodings.without_tokens()
        _fit(model, training, encodings, catalogue, rng)
    optimiser = torch.optim.AdamW(
        [
            {
                "params": [p for p in model.parameters() if p.ndim > 1],
                "weight_decay": recipe.weight_decay,
            },
            {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=recipe.peak_rate,
    )
    steps = recipe.epochs * len(list(batches(training, encodings, recipe.batch, random.Random(0))))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.peak_rate, total_steps=steps, pct_start=0.1
    )

    def judged() -> dict[str, object]:
        produced = outputs(model, validation, encodings)
        return {
            "finding": finding(validation, produced, catalogue),
            "understanding": understanding(model, validation, produced),
        }

    log = open(out / "fusion.log.jsonl", "w")  # noqa: SIM115
    with log:
        for epoch in range(recipe.epochs):
            began, total = time.monotonic(), []
            model.train()
            for batch in batches(training, encodings, recipe.batch, rng):
                inputs = drop(
                    batch, collate([encodings.percept(e, rng) for e in batch]), recipe.drop, rng
                )
                produced = model(inputs)
                loss = losses(produced, inputs, batch, catalogue, recipe)
                if isinstance(model, Baseline):
                    loss = loss + model.auxiliary(inputs, produced)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                optimiser.zero_grad()
                schedule.step()
                total.append(loss.item())
            model.eval()
            line = {
                "epoch": epoch + 1,
                "loss": round(float(np.mean(total)), 4),
                "seconds": round(time.monotonic() - began, 1),
                **judged(),
            }
            log.write(json.dumps(line) + "\n")
            log.flush()
            print(f"{name}: epoch {epoch + 1} of {recipe.epochs}, loss {line['loss']}", flush=True)

    calibrate(model, validation, outputs(model, validation, encodings), recipe)
    card = {
        "model": card_name(name) if name not in ABLATIONS else f"{MODEL} {name}",
        "recipe": asdict(recipe),
        "turns": len(training),
        "parameters": sum(p.numel() for p in model.parameters()),
        "sources": dict(sources),
        "validation": judged(),
        "licence": "Apache-2.0",
    }
    save_weights(out / "fusion.safetensors", model.state_dict(), card)
    return model.eval()


def _fit(
    model: Baseline,
    training: Sequence[Example],
    encodings: Encodings,
    catalogue: Catalogue,
    rng: random.Random,
) -> None:
    """What a baseline works out in closed form, from turns and the documents they are about."""
    rows = catalogue.rows(training)
    about = [e for e, row in zip(training, rows, strict=True) if row >= 0]
    inputs = collate([encodings.percept(e, rng) for e in about])
    model.fit(inputs, catalogue.texts[rows[rows >= 0]])
