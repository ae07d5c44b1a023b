"""Training the photo encoder for real, in small: it learns, goes on where it was cut, refuses."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from agent.training import fit_tower, shop_photos
from fusion.augment import STORED, augment, mix
from fusion.photo_sets import PhotoSet
from fusion.train_vision import Recipe, average, found, gather, load_tower, train, with_views
from fusion.train_vision import _loss as loss_of
from fusion.types import BadInput
from fusion.vision import MODEL, load_vision
from fusion.weights import SHIPPED, load_weights, read_card, save_weights
from knowledge.demo import folder
from knowledge.load import read_documents
from knowledge.types import Document

TOWER = SHIPPED / "vision.safetensors"
RECIPE = Recipe(epochs=2, batch=8, side=64, peak_rate=1e-3)
COLOURS = {"red": (200, 30, 30), "green": (30, 160, 40), "blue": (30, 60, 200)}


def painted(where: Path) -> PhotoSet:
    """Eight noisy squares of each of three colours; the last of each is held out."""
    paths, classes, held_out = [], [], []
    rng = np.random.default_rng(0)
    for number, (name, colour) in enumerate(COLOURS.items()):
        for i in range(8):
            noise = rng.normal(0, 25, (90, 120, 3))
            photo = np.clip(noise + colour, 0, 255).astype(np.uint8)
            paths.append(where / f"{name}-{i}.png")
            Image.fromarray(photo).save(paths[-1])
            classes.append(number)
            held_out.append(i == 7)
    texts = tuple(f"a plain {name} board" for name in COLOURS)
    return PhotoSet("boards", texts, tuple(paths), np.array(classes), np.array(held_out))


@pytest.fixture
def data(tmp_path, text_encoder):
    return gather([painted(tmp_path)], text_encoder.encode)


def test_other_cameras_see_the_same_photo_otherwise() -> None:
    photos = torch.randint(0, 255, (6, 3, STORED, STORED), dtype=torch.uint8)
    seen = augment(photos, torch.Generator().manual_seed(1), 64)
    assert seen.shape == (6, 3, 64, 64) and seen.min() >= 0 and seen.max() <= 1
    again = augment(photos, torch.Generator().manual_seed(1), 64)
    other = augment(photos, torch.Generator().manual_seed(2), 64)
    assert torch.equal(seen, again) and not torch.equal(seen, other)


def test_a_mixed_photo_says_how_much_of_it_is_its_own() -> None:
    photos = torch.arange(16.0)[:, None, None, None].expand(16, 3, 40, 40)
    mixed, other, own = mix(photos, 1.0, torch.Generator().manual_seed(0))
    for i in range(16):
        assert set(mixed[i].unique().tolist()) <= {float(i), float(other[i])}
        if other[i] != i:
            assert float((mixed[i, 0] == i).float().mean()) == pytest.approx(float(own[i]))
    assert (own < 1).any()


def test_another_of_the_same_group_is_the_smaller_mistake() -> None:
    groups, weights = torch.tensor([0, 0, 2]), torch.ones(1)

    def missed(nearest: int) -> float:
        near = torch.tensor([[0.3, 0.3, 0.3]])
        near[0, nearest] = 0.8
        scale = torch.tensor(3.0)
        return float(loss_of(near, scale, torch.tensor([0]), groups, weights, RECIPE))

    assert missed(0) < missed(1) < missed(2)


def test_the_mean_of_encoders_is_the_mean_of_their_weights(data, tmp_path) -> None:
    tensors, card = load_weights(TOWER, MODEL)
    other = tmp_path / "other.safetensors"
    moved = {name: tensor.float() * 1.1 for name, tensor in tensors.items()}
    save_weights(other, moved, card)
    path = average([TOWER, other], data, tmp_path / "mean", {"boards": "made here"})
    mean, card = load_weights(path, MODEL)
    for name in ("project.weight", "features.2.running_mean"):
        expected = tensors[name].float() * 1.05
        assert torch.allclose(mean[name].float(), expected, rtol=1e-2, atol=1e-4)
    assert [one["sha256"] for one in card["averaged"]] == [
        read_card(TOWER)["sha256"],
        read_card(other)["sha256"],
    ]


@pytest.mark.slow
def test_training_brings_photos_nearer_to_their_words(data, tmp_path) -> None:
    before = found(load_tower(TOWER), data)
    path = train(data, replace(RECIPE, epochs=6), tmp_path / "run", TOWER, {"boards": "made here"})
    after = found(load_tower(path), data)
    assert after["R@1"] == 1.0 >= before["R@1"]
    card = read_card(path)
    assert card["sources"] == {"boards": "made here"} and card["photos"] == 21
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log] == [1, 2, 3, 4, 5, 6]
    assert log[-1]["loss"] < log[0]["loss"]
    assert load_vision(str(path)).encode([np.zeros((9, 9, 3), np.uint8)]).shape == (1, 384)


def alone(where: Path, out: str, recipe: str = "RECIPE") -> subprocess.Popen[bytes]:
    """A training in a process of its own: what ran before it in this one can change its numbers."""
    code = (
        "from tests.test_fusion_train_vision import *; from fusion.text import load_text;"
        f"where = Path({str(where)!r}); data = gather([painted(where)], load_text().encode);"
        f"train(data, {recipe}, where / {out!r}, TOWER, {{}})"
    )
    root = Path(__file__).parent.parent
    return subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_run_that_was_killed_ends_as_if_it_had_not_been(tmp_path) -> None:
    assert alone(tmp_path, "whole").wait() == 0
    cut, process = tmp_path / "cut", alone(tmp_path, "cut", "replace(RECIPE, epochs=2)")
    while not (cut / "run.pt").exists() and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert alone(tmp_path, "cut").wait() == 0
    assert not (cut / "run.pt").exists()
    ours, theirs = (
        load_weights(tmp_path / out / "vision.safetensors", MODEL)[0] for out in ("cut", "whole")
    )
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-3) for name in theirs)


def test_a_photo_to_spare_is_held_out_and_one_alone_is_not(tmp_path) -> None:
    photos = sorted((folder() / "photos").glob("mug-*.jpg"))[:3]
    documents = [
        Document("a", "product", "A mug", "", photos=(str(photos[0]), str(photos[1]))),
        Document("b", "product", "Another mug", "", photos=(str(photos[2]),)),
        Document("c", "product", "A ghost", "", photos=(str(tmp_path / "none.jpg"),)),
        Document("d", "faq", "A question", "Its answer"),
    ]
    learnt = shop_photos(documents)
    assert list(learnt.held_out) == [False, True, False] and list(learnt.classes) == [0, 0, 1]
    with pytest.raises(BadInput, match="at least two products"):
        shop_photos(documents[1:])


def test_views_stand_in_where_no_photo_can_be_spared(data) -> None:
    alone = replace(data, held_out=torch.zeros_like(data.held_out))
    more = with_views(alone, 2, seed=3)
    assert len(more.pixels) == 3 * len(alone.pixels) and int(more.held_out.sum()) == 48
    assert torch.equal(more.pixels, with_views(alone, 2, seed=3).pixels)


@pytest.mark.slow
def test_fitting_to_a_shop_keeps_what_is_better_and_nothing_else(tmp_path) -> None:
    products = [d for d in read_documents(folder()) if isinstance(d, Document) and d.photos][:12]
    fit = fit_tower(products, TOWER, tmp_path, epochs=12)
    assert not fit.spare and fit.photos == 12 and fit.judged == 24
    better = fit.after["R@1"] > fit.before["R@1"]
    assert (fit.kept is not None) == better == (tmp_path / "vision.safetensors").exists()
