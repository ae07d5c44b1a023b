"""Products to learn from that no shop has, and photos of them that nobody took."""

import random

import numpy as np
import pytest

from fusion.data import Maker
from fusion.imagined import imagine, picture
from fusion.types import Encoded


def test_the_same_seed_imagines_the_same_products():
    assert imagine(5, seed=3) == imagine(5, seed=3)
    assert imagine(5, seed=3) != imagine(5, seed=4)


def test_variants_differ_and_say_how():
    items = imagine(60, seed=0)
    assert len({item.id for item in items}) == len(items)
    for item in items:
        for told in (item.noun, item.color, item.material, item.size):
            assert told in item.text


def test_every_family_has_a_wish_that_leads_to_another_variant():
    maker = Maker(items := imagine(40, seed=1), seed=1)
    with_siblings = {item.family for item in items if list(maker.siblings(item))}
    assert with_siblings == {item.family for item in items}


def test_edits_of_imagined_products_seek_the_variant_and_not_the_one_shown():
    edits = [e for e in Maker(imagine(20, 0), 0).retrieval(1) if e.task == "photo+edit"]
    assert edits
    for edit in edits:
        assert edit.photo != edit.target
        assert edit.photo.split("-")[:2] == edit.target.split("-")[:2]


@pytest.mark.parametrize("seed", range(5))
def test_an_imagined_photo_lies_near_its_product_and_not_on_it(seed):
    rng = np.random.default_rng(seed)
    described, text, other = (v / np.linalg.norm(v) for v in rng.normal(size=(3, 384)))
    shown = (text + 0.3 * other) / np.linalg.norm(text + 0.3 * other)
    patches = 3 * shown + rng.normal(size=(49, 384)) / 10
    patches += 3 * shown - patches.mean(0)
    seen = [(Encoded(patches, shown), text)]
    encoded = picture(described, seen, random.Random(seed))
    assert np.linalg.norm(encoded.vector) == pytest.approx(1, abs=1e-5)
    mean = encoded.tokens.mean(0)
    assert mean / np.linalg.norm(mean) == pytest.approx(encoded.vector, abs=1e-5)
    assert 0.8 < encoded.vector @ described < 0.999
    assert encoded.vector @ other > described @ other  # what the photo had and its text had not
