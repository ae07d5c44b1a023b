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

from fusion.augment import STORED
from fusion.vision import to_square

HELD_OUT_EACH = 10  # one sender of clothes in so many is kept for validation


@dataclass(frozen=True, slots=True)
class PhotoSet:
    """`classes[i]` indexes `texts`; `held_out[i]` photos are for validation only.

    A set whose classes are products has a picture and a group of each; others have none.
    """

    name: str
    texts: tuple[str, ...]
    paths: tuple[Path, ...]
    classes: np.ndarray  # (n,) int64
    held_out: np.ndarray  # (n,) bool
    pictures: tuple[Path, ...] = ()  # in the order of `texts`
    groups: tuple[str, ...] = ()  # in the order of `texts`

    def pixels(self) -> np.ndarray:
        """All photos as uint8 (n, STORED, STORED, 3)."""
        return np.stack(
            [to_square(np.asarray(Image.open(p).convert("RGB")), STORED) for p in self.paths]
        )


def grocery(folder: Path) -> PhotoSet:
    """The Grocery Store Dataset in its own layout; its val.txt is the validation set.

    The catalogue's own pictures are among the photos to train on.
    """
    texts, pictures, groups = [], [], []
    for name, _, group, _, picture, description in _grocery_classes(folder):
        pictures.append(folder / picture.strip().lstrip("/"))
        groups.append(group)
        described = (folder / description.strip().lstrip("/")).read_text(encoding="utf-8")
        texts.append(f"{_spaced(name)}, {_spaced(group)}. {described.strip()[:200]}")
    paths, classes = list(pictures), list(range(len(pictures)))
    held_out = [False] * len(pictures)
    for part in ("train", "val"):
        for line in (folder / f"{part}.txt").read_text().splitlines():
            path, fine, _ = (field.strip() for field in line.split(","))
            paths.append(folder / path)
            classes.append(int(fine))
            held_out.append(part == "val")
    return PhotoSet(
        "grocery",
        tuple(texts),
        tuple(paths),
        np.array(classes),
        np.array(held_out),
        tuple(pictures),
        tuple(groups),
    )


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
    """Photos rendered by the studio of the shop in `products` (JSONL).

    `folder`/train.jsonl lists those to train on; `folder`/customer holds others, ID_N.jpg, as
    customers take them in other rooms, for validation.
    """
    shop = [json.loads(line) for line in products.read_text(encoding="utf-8").splitlines()]
    number = {product["id"]: i for i, product in enumerate(shop)}
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    others = sorted((folder / "customer").glob("*.jpg"))
    shown = [*(row["id"] for row in rows), *(path.stem.rsplit("_", 1)[0] for path in others)]
    return PhotoSet(
        "shop",
        tuple(f"{product['title']}. {product['description'][:200]}" for product in shop),
        (*(folder / row["photo"] for row in rows), *others),
        np.array([number[id] for id in shown]),
        np.arange(len(shown)) >= len(rows),
        tuple(products.parent / product["photos"][0] for product in shop),
        tuple(product["family"] for product in shop),
    )


def _spaced(name: str) -> str:
    return name.replace("-", " ")
