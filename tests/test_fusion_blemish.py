"""Painted damage: where it is said to be is where the photo changed, of every kind."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from fusion.blemish import PAINTERS, paint
from fusion.damage import KINDS

PHOTO = Path(__file__).parent / "samples" / "photos" / "customer" / "kettle-bruno-red_3.jpg"


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.asarray(Image.open(PHOTO).convert("RGB").resize((224, 224)))


def test_the_photo_changes_where_it_says_and_little_elsewhere(photo) -> None:
    rng, seen = Random(0), set()
    for _ in range(30):
        painted, kind, where = paint(photo, rng)
        seen.add(kind)
        changed = np.abs(painted.astype(int) - photo).max(2)
        assert painted.shape == photo.shape and painted.dtype == np.uint8
        assert 3 < where.sum() < 0.25 * where.size
        assert changed[where].mean() > 10 * changed[~where].mean()
    assert seen == {kind for kind, _ in PAINTERS} < set(KINDS)


def test_a_seed_paints_the_same(photo) -> None:
    (one, *_), (same, *_), (other, *_) = (paint(photo, Random(seed)) for seed in (1, 1, 2))
    assert (one == same).all() and (one != other).any()
