"""Photos of what a shop does not sell: fitting and judging how they are told (`fusion/unsold.py`).

A photo of a product stands for both: the catalogue with the product in it, and the catalogue with
its whole family left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fusion.types import Encoder
from fusion.unsold import features


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a shop sells: for each product its text and picture, (n, DIM), and its family."""

    texts: np.ndarray
    pictures: np.ndarray
    families: Sequence[str]


def strangers(
    vision: Encoder, photos: Iterable[np.ndarray], shown: Iterable[int], catalogue: Catalogue
) -> tuple[np.ndarray, np.ndarray]:
    """Features (2n, FEATURES) of n photos, and whether what they show is sold (2n,).

    `shown` are the products pictured, by their place in the catalogue; -1 for a thing that is in
    no catalogue, which gives one row.
    """
    families = np.array(catalogue.families)
    found: list[np.ndarray] = []
    sold: list[bool] = []
    for pixels, product in zip(photos, shown, strict=True):
        photo = vision.states(pixels)
        usual = float(catalogue.pictures.mean(0) @ photo.vector)
        near = (catalogue.pictures @ photo.vector - usual) / (1 - usual)
        texts = catalogue.texts @ photo.vector
        if product >= 0:
            found.append(features(photo, texts, near))
            sold.append(True)
        others = families != (families[product] if product >= 0 else "")
        found.append(features(photo, texts[others], near[others]))
        sold.append(False)
    return np.stack(found), np.array(sold)
