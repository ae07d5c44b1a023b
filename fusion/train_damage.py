"""Train the damage signal (`deskhand train damage`) on goods rendered whole and damaged.

The first layers stay as the photo encoder has them, so every photo goes through them once. Families
are never in two parts: those of the test are judged once, at the end; the threshold is chosen on
judgements of families that a network had not seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import Tensor

from fusion.damage import CELLS, KINDS, MODEL, WIDE, DamageDetector, DamageNet, any_kind, kinds
from fusion.photo import decode_photo
from fusion.train_vision import load_tower
from fusion.types import BadInput, InputLimits
from fusion.vision import folded, to_square
from fusion.weights import read_card, save_weights

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; written into the card."""

    epochs: int = 20
    batch: int = 32
    rate: float = 3e-3
    cells: float = 0.5  # weight of the cells beside that of whole photos
    folds: int = 3
    test: float = 0.25  # share of the families
    precision: float = 0.9  # of what is said, on families not learnt from
    intact: float = 0.02  # share of intact photos of another kind that may be taken for damaged
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Goods:
    """Rendered photos through the first layers, mirrored ones too: view, photo, ..."""

    fine: Tensor  # (2, n, 40, 28, 28) float16
    wide: Tensor  # (2, n, 80, 14, 14) float16
    kinds: Tensor  # (n, KINDS) 0 or 1; all 0 for a whole piece
    cells: Tensor  # (2, n, CELLS, CELLS) 0 or 1: where the damage shows
    families: np.ndarray  # (n,) names

    def part(self, chosen: np.ndarray) -> Goods:
        rows = torch.from_numpy(np.flatnonzero(chosen))
        return Goods(
            self.fine[:, rows],
            self.wide[:, rows],
            self.kinds[rows],
            self.cells[:, rows],
            self.families[chosen],
        )


