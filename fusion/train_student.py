"""Train the student of other languages (`deskhand train languages`).

Every sentence is drawn to the teacher's vector of its English side, and away from those of other
sentences: of the whole batch, half of which are about the same thing. A run is seeded and continues
where it was cut off.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fusion.parallel import LANGUAGES, Pairs
from fusion.student import FILE, MODEL, StudentModel, known, pieces, together
from fusion.weights import save_weights

KNOWN = 3  # sentences that a piece must be in, to be learnt
CORNERS = 400  # sentences that others are gathered around, to be told apart
GATHERED = 128  # neighbours that stay together in a batch
CHOICES = 1000  # English sentences among which the right one is looked for


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; written into the card."""

    epochs: int = 8
    batch: int = 1024
    rows: int = 116_000  # pieces that have a vector
    width: int = 192
    hidden: int = 768
    peak_rate: float = 3e-3
    dropped: float = 0.1  # share of the pieces of a sentence that are left out while learning
    pull: float = 2.0  # weight of 1 - cosine beside the softmax
    scale: float = 20.0  # of cosines in the softmax
    shop: int = 2  # times a shop's phrase is drawn an epoch
    draws: tuple[tuple[str, int], ...] = (("zh", 3), ("ja", 2))  # an epoch, else 1
    seed: int = 0


