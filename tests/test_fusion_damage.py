"""The damage signal: what it says of rendered goods, when it keeps silent, and its training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fusion.damage import KINDS, any_kind, load_damage
from fusion.train_damage import Recipe, figures, threshold, train
from fusion.types import BadInput, WeightsError
from fusion.weights import SHIPPED, read_card

PHOTOS = Path(__file__).parent / "samples" / "photos"


def photo(name: str) -> np.ndarray:
    return np.asarray(Image.open(PHOTOS / "damage" / f"{name}.jpg").convert("RGB"))


@pytest.fixture(scope="module")
def detector():
    return load_damage()


@pytest.mark.parametrize("kind", ["crack", "stain"])
def test_damage_is_seen_and_named(detector, kind) -> None:
    found = detector([photo(kind)])
    assert found is not None and found.kind == kind
    assert detector.threshold <= found.probability <= 1


def test_a_whole_piece_raises_no_alarm(detector) -> None:
    assert detector([photo("whole")]) is None
    assert detector([]) is None


def test_one_damaged_photo_of_several_is_enough(detector) -> None:
    assert detector([photo("whole"), photo("crack")]) == detector([photo("crack")])


def test_few_customers_photos_raise_an_alarm(detector, customer_photos) -> None:
    """Other rooms than it learnt from, and no damage in any."""
    paths = [paths[0] for paths in customer_photos.values()][::3]
    said = [detector([np.asarray(Image.open(p).convert("RGB"))]) is not None for p in paths]
    assert np.mean(said) <= 0.1


def test_the_card_says_how_good_it_is_on_families_held_out() -> None:
    card = read_card(SHIPPED / "damage.safetensors")
    assert card["test"]["photos"] > 50 and card["test_families"]
    assert {"precision", "recall", *(f"{kind}: recall" for kind in KINDS)} <= card["test"].keys()
    assert card["bytes"] < 300_000


def test_missing_weights_name_the_fix(tmp_path) -> None:
    with pytest.raises(WeightsError, match="deskhand train damage"):
        load_damage(tmp_path / "damage.safetensors")


def test_kinds_add_up_to_any_damage() -> None:
    odds = any_kind(
        np.array([[-9, -9, -9, -9], [2, -9, -9, -9], [2, 2, -9, -9], [30, 30, 30, 30.0]])
    )
    assert odds[0] < 0 < odds[1] < odds[2] < odds[3] and np.isfinite(odds).all()
    assert odds[1] == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(
    ("sure", "damaged", "alarms", "expected"),
    [
        ([0.9, 0.8, 0.7, 0.1], [1, 1, 0, 0], [], 0.8),
        ([0.9, 0.8, 0.7, 0.1], [1, 1, 1, 0], [], 0.7),
        ([0.9, 0.8, 0.7, 0.1], [0, 0, 0, 1], [], 1.01),  # never right: it must keep silent
        ([0.9, 0.8, 0.7, 0.1], [1, 1, 0, 0], [0.85], 0.85),  # real things must not be accused
    ],
)
def test_it_speaks_only_where_it_is_mostly_right(sure, damaged, alarms, expected) -> None:
    found = threshold(np.array(sure), np.array(damaged), np.array(alarms), Recipe())
    assert found == pytest.approx(expected)


def goods(where: Path) -> dict[str, str]:
    """Plain boards of eight families, each whole and with a black line or a blot; the families."""
    rng, rows, families = np.random.default_rng(0), [], {}
    for number in range(8):
        colour = tuple(int(c) for c in rng.integers(90, 220, 3))
        for i in range(4):
            board = Image.new("RGB", (224, 224), colour)
            noise = rng.normal(0, 4, (224, 224, 3))
            board = Image.fromarray(np.clip(np.asarray(board) + noise, 0, 255).astype(np.uint8))
            mask = Image.new("1", (224, 224))
            kind = ("whole", "crack", "whole", "stain")[i]
            for picture, ink in ((board, (20, 15, 10)), (mask, 1)):
                x, y = 40 + 15 * number, 60 + 9 * number
                if kind == "crack":
                    line = [(x, 30), (x + 20, 90), (x - 5, 150), (x + 15, 200)]
                    ImageDraw.Draw(picture).line(line, ink, 3)
                if kind == "stain":
                    ImageDraw.Draw(picture).ellipse((x, y, x + 50, y + 40), ink)
            name = f"board-{number}-{i}"
            board.save(where / f"{name}.png")
            mask.save(where / f"{name}_mask.png")
            row = {"id": f"board-{number}", "kind": kind, "file": f"{name}.png"}
            rows.append(row if kind == "whole" else {**row, "mask": f"{name}_mask.png"})
            families[f"board-{number}"] = f"family {number}"
    (where / "damage.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return families


@pytest.mark.slow
def test_it_learns_on_families_and_is_judged_on_others(tmp_path) -> None:
    families = goods(tmp_path)
    recipe = Recipe(steps=60, batch=12)
    path = train(tmp_path, families, SHIPPED / "vision.safetensors", tmp_path / "out", (), recipe)
    card = read_card(path)
    assert card["test"]["photos"] == 8 and len(card["test_families"]) == 2
    assert card["test"]["AUROC"] > 0.9
    detector = load_damage(path)
    line, plain = (
        np.asarray(Image.open(tmp_path / f"board-{card['test_families'][0][-1]}-{i}.png"))
        for i in (1, 0)
    )
    logits = detector.logits([line, plain])
    assert np.diff(detector.probabilities(logits))[0] < 0
    shown = np.array([[1, 0, 0, 0], [0, 0, 0, 0]])
    assert figures(detector, logits, shown)["AUROC"] == 1


def test_without_renders_it_says_how_to_make_them(tmp_path) -> None:
    with pytest.raises(BadInput, match="--set damage"):
        train(tmp_path, {}, SHIPPED / "vision.safetensors", tmp_path)
