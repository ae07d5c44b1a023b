"""Train the photo encoder into the locked sentence space (`deskhand train vision`).

One cosine softmax over the texts of all classes of all sets, plus a pull of every photo towards its
own text, so that distances to texts never trained on stay meaningful. The averaged weights of the
run are kept (arXiv:1803.05407, exponential). A run is seeded and continues where it was cut off.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from fusion.photo_sets import STORED, PhotoSet
from fusion.vision import MODEL, SIDE, PhotoTower, pool, to_square
from fusion.weights import load_into, load_weights, read_card, save_weights


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; written into the card."""

    epochs: int = 24
    batch: int = 64
    peak_rate: float = 2e-3
    weight_decay: float = 0.02
    smoothing: float = 0.05
    pull: float = 0.5  # weight of 1 - cosine beside the softmax
    average: float = 0.998  # decay of the averaged weights, a step
    shop_draws: int = 3  # times each photo of the shop is drawn an epoch: they are few
    seed: int = 0


@dataclass(frozen=True)
class Data:
    """All sets as one: classes are numbered through, and `sets` remembers whose are whose."""

    pixels: Tensor  # (n, 3, STORED, STORED) uint8
    classes: Tensor  # (n,) int64, into `texts`
    held_out: Tensor  # (n,) bool
    texts: Tensor  # (classes, DIM) unit norm
    sets: tuple[tuple[str, range], ...]  # name and its range of classes


def gather(sets: Sequence[PhotoSet], embed: Callable[[Sequence[str]], np.ndarray]) -> Data:
    pixels, classes, held_out, texts, ranges = [], [], [], [], []
    first = 0
    for photo_set in sets:
        pixels.append(torch.from_numpy(photo_set.pixels()).permute(0, 3, 1, 2))
        classes.append(torch.from_numpy(photo_set.classes) + first)
        held_out.append(torch.from_numpy(photo_set.held_out))
        texts.append(torch.from_numpy(embed(photo_set.texts)))
        ranges.append((photo_set.name, range(first, first + len(photo_set.texts))))
        first += len(photo_set.texts)
    return Data(
        torch.cat(pixels), torch.cat(classes), torch.cat(held_out), torch.cat(texts), tuple(ranges)
    )


def augment(photos: Tensor, rng: torch.Generator) -> Tensor:
    """uint8 (b, 3, STORED, STORED) -> float (b, 3, SIDE, SIDE) as other cameras might see it.

    Turned (up to 20 degrees), cropped (55 to 100 % of the side, sometimes squeezed), mirrored,
    relit, recoloured a little (hue is left alone: colour names a product), blurred, covered.
    """
    b = len(photos)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(b, *shape).uniform_(low, high, generator=rng)

    angle = uniform(-0.35, 0.35)
    zoom = uniform(0.55, 1.0)
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
    grid = F.affine_grid(matrix, [b, 3, SIDE, SIDE], align_corners=False)
    x = F.grid_sample(photos.float() / 255, grid, padding_mode="reflection", align_corners=False)

    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * uniform(0.7, 1.3, 1, 1, 1)  # saturation
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * uniform(0.7, 1.3, 1, 1, 1)  # contrast
    x = x * uniform(0.65, 1.35, 1, 1, 1) * uniform(0.9, 1.1, 3, 1, 1)  # light and its warmth
    soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, 1)
    x = torch.where(uniform(0, 1, 1, 1, 1) < 0.25, soft, x)
    x = x + torch.empty_like(x).normal_(generator=rng) * uniform(0, 0.03, 1, 1, 1)

    side = torch.arange(SIDE)
    top, left = uniform(0, SIDE, 1), uniform(0, SIDE, 1)
    high, wide = uniform(0, SIDE * 0.4, 1), uniform(0, SIDE * 0.4, 1)
    rows = (side >= top) & (side < top + high)
    columns = (side >= left) & (side < left + wide)
    covered = (rows[:, None, :, None] & columns[:, None, None, :]) & (uniform(0, 1, 1, 1, 1) < 0.3)
    return torch.where(covered, uniform(0, 1, 3, 1, 1), x).clamp(0, 1)


def other_views(photo: np.ndarray, number: int, seed: int) -> np.ndarray:
    """One photo (h, w, 3) as `number` other cameras see it: uint8 (number, SIDE, SIDE, 3)."""
    stored = torch.from_numpy(to_square(photo, STORED)).permute(2, 0, 1)
    rng = torch.Generator().manual_seed(seed)
    views = augment(stored.expand(number, -1, -1, -1), rng)
    return (views * 255).byte().permute(0, 2, 3, 1).numpy()


def centre(photos: Tensor) -> Tensor:
    """uint8 (b, 3, STORED, STORED) -> float (b, 3, SIDE, SIDE), unaltered."""
    return F.interpolate(photos.float() / 255, (SIDE, SIDE), mode="bilinear", antialias=True)


@torch.inference_mode()
def vectors(tower: torch.nn.Module, pixels: Tensor) -> Tensor:
    tower.eval()
    return torch.cat([pool(tower(centre(part))) for part in pixels.split(64)])


