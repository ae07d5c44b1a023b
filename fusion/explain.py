"""Exact Shapley values (Shapley, 1953) of a handful of players.

With n players all 2^n coalitions are valued, so there is nothing to sample: the values sum to the
worth of everybody minus the worth of nobody, up to rounding.
"""

from __future__ import annotations

from math import factorial

import numpy as np


def coalitions(players: int) -> np.ndarray:
    """All subsets as bool (2**players, players). Row i has player j when bit j of i is set."""
    return (np.arange(2**players)[:, None] >> np.arange(players)) & 1 == 1


def shapley(worth: np.ndarray) -> list[float]:
    """The Shapley value of each player, from the worth of each coalition in `coalitions` order.

    phi_j = sum over S without j of |S|! (n - |S| - 1)! / n! (worth(S + j) - worth(S))
    """
    n = len(worth).bit_length() - 1
    subsets = coalitions(n)
    sizes = subsets.sum(1)
    values = []
    for j in range(n):
        without = np.nonzero(~subsets[:, j])[0]
        weight = np.array(
            [factorial(s) * factorial(n - s - 1) for s in sizes[without]]
        ) / factorial(n)
        gain = worth[without | (1 << j)].astype(np.float64) - worth[without]
        values.append(float((weight * gain).sum()))
    return values