@torch.inference_mode()
def gather(net: DamageNet, folder: Path, families: Mapping[str, str]) -> Goods:
    """The photos that `folder`/damage.jsonl lists; `families` by product id."""
    try:
        lines = (folder / "damage.jsonl").read_text("utf-8").splitlines()
    except OSError as error:
        raise BadInput(
            f"There is no damage.jsonl in {folder}: render the photos with "
            f"`python -m knowledge.demo.studio.render --set damage --out {folder}`."
        ) from error
    rows = [json.loads(line) for line in lines]
    fine, wide, cells = [], [], []
    for row in rows:
        photo = torch.from_numpy(to_square(np.asarray(Image.open(folder / row["file"]))))
        both = torch.stack([photo, photo.flip(1)]).permute(0, 3, 1, 2).float() / 255
        for kept, made in zip((fine, wide), net.maps(both), strict=True):
            kept.append(made.half())
        mask = torch.zeros(1, 224, 224)
        if "mask" in row:
            mask = torch.from_numpy(np.array(Image.open(folder / row["mask"]), np.float32))[None]
        shown = F.max_pool2d(mask, 224 // CELLS)[0]
        cells.append(torch.stack([shown, shown.flip(1)]))
    return Goods(
        torch.stack(fine, 1),
        torch.stack(wide, 1),
        torch.tensor([[float(row["kind"] == kind) for kind in KINDS] for row in rows]),
        torch.stack(cells, 1),
        np.array([families[row["id"]] for row in rows]),
    )


def fit(net: DamageNet, goods: Goods, recipe: Recipe) -> DamageNet:
    """Train all but the first layers, from anew."""
    torch.manual_seed(recipe.seed)
    for layer in (net.near, net.round, net.judge[2], net.judge[4]):
        layer.reset_parameters()  # type: ignore[operator]
    trained = [p for name, p in net.named_parameters() if not name.startswith("trunk.")]
    steps = recipe.epochs * -(-len(goods.kinds) // recipe.batch)
    optimiser = torch.optim.AdamW(trained, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps)
    rng = torch.Generator().manual_seed(recipe.seed)
    net.train()
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(goods.kinds), generator=rng).split(recipe.batch):
            view = torch.randint(2, (len(rows),), generator=rng)
            cells = net.cells(goods.fine[view, rows].float(), goods.wide[view, rows].float())
            loss = _loss(cells, goods.kinds[rows], goods.cells[view, rows], recipe)
            loss.backward()
            optimiser.step()
            schedule.step()
            optimiser.zero_grad(set_to_none=True)
    return net.eval()


def _loss(cells: Tensor, shown: Tensor, where: Tensor, recipe: Recipe) -> Tensor:
    """Of photos (b, KINDS), and of cells (b, KINDS, CELLS, CELLS).

    Where a part is missing there is only the background to see, so its cells are not judged.
    """
    photo = F.binary_cross_entropy_with_logits(kinds(cells), shown)
    target = shown[:, :, None, None] * where[:, None]
    judged = 1 - shown[:, KINDS.index("missing"), None, None, None].expand_as(target)
    each = F.binary_cross_entropy_with_logits(
        cells, target, judged, pos_weight=torch.tensor(10.0), reduction="sum"
    )
    return photo + recipe.cells * each / judged.sum().clamp(min=1)


@torch.inference_mode()
def judged(net: DamageNet, goods: Goods) -> np.ndarray:
    """Logits (n, KINDS), of photos that are not mirrored."""
    parts = zip(goods.fine[0].split(64), goods.wide[0].split(64), strict=True)
    return torch.cat([kinds(net.cells(f.float(), w.float())) for f, w in parts]).numpy()


def train(
    folder: Path,
    families: Mapping[str, str],
    start: Path,
    out: Path,
    intact: Sequence[Path] = (),
    recipe: Recipe | None = None,
) -> Path:
    """Write `out`/damage.safetensors with its card and return its path.

    `start` is the photo encoder whose first layers are kept; `intact` are photos of whole things of
    another kind, which only the threshold learns from.
    """
    recipe = recipe or Recipe()
    net = DamageNet()
    net.trunk = folded(load_tower(start).eval().features)[:WIDE].requires_grad_(False)
    goods = gather(net, folder, families)
    order = np.random.default_rng(recipe.seed).permutation(np.unique(goods.families))
    tested = np.isin(goods.families, order[: round(recipe.test * len(order))])
    learnt, test = goods.part(~tested), goods.part(tested)
    unseen = np.zeros((len(learnt.kinds), len(KINDS)), np.float32)
    for fold in range(recipe.folds):
        held = np.isin(
            learnt.families, order[round(recipe.test * len(order)) :][fold :: recipe.folds]
        )
        unseen[held] = judged(fit(net, learnt.part(~held), recipe), learnt.part(held))
    damaged = learnt.kinds.any(1).numpy()
    odds = LogisticRegression(C=1e3).fit(any_kind(unseen)[:, None], damaged)
    detector = DamageDetector(
        fit(net, learnt, recipe), float(odds.coef_[0, 0]), float(odds.intercept_[0]), 1.0
    )
    alarms = detector.probabilities(detector.logits([_read(path) for path in intact]))
    detector.threshold = threshold(detector.probabilities(unseen), damaged, alarms, recipe)
    path = out / "damage.safetensors"
    card = {
        "model": MODEL,
        "recipe": asdict(recipe),
        "photos": len(learnt.kinds),
        "sources": "photos rendered by knowledge/demo/studio",
        "started_from": read_card(start)["sha256"],
        "scale": detector.scale,
        "shift": detector.shift,
        "threshold": detector.threshold,
        "intact_photos": len(intact),
        "families_not_learnt_from": figures(detector, unseen, learnt.kinds.numpy()),
        "test": figures(detector, judged(detector.net, test), test.kinds.numpy()),
        "test_families": sorted(set(test.families.tolist())),
        "licence": "Apache-2.0",
    }
    save_weights(path, net.state_dict(), card)
    return path


def threshold(sure: np.ndarray, damaged: np.ndarray, alarms: np.ndarray, recipe: Recipe) -> float:
    """The lowest probability from which `recipe.precision` of what is said is true, and at which
    few of the intact photos (`alarms`) are taken for damaged; above 1 where there is none."""
    order = np.argsort(-sure)
    right = damaged[order].cumsum() / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(right >= recipe.precision)
    if not len(enough):
        return 1.01
    lowest = float(sure[order[enough[-1]]])
    return max(lowest, float(np.quantile(alarms, 1 - recipe.intact)) if len(alarms) else 0.0)


def figures(detector: DamageDetector, logits: np.ndarray, shown: np.ndarray) -> Figures:
    """How often what is said is right, and what is damaged said; `shown` (n, KINDS) is the truth.

    Of a kind: precision, the share of what is called so that is so; recall, the share of what is so
    that is said to be damaged at all.
    """
    sure = detector.probabilities(logits)
    said, damaged = sure >= detector.threshold, shown.any(1)
    found: Figures = {
        "photos": float(len(logits)),
        "AUROC": float(roc_auc_score(damaged, sure)),
        "precision": _share(damaged[said]),
        "recall": _share(said[damaged]),
        "whole, said to be damaged": _share(said[~damaged]),
    }
    called = logits.argmax(1)
    for i, kind in enumerate(KINDS):
        mine = shown[:, i] > 0
        found[f"{kind}: photos"] = float(mine.sum())
        found[f"{kind}: precision"] = _share(mine[said & (called == i)])
        found[f"{kind}: recall"] = _share(said[mine])
    return found


def damage_figures(
    detector: DamageDetector, card: Mapping[str, Figures], intact: Mapping[str, Sequence[Path]]
) -> dict[str, Figures]:
    """What the card says of the families held out, and how many intact photos raise an alarm."""
    found = {"damage, rendered families held out": dict(card["test"])}
    for name, paths in intact.items():
        said = [detector([_read(path)]) is not None for path in paths]
        found[f"damage, {name}"] = {
            "photos": float(len(paths)),
            "whole, said to be damaged": _share(np.array(said)),
        }
    return found


def _share(of: np.ndarray) -> float:
    """The share that is true, 0 of nothing."""
    return float(of.mean()) if len(of) else 0.0


def _read(path: Path) -> np.ndarray:
    return decode_photo(path.read_bytes(), InputLimits())
