"""Labelled photos to train and judge the photo encoder on.

Every set is a list of classes (each one text) and of photos that show them. The rendered set of
the demo shop comes from `python -m knowledge.demo.studio.render`; the grocery and clothing sets
are public (names and licences in `fusion/weights/MODEL_CARD.md`) and read in their own layouts.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fusion.vision import to_square

STORED = 136  # pixels; a little larger than the tower sees, to leave room for crops
HELD_OUT_EACH = 10  # one photo (or sender) in so many is kept for validation


@dataclass(frozen=True, slots=True)
class PhotoSet:
    """`classes[i]` indexes `texts`; `held_out[i]` photos are for validation only."""

    name: str
    texts: tuple[str, ...]
    paths: tuple[Path, ...]
    classes: np.ndarray  # (n,) int64
    held_out: np.ndarray  # (n,) bool

    def pixels(self) -> np.ndarray:
        """All photos as uint8 (n, STORED, STORED, 3)."""
        return np.stack(
            [to_square(np.asarray(Image.open(p).convert("RGB")), STORED) for p in self.paths]
        )


def grocery(folder: Path) -> PhotoSet:
    """The Grocery Store Dataset in its own layout; its val.txt is the validation set."""
    texts = []
    for name, _, group, _, _, description in _grocery_classes(folder):
        described = (folder / description.strip().lstrip("/")).read_text(encoding="utf-8")
        texts.append(f"{_spaced(name)}, {_spaced(group)}. {described.strip()[:200]}")
    paths, classes, held_out = [], [], []
    for part in ("train", "val"):
        for line in (folder / f"{part}.txt").read_text().splitlines():
            path, fine, _ = (field.strip() for field in line.split(","))
            paths.append(folder / path)
            classes.append(int(fine))
            held_out.append(part == "val")
    return PhotoSet("grocery", tuple(texts), tuple(paths), np.array(classes), np.array(held_out))


def grocery_catalogue(folder: Path) -> list[Path]:
    """The one clean catalogue picture of every class, in the order of the classes."""
    return [folder / row[4].strip().lstrip("/") for row in _grocery_classes(folder)]


def _grocery_classes(folder: Path) -> list[list[str]]:
    """Name, number, group, number of the group, picture and description of every class."""
    with open(folder / "classes.csv", newline="") as file:
        return sorted(csv.reader(list(file)[1:]), key=lambda row: int(row[1]))


def clothing(folder: Path) -> PhotoSet:
    """The clothing set; whole senders are held out, so no room or lens is in both parts."""
    with open(folder / "images.csv", newline="") as file:
        rows = [
            row for row in csv.DictReader(file) if row["label"] not in ("Not sure", "Skip", "Other")
        ]
    rows = [row for row in rows if (folder / "images" / f"{row['image']}.jpg").exists()]
    texts: dict[str, int] = {}
    classes = []
    for row in rows:
        wearer = "children" if row["kids"] == "True" else "adults"
        text = f"{_spaced(row['label'])}, clothing for {wearer}."
        classes.append(texts.setdefault(text, len(texts)))
    return PhotoSet(
        "clothing",
        tuple(texts),
        tuple(folder / "images" / f"{row['image']}.jpg" for row in rows),
        np.array(classes),
        np.array([int(row["sender_id"]) % HELD_OUT_EACH == 0 for row in rows]),
    )


def rendered(folder: Path, products: Path) -> PhotoSet:
    """Photos rendered by the studio (`folder`/train.jsonl) of the shop in `products` (JSONL)."""
    shop = [json.loads(line) for line in products.read_text(encoding="utf-8").splitlines()]
    number = {product["id"]: i for i, product in enumerate(shop)}
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    classes = np.array([number[row["id"]] for row in rows])
    seen = np.zeros(len(shop), int)
    held_out = np.zeros(len(rows), bool)
    for i, product in enumerate(classes):
        seen[product] += 1
        held_out[i] = seen[product] % HELD_OUT_EACH == 0
    return PhotoSet(
        "shop",
        tuple(f"{product['title']}. {product['description'][:200]}" for product in shop),
        tuple(folder / row["photo"] for row in rows),
        classes,
        held_out,
    )


def _spaced(name: str) -> str:
    return name.replace("-", " ")
