"""Train the damage signal (`deskhand train damage`) on goods rendered whole and damaged.

Beside the rendered damage, which is little, there is painted damage (fusion.blemish) on whole goods
and on real photos; without whole real photos it would take anything real for damaged. Families are
never in two parts: on some the network learns, on others the threshold is set, on those of the test
it is judged once, at the end. Judged is rendered damage alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import Tensor

from fusion.blemish import paint
from fusion.damage import (
    CELLS,
    KINDS,
    MODEL,
    DamageDetector,
    DamageNet,
    any_kind,
    first_layers,
    kinds,
)
from fusion.photo import decode_photo
from fusion.train_vision import load_tower
from fusion.types import BadInput, InputLimits
from fusion.vision import to_square
from fusion.weights import read_card, save_weights

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; written into the card."""

    steps: int = 700
    batch: int = 24
    rate: float = 2e-3
    trunk_rate: float = 2e-4  # of the layers that come from the photo encoder
    cells: float = 0.5  # weight of the cells beside that of whole photos
    setting: float = 0.2  # share of the families that the threshold is set on
    test: float = 0.25  # share of the families
    precision: float = 0.9  # of what is said, on families not learnt from
    intact: float = 0.02  # share of intact photos of another kind that may be taken for damaged
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Goods:
    """Rendered photos."""

    pixels: np.ndarray  # (n, 224, 224, 3) uint8
    where: np.ndarray  # (n, 224, 224) bool, the damage
    kinds: np.ndarray  # (n,) names, "whole" among them
    families: np.ndarray  # (n,) names

    def part(self, chosen: np.ndarray) -> Goods:
        """`chosen` (n,) bool."""
        return Goods(
            self.pixels[chosen], self.where[chosen], self.kinds[chosen], self.families[chosen]
        )

    @property
    def shown(self) -> np.ndarray:
        """(n, KINDS) bool; nothing of a whole piece."""
        return np.stack([self.kinds == kind for kind in KINDS], 1)


def gather(folder: Path, families: Mapping[str, str]) -> Goods:
    """The photos that `folder`/damage.jsonl lists; `families` by product id."""
    try:
        lines = (folder / "damage.jsonl").read_text("utf-8").splitlines()
    except OSError as error:
        raise BadInput(
            f"There is no damage.jsonl in {folder}: render the photos with "
            f"`python -m knowledge.demo.studio.render --set damage --out {folder}`."
        ) from error
    rows = [json.loads(line) for line in lines]
    nowhere = np.zeros((224, 224), bool)
    return Goods(
        np.stack([to_square(np.asarray(Image.open(folder / row["file"]))) for row in rows]),
        np.stack(
            [
                np.asarray(Image.open(folder / row["mask"])) > 0 if "mask" in row else nowhere
                for row in rows
            ]
        ),
        np.array([row["kind"] for row in rows]),
        np.array([families[row["id"]] for row in rows]),
    )


def fit(net: DamageNet, goods: Goods, intact: np.ndarray, recipe: Recipe) -> DamageNet:
    """Train it; `intact` (n, 224, 224, 3) uint8 are whole things of another kind, or none."""
    torch.manual_seed(recipe.seed)
    head = [p for name, p in net.named_parameters() if not name.startswith("trunk.")]
    groups = [{"params": head}, {"params": list(net.trunk.parameters())}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [recipe.rate, recipe.trunk_rate], total_steps=recipe.steps
    )
    rng, net = Random(recipe.seed), net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    noise = torch.Generator().manual_seed(recipe.seed)
    for step in range(1, recipe.steps + 1):
        pixels, places, shown = _draw(goods, intact, recipe.batch, rng)
        photos, where = _views(pixels, places, noise)
        cells = net.cells(*net.maps(photos))
        loss = _loss(cells, shown, F.adaptive_max_pool2d(where, CELLS)[:, 0], recipe)
        loss.backward()
        optimiser.step()
        schedule.step()
        optimiser.zero_grad(set_to_none=True)
        if step % 100 == 0:
            print(f"step {step} of {recipe.steps}, loss {loss.item():.3f}", flush=True)
    return net.eval()