def accuracy(tower: torch.nn.Module, data: Data) -> dict[str, float]:
    """For each set, the share of held-out photos whose own class text is the nearest of its set."""
    found = {}
    for name, classes in data.sets:
        mine = data.held_out & (data.classes >= classes.start) & (data.classes < classes.stop)
        if mine.any():
            near = vectors(tower, data.pixels[mine]) @ data.texts[classes.start : classes.stop].T
            right = near.argmax(1) == data.classes[mine] - classes.start
            found[name] = round(right.float().mean().item(), 4)
    return found


def _draws(data: Data, shop_draws: int) -> Tensor:
    """Rows to train on in one epoch, those of the shop several times."""
    rows = torch.nonzero(~data.held_out).flatten()
    shop = dict(data.sets).get("shop", range(0))
    of_shop = (data.classes[rows] >= shop.start) & (data.classes[rows] < shop.stop)
    return rows.repeat_interleave(torch.where(of_shop, shop_draws, 1))


def _batches(rows: Tensor, size: int, rng: torch.Generator) -> Iterator[Tensor]:
    shuffled = rows[torch.randperm(len(rows), generator=rng)]
    return iter(shuffled[: len(rows) // size * size].split(size))


def _averaged(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """An exponential average that forgets the first steps faster, so the start leaves no trace."""

    def average(kept: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
        return kept + (new - kept) * max(1 - decay, 9 / (float(steps) + 10))

    return average


def _rate(recipe: Recipe, step: int, steps: int) -> float:
    """Linear warm-up over a tenth of the run, then half a cosine."""
    warm = steps * 0.1
    share = (
        step / warm
        if step < warm
        else 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))
    )
    return recipe.peak_rate * max(share, 1e-3)


def train(
    data: Data, recipe: Recipe, out: Path, start: Path | None, sources: dict[str, str]
) -> Path:
    """Train on what is not held out; write `out`/vision.safetensors with its card.

    `start` are weights to begin from instead of a fresh initialisation. The state of an unfinished
    run is kept in `out`/run.pt after every epoch and picked up by the next call.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    rng = torch.Generator().manual_seed(recipe.seed)
    tower = PhotoTower()
    if start is not None:
        load_into(tower, load_weights(start, MODEL)[0], start)
    tower = tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedModel(tower, avg_fn=_averaged(recipe.average), use_buffers=True)
    scale = torch.nn.Parameter(torch.tensor(math.log(20.0)))
    decayed = [p for p in tower.parameters() if p.ndim > 1]
    kept = [p for p in tower.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": recipe.weight_decay},
            {"params": [*kept, scale], "weight_decay": 0.0},
        ]
    )
    rows = _draws(data, recipe.shop_draws)
    steps = recipe.epochs * (len(rows) // recipe.batch)
    done = 0
    state = out / "run.pt"
    if state.exists():
        saved = torch.load(state, weights_only=True)
        tower.load_state_dict(saved["tower"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        scale.data = saved["scale"]
        rng.set_state(saved["rng"])
        done = saved["done"]

    for epoch in range(done, recipe.epochs):
        began, total = time.monotonic(), 0.0
        tower.train()
        step = epoch * (len(rows) // recipe.batch)
        for batch in _batches(rows, recipe.batch, rng):
            for group in optimiser.param_groups:
                group["lr"] = _rate(recipe, step, steps)
            photos = augment(data.pixels[batch], rng).to(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                patches = tower(photos)
            near = pool(patches.float()) @ data.texts.T  # (batch, classes) cosines
            target = data.classes[batch]
            loss = F.cross_entropy(
                near * scale.exp().clamp(max=100), target, label_smoothing=recipe.smoothing
            )
            loss = loss + recipe.pull * (1 - near.gather(1, target[:, None])).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tower.parameters(), 2.0)
            optimiser.step()
            optimiser.zero_grad()
            average.update_parameters(tower)
            total += loss.item()
            step += 1
        log = {
            "epoch": epoch + 1,
            "loss": round(total / max(1, len(rows) // recipe.batch), 4),
            "held_out": accuracy(average.module, data),
            "seconds": round(time.monotonic() - began, 1),
        }
        with open(out / "log.jsonl", "a") as file:
            file.write(json.dumps(log) + "\n")
        print(json.dumps(log), flush=True)
        torch.save(
            {
                "tower": tower.state_dict(),
                "average": average.state_dict(),
                "optimiser": optimiser.state_dict(),
                "scale": scale.data,
                "rng": rng.get_state(),
                "done": epoch + 1,
            },
            state,
        )

    path = out / "vision.safetensors"
    card = {
        "model": MODEL,
        "recipe": asdict(recipe),
        "photos": int((~data.held_out).sum()),
        "sources": sources,
        "held_out_accuracy": accuracy(average.module, data),
        "started_from": read_card(start) if start is not None else None,
        "licence": "Apache-2.0",
    }
    save_weights(path, average.module.state_dict(), card)
    state.unlink(missing_ok=True)
    return path