@dataclass(frozen=True)
class Data:
    """Sentences as places in a table of pieces."""

    keys: np.ndarray  # (rows,) uint32, sorted
    sentences: list[tuple[np.ndarray, np.ndarray]]  # places and weights of each's pieces
    pairs: Pairs
    vectors: Tensor  # (English sentences, DIM) unit norm, the teacher's

    def batch(self, which: Sequence[int] | np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        return together([self.sentences[i] for i in which])


def gather(pairs: Pairs, vectors: np.ndarray, rows: int) -> Data:
    """The pairs, with vectors for the pieces that are in the largest share of a language."""
    each = [pieces(text) for text in pairs.texts]
    learnt = np.flatnonzero(~pairs.held_out)
    share: dict[int, float] = {}
    for language in range(len(LANGUAGES)):
        mine = [np.unique(each[i][0]) for i in learnt if pairs.languages[i] == language]
        if mine:
            found, count = np.unique(np.concatenate(mine), return_counts=True)
            enough = count >= KNOWN
            for key, n in zip(found[enough].tolist(), count[enough].tolist(), strict=True):
                share[key] = max(share.get(key, 0.0), n / len(mine))
    kept = sorted(share, key=lambda key: (-share[key], key))[:rows]
    keys = np.sort(np.array(kept, np.uint32))
    unit = F.normalize(torch.from_numpy(vectors.astype(np.float32)), dim=-1)
    return Data(keys, [known(*one, keys) for one in each], pairs, unit)


def train(data: Data, recipe: Recipe, out: Path, sources: Mapping[str, str]) -> Path:
    """Train on what is not held out; write `out`/student.safetensors with its card.

    The state of an unfinished run is kept in `out`/student.pt after every epoch and picked up by
    the next call.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    model = StudentModel(len(data.keys), recipe.width, recipe.hidden)
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.peak_rate, fused=True)
    drawn = _draws(data.pairs, recipe)
    steps = recipe.epochs * (len(drawn) // recipe.batch)
    state, done = out / "student.pt", 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        torch.set_rng_state(saved["dropped"])
        rng.bit_generator.state = json.loads(saved["rng"])
        done = saved["done"]
    for epoch in range(done, recipe.epochs):
        began, total = time.monotonic(), 0.0
        step = epoch * (len(drawn) // recipe.batch)
        model.train()
        for which in _batches(data, drawn, recipe.batch, rng):
            for group in optimiser.param_groups:
                group["lr"] = recipe.peak_rate * _rate(step, steps)
            rows, starts, weights = data.batch(which)
            weights = weights * (torch.rand(len(weights)) >= recipe.dropped)
            said = model(rows, starts, weights)
            loss = _loss(said, data, torch.from_numpy(data.pairs.rows[which]), recipe)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
            step += 1
        log = {
            "epoch": epoch + 1,
            "loss": round(total * recipe.batch / len(drawn), 4),
            "held_out": judge(model, data),
            "seconds": round(time.monotonic() - began, 1),
        }
        with open(out / "log.jsonl", "a") as file:
            file.write(json.dumps(log) + "\n")
        print(json.dumps(log), flush=True)
        torch.save(
            {
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "dropped": torch.get_rng_state(),
                "rng": json.dumps(rng.bit_generator.state),
                "done": epoch + 1,
            },
            state.with_suffix(".part"),
        )
        state.with_suffix(".part").replace(state)  # whole, or the one before
    path = out / FILE
    card = {
        "model": MODEL,
        "recipe": asdict(recipe),
        "pairs": int((~data.pairs.held_out).sum()),
        "english_sentences": len(data.vectors),
        "sources": dict(sources),
        "held_out": judge(model, data),
        "licence": "Apache-2.0",
    }
    save_weights(path, packed(model, data.keys), card)
    state.unlink(missing_ok=True)
    return path


def packed(model: StudentModel, keys: np.ndarray) -> dict[str, Tensor]:
    """The weights as they are shipped: a byte for each number of the table, a scale a row."""
    tensors = dict(model.state_dict())
    table = tensors.pop("table.weight")
    scale = (table.abs().amax(1, keepdim=True) / 127).clamp(min=1e-8).half()
    tensors["table.int8"] = (table / scale.float()).round().clamp(-127, 127).to(torch.int8)
    return {**tensors, "table.scale": scale, "keys": torch.from_numpy(keys.astype(np.int64))}


def judge(model: StudentModel, data: Data) -> dict[str, float]:
    """Of held-out sentences, the share whose own English one is the first among CHOICES."""
    model.eval()
    found = {}
    for language, name in enumerate(LANGUAGES):
        for kind, wanted in (("", ~data.pairs.shop), (" shop", data.pairs.shop)):
            mine = np.flatnonzero(data.pairs.held_out & (data.pairs.languages == language) & wanted)
            rows, first = np.unique(data.pairs.rows[mine], return_index=True)
            if len(rows) >= 100:
                said = _said(model, data, mine[first[:CHOICES]])
                right = torch.from_numpy(rows[:CHOICES])
                near = (said @ data.vectors[right].T).argmax(1)
                found[name + kind] = round(
                    float((near == torch.arange(len(right))).float().mean()), 4
                )
    return found


@torch.inference_mode()
def _said(model: StudentModel, data: Data, which: np.ndarray) -> Tensor:
    return model(*data.batch(which))


def _draws(pairs: Pairs, recipe: Recipe) -> np.ndarray:
    """The pairs learnt in one epoch, some of them several times."""
    learnt = np.flatnonzero(~pairs.held_out)
    times = np.array([dict(recipe.draws).get(name, 1) for name in LANGUAGES])
    often = times[pairs.languages[learnt]] * np.where(pairs.shop[learnt], recipe.shop, 1)
    return np.repeat(learnt, often)


def _batches(
    data: Data, drawn: np.ndarray, size: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Half of each batch are neighbours, by what they are nearest to; the rest is from anywhere."""
    shuffled = rng.permutation(drawn)
    corners = data.vectors[torch.from_numpy(rng.integers(len(data.vectors), size=CORNERS))]
    nearest = torch.cat([(part @ corners.T).argmax(1) for part in data.vectors.split(8192)])
    half = len(shuffled) // 2
    alike = shuffled[:half]
    alike = alike[np.argsort(nearest.numpy()[data.pairs.rows[alike]], kind="stable")]
    runs = alike[: half // GATHERED * GATHERED].reshape(-1, GATHERED)
    groups = rng.permutation(runs).reshape(-1)
    other = shuffled[half:]
    for n in range(len(drawn) // size):
        cut = slice(n * (size // 2), (n + 1) * (size // 2))
        yield np.concatenate([groups[cut], other[cut]])


def _loss(said: Tensor, data: Data, rows: Tensor, recipe: Recipe) -> Tensor:
    english, place = rows.unique(return_inverse=True)
    near = said @ data.vectors[english].T
    missed = F.cross_entropy(near * recipe.scale, place)
    apart = 1 - near.gather(1, place[:, None]).mean()
    return missed + recipe.pull * apart


def _rate(step: int, steps: int) -> float:
    """Share of the peak rate: a short warm-up, then half a cosine."""
    warm = max(1.0, steps * 0.03)
    if step < warm:
        return (step + 1) / warm
    return max(1e-3, 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1.0, steps - warm))))