def _draw(
    goods: Goods, intact: np.ndarray, size: int, rng: Random
) -> tuple[np.ndarray, np.ndarray, Tensor]:
    """A batch: a third rendered damage, a quarter painted, the rest whole, half of it real.

    (size, 224, 224, 3) uint8, where its damage is (size, 224, 224) bool, its kind (size, KINDS).
    """
    damaged, whole = np.flatnonzero(goods.kinds != "whole"), np.flatnonzero(goods.kinds == "whole")
    pixels, places, shown = [], [], []
    for i in range(size):
        kind, where = "whole", np.zeros((224, 224), bool)
        if i < size // 3:
            row = rng.choice(damaged)
            photo, where, kind = goods.pixels[row], goods.where[row], str(goods.kinds[row])
        else:
            real = len(intact) and i % 2
            photo = rng.choice(intact) if real else goods.pixels[rng.choice(whole)]
            if i < size // 3 + size // 4:
                photo, kind, where = paint(photo, rng)
        pixels.append(photo)
        places.append(where)
        shown.append([float(kind == one) for one in KINDS])
    return np.stack(pixels), np.stack(places), torch.tensor(shown)


def _views(pixels: np.ndarray, where: np.ndarray, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """Photos (b, 3, 224, 224) in [0, 1] and masks (b, 1, 224, 224), mirrored, turned, cut, relit.

    Never so closely cut that the damage must be lost, nor covered or blurred, as that hides it.
    """
    b = len(pixels)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(b, *shape).uniform_(low, high, generator=noise)

    angle, zoom = uniform(-0.2, 0.2), uniform(0.75, 1.0)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    turn = torch.stack(
        [
            torch.stack([mirror * zoom * angle.cos(), -zoom * angle.sin()], 1),
            torch.stack([mirror * zoom * angle.sin(), zoom * angle.cos()], 1),
        ],
        1,
    )
    shift = uniform(-1, 1, 2, 1) * (1 - zoom)[:, None, None]
    both = np.concatenate([pixels, 255 * where[..., None].astype(np.uint8)], 3)
    stacked = torch.from_numpy(both).permute(0, 3, 1, 2).float() / 255
    grid = F.affine_grid(torch.cat([turn, shift], 2), list(stacked.shape), align_corners=False)
    seen = F.grid_sample(stacked, grid, padding_mode="reflection", align_corners=False)
    light = uniform(0.7, 1.3, 1, 1, 1) * uniform(0.92, 1.08, 3, 1, 1)
    return (seen[:, :3] * light).clamp(0, 1), seen[:, 3:]


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


def train(
    folder: Path,
    families: Mapping[str, str],
    start: Path,
    out: Path,
    intact: Sequence[Path] = (),
    recipe: Recipe | None = None,
) -> Path:
    """Write `out`/damage.safetensors with its card and return its path.

    `start` is the photo encoder whose first layers it begins with; `intact` are photos of whole
    things of another kind: of every three, two are learnt from and one sets the threshold.
    """
    recipe = recipe or Recipe()
    net = DamageNet()
    net.trunk = first_layers(load_tower(start))
    goods = gather(folder, families)
    order = np.random.default_rng(recipe.seed).permutation(np.unique(goods.families))
    first, second = (
        round(share * len(order)) for share in (recipe.test, recipe.test + recipe.setting)
    )
    tested = np.isin(goods.families, order[:first])
    setting = np.isin(goods.families, order[first:second])
    real = [to_square(_read(path)) for path in intact]
    learnt = np.stack([p for i, p in enumerate(real) if i % 3]) if real else np.zeros((0,))
    net = fit(net, goods.part(~tested & ~setting), learnt, recipe)
    detector = DamageDetector(net, 1.0, 0.0, 1.0)
    chosen, test = goods.part(setting), goods.part(tested)
    unseen, damaged = detector.logits(chosen.pixels), np.asarray(chosen.shown.any(1))
    odds = LogisticRegression(C=1e3).fit(any_kind(unseen)[:, None], damaged)
    detector.scale, detector.shift = float(odds.coef_[0, 0]), float(odds.intercept_[0])
    alarms = detector.probabilities(detector.logits(real[::3]))
    detector.threshold = threshold(detector.probabilities(unseen), damaged, alarms, recipe)
    path = out / "damage.safetensors"
    card = {
        "model": MODEL,
        "recipe": asdict(recipe),
        "photos": int((~tested & ~setting).sum()),
        "sources": "photos rendered by knowledge/demo/studio; damage painted by fusion/blemish.py",
        "started_from": read_card(start)["sha256"],
        "scale": detector.scale,
        "shift": detector.shift,
        "threshold": detector.threshold,
        "intact_photos": len(intact),
        "families_of_the_threshold": figures(detector, unseen, chosen.shown),
        "test": figures(detector, detector.logits(test.pixels), test.shown),
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
    said, damaged = sure >= detector.threshold, np.asarray(shown.any(1))
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
