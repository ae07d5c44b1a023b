"""Photos that show nothing are told from good ones, and each by its reason."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from fusion.quality import quality_of, sharpness
from fusion.seeing_checks import spoil

PHOTOS = sorted((Path(__file__).parent / "samples" / "photos" / "customer").glob("*.jpg"))[1::24]
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))


def fault(photo: Image.Image) -> str:
    return quality_of(np.asarray(photo)).fault()


def test_sharpness_falls_with_blur():
    image = NOISE.resize((800, 800), Image.Resampling.BICUBIC)
    figures = [sharpness(np.asarray(image.filter(ImageFilter.GaussianBlur(r)))) for r in (0, 2, 6)]
    assert 1 > figures[0] > figures[1] > figures[2] >= 0
    assert figures[0] > 0.7 and figures[2] < 0.3
    assert sharpness(np.full((50, 50, 3), 90, np.uint8)) == 0
    assert sharpness(np.zeros((1, 1, 3), np.uint8)) == 0


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_a_good_photo_is_taken_and_a_spoilt_one_is_not(path):
    with Image.open(path) as image:
        photo = image.convert("RGB")
    assert fault(photo) == ""
    for way, reason in {"dark": "dark", "bright": "bright"}.items():
        assert f"is {reason}" in fault(spoil(photo, way, Random(0))).replace("too ", "")
    assert "is too small" in fault(spoil(photo, "small", Random(0)))


def test_a_white_mug_on_a_white_table_is_not_too_bright():
    photo = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(photo).ellipse((100, 100, 300, 300), fill=(232, 232, 230))
    ImageDraw.Draw(photo).chord((100, 100, 300, 300), 30, 120, fill=(180, 180, 182))  # its shade
    assert fault(photo) == ""


def test_a_blurred_photo_is_refused_unless_it_has_no_edges_left():
    refused = []
    for n, path in enumerate(PHOTOS):
        with Image.open(path) as image:
            refused.append("blurred" in fault(spoil(image.convert("RGB"), "blurred", Random(n))))
    assert sum(refused) >= len(refused) - 1
