"""How well photos are seen (`deskhand evaluate seeing`): figures, and a sheet to look at.

Everything is judged on photos that no training saw: the validation parts of the public sets, and
the demo shop's products as phones in other rooms take them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from agent.config import Settings
from agent.photos import read_photo
from agent.strangers import Catalogue, strangers
from fusion.damage import load_damage
from fusion.ocr import load_ocr
from fusion.photo_sets import PhotoSet, clothing, grocery
from fusion.reject import auroc
from fusion.seeing_checks import cost, ocr_figures, quality_figures
from fusion.text import TextEncoder, load_text
from fusion.train_damage import damage_figures
from fusion.types import Encoder
from fusion.unsold import Unsold, load_unsold
from fusion.vision import load_vision
from fusion.weights import SHIPPED, read_card
from knowledge.demo import folder
from knowledge.lexical import spoken
from knowledge.load import read_documents
from knowledge.types import Document

Figures = dict[str, dict[str, float]]  # what was judged -> figure -> value

TILE, LINE, COLUMNS, SHOWN = 200, 17, 6, 12  # pixels, pixels, tiles a row, tiles of each kind


@dataclass(frozen=True, slots=True)
class Seen:
    """One photo, what it shows, and what it was taken for."""

    path: Path
    shows: str
    taken_for: str


def judge(settings: Settings, samples: Path, data: Path | None) -> tuple[Figures, list[Seen]]:
    """Everything there is to judge with; `samples` has folders customer and foreign."""
    vision, text = load_vision(settings.vision), load_text(settings.text)
    documents = [d for d in read_documents(folder()) if isinstance(d, Document)]
    customer: dict[str, list[Path]] = {}
    for path in sorted((samples / "customer").glob("*.jpg")):
        customer.setdefault(path.stem.rsplit("_", 1)[0], []).append(path)
    every = [path for paths in customer.values() for path in paths]
    whole: dict[str, Sequence[Path]] = {"customers' photos of whole things": every}
    figures: Figures = {}
    seen: list[Seen] = []
    if data is not None:
        for photos in (grocery(data / "grocery"), clothing(data / "clothing")):
            figures[f"{photos.name}, held out"], found = judge_set(vision, text, photos)
            seen += found
            whole[f"{photos.name}, held out"] = [one.path for one in found]
    figures["demo shop, customers' photos"], found = judge_shop(vision, text, documents, customer)
    seen += found
    if (unsold := load_unsold(settings.vision)) is not None:
        foreign = sorted((samples / "foreign").glob("*.jpg"))
        figures["not sold"] = judge_unsold(vision, text, unsold, documents, customer, foreign)
    card = read_card(SHIPPED / "damage.safetensors")
    figures |= damage_figures(load_damage(), card, whole)
    figures["print"] = ocr_figures(every, load_ocr())
    figures["photos to be taken again"] = quality_figures(every)
    figures["cost"] = cost(vision, read_photo(seen[0].path))
    return figures, seen


def judge_set(
    vision: Encoder,
    text: TextEncoder,
    photos: PhotoSet,
) -> tuple[dict[str, float], list[Seen]]:
    """The held-out photos of a set, the texts of its classes being the only classifier.

    Where the classes have groups and pictures, also how often the group is right, and how often
    the nearest (five) pictures show the photo's class.
    """
    rows = np.flatnonzero(photos.held_out)
    shown = photos.classes[rows]
    paths = [photos.paths[row] for row in rows]
    vectors = _encoded(vision, paths)
    nearest = (vectors @ text.encode(photos.texts).T).argmax(1)
    figures = {"photos": float(len(rows)), "right class": float((nearest == shown).mean())}
    if photos.groups:
        groups = np.array(photos.groups)
        figures["right group"] = float((groups[nearest] == groups[shown]).mean())
    if photos.pictures:
        pictures = _encoded(vision, photos.pictures)
        figures |= _ranked(vectors @ pictures.T, shown, "catalogue picture")
    names = [text.split(".")[0].split("\n")[0] for text in photos.texts]
    seen = [Seen(p, names[a], names[b]) for p, a, b in zip(paths, shown, nearest, strict=True)]
    return figures, seen


def judge_shop(
    vision: Encoder,
    text: TextEncoder,
    documents: Sequence[Document],
    photos: Mapping[str, Sequence[Path]],
) -> tuple[dict[str, float], list[Seen]]:
    """Customers' photos (by product id) against a shop's texts and its catalogue photos."""
    products = [d for d in documents if d.kind == "product" and d.photos]
    number = {product.id: i for i, product in enumerate(products)}
    paths = [path for id_ in photos for path in photos[id_]]
    shown = np.array([number[id_] for id_ in photos for _ in photos[id_]])
    vectors = _encoded(vision, paths)
    pictures = vectors @ _encoded(vision, [Path(p.photos[0]) for p in products]).T
    families = np.array([p.attributes.get("family", p.id) for p in products])
    figures = {"photos": float(len(paths))}
    figures |= _ranked(vectors @ text.encode([spoken(p) for p in products]).T, shown, "text")
    figures |= _ranked(pictures, shown, "catalogue picture")
    nearest = pictures.argmax(1)
    figures["right family by picture"] = float((families[nearest] == families[shown]).mean())
    seen = [
        Seen(path, products[a].title, products[b].title)
        for path, a, b in zip(paths, shown, nearest, strict=True)
    ]
    return figures, seen


def judge_unsold(
    vision: Encoder,
    text: TextEncoder,
    unsold: Unsold,
    documents: Sequence[Document],
    photos: Mapping[str, Sequence[Path]],
    foreign: Sequence[Path],
) -> dict[str, float]:
    """How well photos of what a shop does not sell are told from those of what it does.

    Strangers are the `foreign` photos, and every product's while its family is left out.
    """
    products = [d for d in documents if d.kind == "product" and d.photos]
    number = {product.id: i for i, product in enumerate(products)}
    catalogue = Catalogue(
        text.encode([spoken(product) for product in products]),
        _encoded(vision, [Path(product.photos[0]) for product in products]),
        [product.attributes.get("family", product.id) for product in products],
    )
    paths = [path for id_ in photos for path in photos[id_]]
    shown = [number[id_] for id_ in photos for _ in photos[id_]]
    rows, sold = strangers(vision, map(read_photo, paths), shown, catalogue)
    away, _ = strangers(vision, map(read_photo, foreign), [-1] * len(foreign), catalogue)
    told, told_foreign = unsold(rows), unsold(away)
    return {
        "sold, wrongly turned away": float((told[sold] >= 0.5).mean()),
        "family left out, turned away": float((told[~sold] >= 0.5).mean()),
        "foreign things, turned away": float((told_foreign >= 0.5).mean()),
        "AUROC, family left out": auroc(told[sold], told[~sold]),
        "AUROC, foreign things": auroc(told[sold], told_foreign),
    }


def markdown(figures: Figures) -> str:
    """A table: one line a figure."""
    lines = ["| what | figure | value |", "|---|---|---|"]
    for what, values in figures.items():
        lines += [f"| {what} | {name} | {_number(value)} |" for name, value in values.items()]
    return "\n".join(lines)


def write(figures: Figures, seen: Sequence[Seen], out: Path) -> None:
    """seeing.json, seeing.md and, of successes and failures drawn by a fixed seed, seeing.jpg."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "seeing.json").write_text(json.dumps(figures, indent=2) + "\n")
    (out / "seeing.md").write_text(markdown(figures) + "\n")
    order = np.random.default_rng(0).permutation(len(seen))
    right = [seen[i] for i in order if seen[i].shows == seen[i].taken_for][:SHOWN]
    wrong = [seen[i] for i in order if seen[i].shows != seen[i].taken_for][:SHOWN]
    contact_sheet(right, wrong).save(out / "seeing.jpg", quality=88)


