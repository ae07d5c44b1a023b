"""Print in photos: read in order, nothing found in plain pictures, nothing fetched."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from fusion.ocr import Reader, load_ocr

PHOTOS = sorted((Path(__file__).parent / "samples" / "photos" / "customer").glob("*.jpg"))[::80]
LINES = ["Order number KL-10427", "Kiln & Linen", "Ridge Mug, blue, 350 ml"]


@pytest.fixture(scope="module")
def read() -> Reader:
    return load_ocr()


def label(*lines: str) -> np.ndarray:
    image = Image.new("RGB", (900, 200 * len(lines)), "linen")
    for i, line in enumerate(lines):
        place = (60, 60 + 200 * i)
        ImageDraw.Draw(image).text(place, line, fill="navy", font=ImageFont.load_default(44))
    return np.asarray(image)


def test_lines_are_read_in_order(read):
    found = read(label(*LINES))
    assert [text for text, _ in found] == LINES
    assert all(0.6 <= score <= 1 for _, score in found)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_label_is_read_in_order(read, quarters):
    assert [text for text, _ in read(np.rot90(label(*LINES), quarters))] == LINES


@pytest.mark.parametrize("degrees", [-20, 20])
def test_a_tilted_label_is_read_in_order_and_each_row_from_its_left(read, degrees):
    image = Image.fromarray(label("Order", *LINES[1:]))
    ImageDraw.Draw(image).text((560, 60), "KL-10427", "navy", ImageFont.load_default(44))
    tilted = image.rotate(degrees, expand=True, fillcolor="linen")
    assert [text for text, _ in read(np.asarray(tilted))] == ["Order", "KL-10427", *LINES[1:]]


@pytest.mark.parametrize("side", [1, 30, 500])
def test_a_blank_picture_has_no_print(read, side):
    assert read(np.full((side, side, 3), 180, np.uint8)) == []


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_a_photo_of_a_thing_is_only_glanced_at(read, path):
    """The lines of a label beside it are read all the same."""
    photo = Image.open(path).convert("RGB").resize((960, 960))
    assert read(np.asarray(photo)) == []
    photo.paste(Image.fromarray(label(LINES[0])).resize((450, 100)), (40, 40))
    assert [text for text, _ in read(np.asarray(photo))] == LINES[:1]


def test_many_threads_share_one_reader(read):
    with ThreadPoolExecutor(3) as pool:
        found = pool.map(lambda line: read(label(line))[0][0], LINES * 2)
        assert list(found) == LINES * 2


OFFLINE = """
import socket, sys
def refuse(*_): sys.exit("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
import numpy as np
from fusion.ocr import load_ocr
load_ocr()(np.full((80, 80, 3), 180, np.uint8))
"""


def test_it_is_silent_and_asks_no_network():
    done = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
