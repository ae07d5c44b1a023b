"""Whether a photo shows something that the shop does not sell.

A logistic regression on how near the photo comes to the catalogue, fitted on photos of products
that were left out of it. Its threshold turns away at most one in twenty products that are sold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fusion.types import Encoded
from fusion.vision import is_hub, tower_path
from fusion.weights import read_card

REJECTED = 0.04  # share of the products sold that may be turned away where it is fitted
FEATURES = 4


@dataclass(frozen=True, slots=True)
class Unsold:
    """`weights` of the features; `bias` such that 0.5 is the threshold."""

    weights: tuple[float, ...]
    bias: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Features (..., FEATURES) -> in [0, 1], 0.5 and above: not sold here."""
        return 1 / (1 + np.exp(-(features @ np.array(self.weights) + self.bias)))


def features(photo: Encoded, texts: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """What tells a stranger: (FEATURES,).

    `texts` (n,) are the photo's cosines with the products' texts; `pictures` (n,) how much nearer
    than the average one the products' own photos are, nan for a product without any.
    """
    seen = np.nan_to_num(pictures, nan=-1.0)
    best = int(seen.argmax())
    length = float(np.linalg.norm(photo.tokens.mean(0)))  # short: the patches do not agree
    return np.array([seen[best], texts.max(), texts[best], np.log(length + 1e-6)])


def load_unsold(vision: str) -> Unsold | None:
    """That of the tower `vision` names; None for one that has none."""
    if is_hub(vision):
        return None
    kept = read_card(tower_path(vision)).get("unsold")
    return Unsold(tuple(kept["weights"]), kept["bias"]) if kept else None


def fit(shops: Sequence[tuple[np.ndarray, np.ndarray]]) -> Unsold:
    """From what was seen at some shops: features (n, FEATURES) of photos, and which are sold (n,).

    The threshold is the mildest that any of the shops needs: their photos come near to their texts
    in different measure, and a customer who is told that nothing is sold here is gone.
    """
    from sklearn.linear_model import LogisticRegression  # here: it takes a second that few need

    rows, sold = (np.concatenate(parts) for parts in zip(*shops, strict=True))
    centre, spread = rows.mean(0), rows.std(0) + 1e-9
    judge = LogisticRegression(class_weight="balanced", C=1.0)
    judge.fit((rows - centre) / spread, ~sold)
    weights = judge.coef_[0] / spread
    needed = [float(np.quantile(seen[own] @ weights, 1 - REJECTED)) for seen, own in shops]
    return Unsold(tuple(map(float, weights)), -max(needed))
