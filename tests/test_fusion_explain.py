"""Shapley values against their definition and their axioms."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from fusion.explain import coalitions, shapley


def by_orders(worth: np.ndarray, n: int) -> list[float]:
    """The definition: the mean gain a player brings, over all orders of arrival."""
    values = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        here = 0
        for player in order:
            values[player] += worth[here | 1 << player] - worth[here]
            here |= 1 << player
    return list(values / len(orders))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_equals_the_mean_over_all_orders(n: int) -> None:
    worth = np.random.default_rng(n).normal(size=2**n)
    assert shapley(worth) == pytest.approx(by_orders(worth, n))
    assert sum(shapley(worth)) == pytest.approx(worth[-1] - worth[0])


def test_a_player_who_adds_nothing_gets_nothing_and_equals_get_the_same() -> None:
    members = coalitions(3)
    worth = np.where(members[:, 0] & members[:, 1], 1.0, 0.0)  # the third never matters
    assert shapley(worth) == pytest.approx([0.5, 0.5, 0.0])


def test_nobody() -> None:
    assert coalitions(0).shape == (1, 0)
    assert shapley(np.array([0.3])) == []
