"""Damage painted into photos of whole things, to learn from: far more of it than can be rendered.

Only cracks, chipped edges and stains; for a missing part one has to know the thing. What is judged
is never painted.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

DYES = (  # of stains, RGB: coffee, dirt, mustard, oil, wine, grass
    (0.35, 0.2, 0.08),
    (0.25, 0.22, 0.18),
    (0.5, 0.4, 0.1),
    (0.1, 0.08, 0.08),
    (0.45, 0.08, 0.12),
    (0.2, 0.28, 0.12),
)
FINE = 3  # times finer than the photo that lines are drawn


def paint(photo: np.ndarray, rng: Random) -> tuple[np.ndarray, str, np.ndarray]:
    """A square photo (n, n, 3) uint8 -> the same with damage, its kind, and where (n, n) bool."""
    kind, painter = rng.choice(PAINTERS)
    light = photo.astype(np.float32) / 255
    painted, where = painter(light, rng)
    return (painted.clip(0, 1) * 255).astype(np.uint8), kind, where > 0.25


Painted = tuple[np.ndarray, np.ndarray]  # the photo in [0, 1], and how much of each px is damaged


def _crack(photo: np.ndarray, rng: Random) -> Painted:
    """A dark jagged line that branches, now and then with a lit rim beside it."""
    side = len(photo)
    sheet = Image.new("L", (FINE * side,) * 2)
    draw = ImageDraw.Draw(sheet)
    start = _place(side, rng)
    way = rng.uniform(0, 2 * np.pi)
    branches = [(start, way, rng.uniform(0.08, 0.45) * side, rng.uniform(0.5, 2.2))]
    while branches:
        (x, y), way, length, width = branches.pop()
        while length > 0 and width > 0.3:
            step = rng.uniform(2, 7)
            way += rng.gauss(0, 0.4)
            to = (x + step * np.cos(way), y + step * np.sin(way))
            line = [FINE * x, FINE * y, FINE * to[0], FINE * to[1]]
            draw.line(line, 255, max(1, round(FINE * width)))
            (x, y), length, width = to, length - step, width * rng.uniform(0.93, 1.02)
            if rng.random() < 0.06:
                turned = way + rng.choice((-1, 1)) * rng.uniform(0.4, 1.2)
                branches.append(((x, y), turned, length * rng.uniform(0.2, 0.7), width * 0.7))
    dark = _shrunk(sheet, side)
    rim = np.roll(dark, (rng.choice((-1, 1)), rng.choice((-1, 0, 1))), (0, 1)) * (1 - dark)
    photo = photo * (1 + rng.uniform(0, 0.25) * rim[..., None])
    return photo * (1 - rng.uniform(0.35, 0.9) * dark[..., None]), dark


def _chip(photo: np.ndarray, rng: Random) -> Painted:
    """A splinter off an edge: the bare inside, rough, paler than the surface, with a shaded rim."""
    side = len(photo)
    x, y = _on_an_edge(photo, rng)
    blob = _blob(side, (x, y), rng.uniform(0.012, 0.06) * side, 0.45, rng)
    rough = _clouds(side, 40, rng)
    tone = photo[int(y), int(x)].mean() * 0.4 + rng.uniform(0.3, 0.6)
    inside = tone * np.array([1, rng.uniform(0.9, 1), rng.uniform(0.75, 1)])
    inside = inside * (0.75 + 0.4 * rough[..., None])
    soft = np.asarray(_sheet(blob).filter(ImageFilter.GaussianBlur(1.5)), np.float32) / 255
    shade = 1 - rng.uniform(0.2, 0.6) * np.roll(soft, rng.choice((-2, 2)), rng.choice((0, 1)))
    shade = np.where(blob > 0, shade, 1)[..., None]
    return photo * (1 - blob[..., None]) + inside * shade * blob[..., None], blob


def _stain(photo: np.ndarray, rng: Random) -> Painted:
    """Something spilt: thin and cloudy, darker where it dried at its rim, with drops around it."""
    side = len(photo)
    middle = _place(side, rng)
    size = rng.uniform(0.03, 0.16) * side
    spilt = _blob(side, middle, size, 0.4, rng)
    for _ in range(rng.randrange(5)):
        drop = (middle[0] + rng.gauss(0, 1.3 * size), middle[1] + rng.gauss(0, 1.3 * size))
        spilt = np.maximum(spilt, _blob(side, drop, rng.uniform(0.05, 0.25) * size, 0.2, rng))
    soft = np.asarray(_sheet(spilt).filter(ImageFilter.GaussianBlur(size / 5)), np.float32) / 255
    rim = spilt * (1 - soft) * rng.uniform(0, 1.5)
    much = (spilt * (0.4 + 0.6 * _clouds(side, 9, rng)) + rim) * rng.uniform(0.3, 0.9)
    dye = np.array(rng.choice(DYES))
    return photo * (1 - much.clip(0, 1)[..., None] * (1 - dye)), spilt


PAINTERS: tuple[tuple[str, Callable[[np.ndarray, Random], Painted]], ...] = (
    ("crack", _crack),
    ("chip", _chip),
    ("stain", _stain),
)


def _place(side: int, rng: Random) -> tuple[float, float]:
    """Rather in the middle, where things are."""
    x, y = (min(max(rng.gauss(0.5, 0.15), 0.1), 0.9) * side for _ in range(2))
    return x, y


def _on_an_edge(photo: np.ndarray, rng: Random) -> tuple[float, float]:
    """The steepest of some places rather in the middle."""
    side, grey = len(photo), photo.mean(2)
    steep = np.hypot(*np.gradient(grey))
    places = [_place(side, rng) for _ in range(60)]
    return max(places, key=lambda place: float(steep[int(place[1]), int(place[0])]))


def _blob(
    side: int, middle: tuple[float, float], radius: float, ragged: float, rng: Random
) -> np.ndarray:
    """A ragged disc, (side, side) in [0, 1]."""
    corners = max(7, int(radius))
    spread = [radius * rng.uniform(1 - ragged, 1 + ragged) for _ in range(corners)]
    stretch = rng.uniform(0.5, 1)
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, 6)
    outline = [
        (FINE * (middle[0] + r * np.cos(a)), FINE * (middle[1] + stretch * r * np.sin(a)))
        for r, a in zip(spread, angles, strict=True)
    ]
    sheet = Image.new("L", (FINE * side,) * 2)
    ImageDraw.Draw(sheet).polygon(outline, 255)
    round_off = ImageFilter.GaussianBlur(FINE * radius * (1 - ragged) / 3)
    return ((_shrunk(sheet.filter(round_off), side) - 0.35) * 4).clip(0, 1)


def _clouds(side: int, grain: int, rng: Random) -> np.ndarray:
    """Smooth noise (side, side) in [0, 1], of about `grain` clouds a side."""
    noise = np.random.default_rng(rng.randrange(2**32)).random((grain, grain))
    return (
        np.asarray(_sheet(noise).resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
    )


def _shrunk(sheet: Image.Image, side: int) -> np.ndarray:
    return np.asarray(sheet.resize((side, side), Image.Resampling.BOX), np.float32) / 255


def _sheet(share: np.ndarray) -> Image.Image:
    return Image.fromarray((share * 255).astype(np.uint8))
