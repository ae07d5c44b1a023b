"""The shipped photo encoder on photos of the demo shop that no training has seen."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fusion.photo import decode_photo
from fusion.types import InputLimits
from fusion.vision import PATCHES, SIDE, to_square
from knowledge.demo import folder


def read(path) -> np.ndarray:
    return decode_photo(path.read_bytes(), InputLimits())


@pytest.mark.parametrize("shape", [(10, 400), (400, 10), (1, 1), (112, 112), (3000, 2000)])
def test_any_shape_becomes_a_square_without_distortion(shape) -> None:
    photo = np.zeros((*shape, 3), np.uint8)
    photo[..., 0] = 200
    square = to_square(photo)
    assert square.shape == (SIDE, SIDE, 3)
    assert (square[..., 0] == 200).all() and not square[..., 1:].any()


def test_vectors_are_unit_and_the_mean_of_their_patches(photo_encoder) -> None:
    photos = [np.random.default_rng(i).integers(0, 255, (90, 120, 3), np.uint8) for i in range(3)]
    vectors = photo_encoder.encode(photos)
    assert vectors.shape == (3, 384) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    states = photo_encoder.states(photos[1])
    assert states.tokens.shape == (PATCHES, 384)
    assert states.vector == pytest.approx(vectors[1], abs=1e-4)
    mean = states.tokens.mean(0)
    assert mean / np.linalg.norm(mean) == pytest.approx(states.vector, abs=1e-4)


def test_no_photos_no_vectors(photo_encoder) -> None:
    assert photo_encoder.encode([]).shape == (0, 384)


@pytest.mark.slow
def test_unseen_photos_find_their_family_among_the_catalogue_pictures(
    photo_encoder, customer_photos
) -> None:
    if not customer_photos:
        pytest.skip("tests/samples/photos/customer is not in this copy")
    products = [json.loads(line) for line in (folder() / "products.jsonl").open(encoding="utf-8")]
    catalogue = photo_encoder.encode([read(folder() / p["photos"][0]) for p in products])
    right = []
    for product, paths in customer_photos.items():
        family = next(p["family"] for p in products if p["id"] == product)
        near = photo_encoder.encode([read(path) for path in paths]) @ catalogue.T
        right += [products[i]["family"] == family for i in near.argmax(1)]
    assert np.mean(right) > 0.6  # `deskhand evaluate fusion` prints the figure
