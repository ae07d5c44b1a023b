"""Figures worked out by hand beside the ones the code gives."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import one_hot

from fusion.baselines import build
from fusion.data import Example, Item
from fusion.evaluate import column, finding, ranks, understanding
from fusion.frozen import Catalogue
from fusion.model import INTENTS, Outputs
from fusion.types import DIM

ITEMS = [Item(name, "product", name, name, family=name[0]) for name in ("a1", "a2", "b1")]
AXES = torch.eye(3, DIM)


def catalogue() -> Catalogue:
    return Catalogue.of(ITEMS, AXES.numpy(), AXES.roll(1, 0).numpy())


def outputs(vectors: torch.Tensor) -> Outputs:
    return Outputs(torch.zeros(len(vectors), len(INTENTS)), torch.zeros(len(vectors)), vectors)


def test_ranks_by_text_or_by_photo() -> None:
    vector = AXES[:1] * 0.9 + AXES[1:2] * 0.4
    only_texts = Catalogue.of(ITEMS, AXES.numpy())
    assert ranks(vector, torch.tensor([0]), only_texts).tolist() == [1]
    assert ranks(vector, torch.tensor([1]), only_texts).tolist() == [2]
    # the photo of a2 lies on the first axis: it is found as well as a1 is by its text
    assert ranks(vector, torch.tensor([1]), catalogue()).tolist() == [1.5]


def test_a_vector_of_nothing_ranks_in_the_middle() -> None:
    assert ranks(torch.zeros(1, DIM), torch.tensor([0]), catalogue()).tolist() == [2]


def test_finding_counts_by_column() -> None:
    only_texts = Catalogue.of(ITEMS, AXES.numpy())
    asked = [
        Example(text="x", target="a1", task="words"),
        Example(text="x", target="b1", task="words"),
        Example(voice="x", target="b1", task="words"),
        Example(text="x", target="", task="words"),
    ]
    vectors = torch.stack([AXES[0], AXES[0] + 0.1 * AXES[1], AXES[2], AXES[2]])
    figures = finding(asked, outputs(vectors), only_texts)
    assert figures["voice"] == {"R@1": 1.0, "R@10": 1.0, "MRR": 1.0, "turns": 1}
    assert figures["text"] == {
        "R@1": 0.5,
        "R@10": 1.0,
        "MRR": pytest.approx((1 + 1 / 3) / 2, abs=1e-4),
        "turns": 2,
    }


def test_columns_tell_typed_from_spoken() -> None:
    assert column(Example(text="x", task="photo+words")) == "photo+words"
    assert column(Example(voice="x", task="photo+words")) == "voice+photo"
    assert column(Example(voice="x", task="history")) == "history"


def test_calibration_and_rejection() -> None:
    torch.manual_seed(0)
    model = build("text")
    said = [Example(text="x", intent=INTENTS[0], in_scope=True)] * 4
    said += [Example(text="x", in_scope=False)] * 2
    chosen = one_hot(torch.tensor([0, 0, 0, 1, 5, 5]), len(INTENTS)).float() * 100  # always sure
    scope = torch.tensor([-1.0, -2, -3, 0.5, 0.4, 2.0])
    figures = understanding(model, said, Outputs(chosen, scope, torch.zeros(6, DIM)))
    assert figures["accuracy"] == 0.75 and figures["ECE"] == pytest.approx(0.25, abs=1e-4)
    assert figures["AUROC"] == pytest.approx(7 / 8, abs=1e-4)  # of 8 pairs one is the wrong way
    assert figures["ours rejected"] == 0.25 and figures["others rejected"] == 1.0


def test_siblings_are_of_the_family_and_others() -> None:
    assert catalogue().siblings(torch.tensor([0, 2])).tolist() == [
        [False, True, False],
        [False, False, False],
    ]