def contact_sheet(right: Sequence[Seen], wrong: Sequence[Seen]) -> Image.Image:
    """Photos with what they were taken for; below them those that were taken for something else."""
    high = TILE + 2 * LINE + 8
    rows = [-(-len(part) // COLUMNS) for part in (right, wrong)]
    sheet = Image.new("RGB", (COLUMNS * TILE, sum(rows) * high + 2 * 34), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    top = 0
    for heading, part, lines in (
        ("Taken for what they are", right, rows[0]),
        ("Mistaken", wrong, rows[1]),
    ):
        draw.text((8, top + 8), heading, "black", ImageFont.load_default(18))
        top += 34
        for i, one in enumerate(part):
            x, y = i % COLUMNS * TILE, top + i // COLUMNS * high
            photo = Image.fromarray(read_photo(one.path))
            photo.thumbnail((TILE - 8, TILE - 8))
            sheet.paste(photo, (x + (TILE - photo.width) // 2, y + (TILE - photo.height) // 2))
            for line, words in enumerate(_caption(one)):
                draw.text((x + 6, y + TILE + line * LINE), _cut(words, font), "black", font)
        top += lines * high
    return sheet


def _caption(one: Seen) -> tuple[str, ...]:
    if one.shows == one.taken_for:
        return (one.shows,)
    return f"is {one.shows}", f"not {one.taken_for}"


def _cut(words: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while font.getlength(words) > TILE - 12:
        words = words.rstrip("…")[:-1] + "…"
    return words


def _encoded(vision: Encoder, paths: Sequence[Path]) -> np.ndarray:
    return np.concatenate([vision.encode([read_photo(path)]) for path in paths])


def _ranked(near: np.ndarray, shown: np.ndarray, by: str) -> dict[str, float]:
    """How often the column shown, of (photos, columns), is the nearest and among the best five."""
    place = (near > near[np.arange(len(near)), shown][:, None]).sum(1)
    return {f"{by} R@1": float((place < 1).mean()), f"{by} R@5": float((place < 5).mean())}


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) <= 1 else f"{value:.0f}" if value > 99 else f"{value:.1f}"
