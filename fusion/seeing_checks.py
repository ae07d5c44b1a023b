"""How well print is read and bad photos are told, on pictures made here from any folder of photos.

Labels of known words are put into the photos (turned, tilted, seen from the side, blurred, small),
and good photos are made bad in known ways; a seed makes the same pictures again. Nothing here is
asked for by a turn: `deskhand evaluate seeing` prints the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from time import perf_counter

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont
from rapidfuzz.distance import Levenshtein

from fusion.ocr import Reader
from fusion.quality import quality_of
from fusion.types import Encoder

LONG_SIDE = 960  # px of the photos that labels are put into
KINDS = ("upright", "turned", "tilted", "perspective", "blurred", "small")
FONTS = ("", "DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSansMono")  # "": Pillow's own
_WORDS = (
    "Order", "Parcel", "Invoice", "Kiln & Linen", "Made in Portugal", "Handle with care", "Fragile",
    "Stoneware mug", "Return label", "Model", "Error code", "Serial no.", "Dishwasher safe",
    "Thank you for your order", "Batch", "Keep dry", "230 V 50 Hz", "Net weight 390 g",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Labelled:
    """A photo with a label in it, and what the label says."""

    photo: np.ndarray  # (h, w, 3) uint8 RGB
    lines: tuple[str, ...]
    code: str  # stands in the second line
    kind: str  # one of KINDS


def labelled(paths: Sequence[Path], each: int, seed: int) -> Iterator[Labelled]:
    """`each` pictures of every kind."""
    for n, kind in product(range(each), KINDS):
        rng = Random(f"{seed} {n} {kind}")
        lines, code = _says(rng)
        photo = _put(_opened(rng.choice(paths)), _card(lines, kind, rng), kind, rng)
        if kind == "blurred":
            photo = photo.filter(ImageFilter.GaussianBlur(rng.uniform(1.5, 3)))
        yield Labelled(np.asarray(photo), lines, code, kind)


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        photo = image.convert("RGB")
    scale = LONG_SIDE / max(photo.size)
    return photo.resize((round(photo.width * scale), round(photo.height * scale)))


def _says(rng: Random) -> tuple[tuple[str, ...], str]:
    """Two or three lines, and the code in the second of them."""
    digits = f"{rng.randrange(10**7):07}"
    letters = "".join(rng.choices("ABCDEFGHKLMNPRSTUVWXYZ", k=2))
    code = rng.choice(
        (f"#W{digits}", f"K{digits[:4]}", f"{letters}-{digits[:4]}", f"E-{digits[:2]}",
         f"{letters}{digits[:3]}-{digits[3:5]}", f"{digits}")
    )  # fmt: skip
    first, before, last = rng.sample(_WORDS, 3)
    return (first, f"{before} {code}", *([last] if rng.random() < 0.5 else [])), code


def _card(lines: Sequence[str], kind: str, rng: Random) -> Image.Image:
    """The lines on paper, or half of the time on nothing, as RGBA."""
    size = rng.randint(11, 15) if kind == "small" else rng.randint(18, 44)
    name = rng.choice(FONTS)
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    font = (
        ImageFont.truetype(str(folder / f"{name}.ttf"), size)
        if name
        else ImageFont.load_default(size)
    )
    width = round(max(font.getlength(line) for line in lines)) + 2 * size
    card = Image.new("RGBA", (width, round(1.5 * size * (len(lines) + 1))))
    paper, ink = rng.choice(
        (((250, 248, 240), (20, 20, 30)), ((235, 215, 175), (60, 40, 20)), ((25, 45, 90), "white"))
    )
    stroke = 0
    if rng.random() < 0.6:
        card.paste((*paper, 255), (0, 0, *card.size))
    else:
        ink, stroke = "white", max(1, size // 12)
    draw = ImageDraw.Draw(card)
    for i, line in enumerate(lines):
        place = (size, round(size * (0.75 + 1.5 * i)))
        draw.text(place, line, ink, font, stroke_width=stroke, stroke_fill="black")
    return card


def _put(photo: Image.Image, card: Image.Image, kind: str, rng: Random) -> Image.Image:
    """The card in the photo, turned or seen from the side as `kind` says."""
    degrees = {
        "turned": rng.choice((90, 180, 270)),
        "tilted": rng.choice((-1, 1)) * rng.uniform(15, 30),
    }
    angle = np.deg2rad(degrees.get(kind, rng.uniform(-3, 3)))
    w, h = card.size
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    if kind == "perspective":
        corners[0, 1] *= rng.uniform(0.5, 0.8)
        corners[3, 1] *= rng.uniform(0.5, 0.8)
        corners[:, 0] *= rng.uniform(0.7, 0.9)
        angle += np.deg2rad(rng.uniform(-12, 12))
    corners = corners @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    room = np.array(photo.size) - 20
    corners *= min(1, *(room / np.ptp(corners, axis=0)))
    corners -= corners.min(0)
    spans = np.ceil(corners.max(0)).astype(int)
    place = [
        rng.randint(10, side - span - 10) for side, span in zip(photo.size, spans, strict=True)
    ]
    laid = card.transform(
        tuple(spans),
        Image.Transform.PERSPECTIVE,
        _homography(corners, [(0, 0), (w, 0), (w, h), (0, h)]),
        Image.Resampling.BICUBIC,
    )
    photo.paste(laid, (place[0], place[1]), laid)
    return photo


def _homography(to: np.ndarray, source: Sequence[tuple[float, float]]) -> Sequence[float]:
    """The eight numbers with which Pillow finds for each point of `to` the one of `source`."""
    rows, values = [], []
    for (x, y), (u, v) in zip(to, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(n) for n in np.linalg.solve(np.array(rows), np.array(values))]


SPOILT = ("dark", "bright", "blurred", "shaken", "small")


def spoil(photo: Image.Image, way: str, rng: Random) -> Image.Image:
    """A photo that nobody can judge a product by, spoilt in one of the ways of SPOILT."""
    side = max(photo.size)
    if way == "small":
        return photo.resize((rng.randint(24, 56),) * 2)
    if way == "blurred":  # until 1.2 to 2.5 % of the long side run into each other
        return photo.filter(ImageFilter.GaussianBlur(side * rng.uniform(0.012, 0.025)))
    if way == "shaken":  # 5 to 9 % of the long side, in any direction
        angle, length = rng.uniform(0, np.pi), side * rng.uniform(0.05, 0.09)
        steps = np.linspace(-0.5, 0.5, 24)[:, None] * length * [np.cos(angle), np.sin(angle)]
        rows = [np.asarray(ImageChops.offset(photo, *map(round, step)), float) for step in steps]
        return Image.fromarray(np.mean(rows, 0).astype(np.uint8))
    light = np.asarray(photo, float) / 255
    grain = np.random.default_rng(rng.randrange(2**32)).normal(0, 0.01, light.shape)
    if way == "dark":
        light = rng.uniform(0.08, 0.22) * light ** rng.uniform(1, 1.6)
    else:
        light = 1 - rng.uniform(0.05, 0.2) * (1 - light)
    return Image.fromarray(((light + grain).clip(0, 1) * 255).astype(np.uint8))


def ocr_figures(
    paths: Sequence[Path], read: Reader, each: int = 5, seed: int = 77
) -> dict[str, float]:
    """How well labels put into these photos are read, and how the photos without any are.

    "code_<kind>": share of the pictures of a kind whose code is read without a mistake;
    "character_errors": of all lines in order, by edit distance, at most 1 a picture;
    "false_text": share of the photos, as they are, in which anything is read;
    "ms_without_text": median of those in which nothing is.
    """
    right: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    wrong = letters = 0
    for one in labelled(paths, each, seed):
        got = ["".join(text.split()) for text, _ in read(one.photo)]
        right[one.kind].append(any(one.code in line for line in got))
        said = "".join("".join(one.lines).split())
        wrong += min(Levenshtein.distance(said, "".join(got)), len(said))
        letters += len(said)
    times, false = [], 0
    for path in paths[: each * len(KINDS)]:
        photo = np.asarray(_opened(path))
        start = perf_counter()
        if read(photo):
            false += 1
        else:
            times.append(1000 * (perf_counter() - start))
    codes = {f"code_{kind}": float(np.mean(found)) for kind, found in right.items()}
    return codes | {
        "code": float(np.mean(list(codes.values()))),
        "character_errors": wrong / letters,
        "false_text": false / len(paths[: each * len(KINDS)]),
        "ms_without_text": float(np.median(times)) if times else 0.0,
    }


def quality_figures(paths: Sequence[Path], seed: int = 77) -> dict[str, float]:
    """ "good_refused": share of these photos that are refused as they are; "caught_<way>": share of
    them that are refused once spoilt."""
    refused = []
    caught: dict[str, list[bool]] = {way: [] for way in SPOILT}
    for path in paths:
        with Image.open(path) as image:
            photo = image.convert("RGB")
        refused.append(bool(quality_of(np.asarray(photo)).fault()))
        for way in SPOILT:
            spoilt = spoil(photo, way, Random(f"{seed} {path.name} {way}"))
            caught[way].append(bool(quality_of(np.asarray(spoilt)).fault()))
    shares = {f"caught_{way}": float(np.mean(found)) for way, found in caught.items()}
    return {"good_refused": float(np.mean(refused)), **shares}


def cost(vision: Encoder, photo: np.ndarray, rounds: int = 20) -> dict[str, float]:
    """Median milliseconds of encoding a photo, with one thread and with as many as torch takes."""
    threads = torch.get_num_threads()
    figures = {}
    for number in sorted({1, threads}):
        torch.set_num_threads(number)
        taken = []
        for _ in range(rounds):
            start = perf_counter()
            vision.states(photo)
            taken.append(perf_counter() - start)
        figures[f"ms, {number} thread{'s' * (number > 1)}"] = 1000 * float(np.median(taken))
    torch.set_num_threads(threads)
    return figures
