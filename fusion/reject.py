"""How little a sentence looks like anything a shop's own classifier was taught.

Two views that fail differently are added: how sure the surest label is when every label is judged
on its own against all the rest, and how near the nearest sentences are that were taught. A few
mislabelled rows move neither much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

NEIGHBOURS = 3
STRENGTH = 10.0  # inverse of the regularisation of each label's judge
STEPS = 60
REJECTED = 0.05  # share of the sentences in scope that the threshold turns away
OUTSIDE = -1  # the target of a sentence that is an example of none of the labels


def one_vs_rest(vectors: np.ndarray, targets: np.ndarray, labels: int) -> np.ndarray:
    """A balanced logistic regression of each label against all other rows: (width + 1, labels).

    `vectors` (n, width) float32; `targets` (n,) ints, OUTSIDE for a row of no label. The last row
    of the result is the bias.
    """
    x, y = torch.from_numpy(vectors), torch.from_numpy(targets)
    yes = (y[:, None] == torch.arange(labels)).float()
    positive = yes.sum(0).clamp(min=1)
    negative = (len(y) - yes.sum(0)).clamp(min=1)
    weight = torch.where(yes > 0, 0.5 / positive, 0.5 / negative)
    weights = torch.zeros(x.shape[1] + 1, labels, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=STEPS, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = x @ weights[:-1] + weights[-1]
        misses = F.binary_cross_entropy_with_logits(logits, yes, reduction="none")
        size = (weights[:-1] ** 2).sum() / (2 * STRENGTH * len(y))
        loss = (weight * misses).sum() + size
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach().numpy()


def auroc(ours: np.ndarray, others: np.ndarray) -> float:
    """Area under the scope curve, in [0, 1]: how often one of `others` scores above one of `ours`.

    A tie counts a half. Neither may be empty.
    """
    foreign = np.repeat([0, 1], [len(ours), len(others)])
    return float(roc_auc_score(foreign, np.concatenate([ours, others])))


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b on torch's threads: a second pool, numpy's, beside them doubles a prediction's time."""
    return (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()


def views(vectors: np.ndarray, judges: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """(n, 2): the surest judge's logit, and the mean cosine of the nearest taught vectors."""
    surest = (product(vectors, judges[:-1]) + judges[-1]).max(1)
    cosines = product(vectors, taught.T)
    few = min(NEIGHBOURS, cosines.shape[1])
    nearest = -np.partition(-cosines, few - 1, axis=1)[:, :few].mean(1)
    return np.stack([surest, nearest], 1)


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the views of sentences in scope lie, seen when those were not taught."""

    means: Sequence[float]  # of the two views
    spreads: Sequence[float]
    threshold: float

    @classmethod
    def of(cls, seen: np.ndarray) -> Scale:
        """From the views (n, 2) of rows in scope, each by a classifier that had not seen it."""
        means, spreads = seen.mean(0), seen.std(0) + 1e-6
        strange = -((seen - means) / spreads).sum(1)
        threshold = float(np.quantile(strange, 1 - REJECTED))
        return cls(means.tolist(), spreads.tolist(), threshold)

    def out_of_scope(self, seen: np.ndarray) -> np.ndarray:
        """(n,) in [0, 1]; 0.5 is the threshold that turns away 5 % of the sentences in scope."""
        strange = -((seen - np.array(self.means)) / np.array(self.spreads)).sum(1)
        return 1 / (1 + np.exp(self.threshold - strange))
