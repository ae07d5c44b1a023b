"""Training for real, in small: it learns, it is repeatable, it calibrates on what it held out."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from fusion.ablations import ABLATIONS
from fusion.baselines import BASELINES
from fusion.data import Example, Item
from fusion.evaluate import finding, outputs, understanding
from fusion.frozen import Catalogue, Encodings
from fusion.train import Recipe, batches, train
from fusion.types import DIM, Encoded
from fusion.understand import load_fusion
from fusion.weights import read_card

SENTENCES = {
    "greeting": ["hello", "hi there", "good morning", "hey you", "good evening"],
    "refund": [
        "i want my money back",
        "refund me",
        "when is my refund due",
        "pay me back",
        "refund?",
    ],
    "person": ["a human please", "let me talk to staff", "get me a person", "an agent", "operator"],
    "": ["will it rain", "who won the game", "tell me a joke", "2 + 2", "play some music"],
}


@pytest.fixture(scope="module")
def task(text_encoder) -> tuple[list[Example], Encodings, Catalogue]:
    rng = np.random.default_rng(0)
    titles = ["blue mug", "red kettle", "oak stool"]
    vectors = text_encoder.encode(titles)
    photos = {}
    for title, vector in zip(titles, vectors, strict=True):
        near = vector + 0.02 * rng.normal(size=(4, 9, DIM)).astype(np.float32)
        photos[title] = [(Encoded(p, p.mean(0) / np.linalg.norm(p.mean(0))), 0.8) for p in near]
    examples = [
        Example(
            text=s, intent=i or None, in_scope=bool(i), part="validation" if n == 4 else "train"
        )
        for i, sentences in SENTENCES.items()
        for n, s in enumerate(sentences)
    ]
    examples += [
        Example(text="how much is this", photo=t, target=t, task="photo+words", in_scope=True)
        for t in titles
    ]
    said = {e.text: text_encoder.states(e.text) for e in examples}
    items = [Item(title, "product", title, title, family=title) for title in titles]
    catalogue = Catalogue.of(items, vectors)
    return examples * 6, Encodings(said, photos), catalogue


RECIPE = Recipe(epochs=8, batch=16, peak_rate=2e-3, drop=0.0)


@pytest.mark.slow
def test_it_learns_and_writes_what_it_is(task, tmp_path: Path) -> None:
    examples, encodings, catalogue = task
    train("ours", examples, encodings, catalogue, RECIPE, tmp_path, {"sentences": "this test"})
    path = tmp_path / "fusion.safetensors"
    model = load_fusion(str(path)).model
    learnt = [e for e in examples if e.part == "train"]
    produced = outputs(model, learnt, encodings)
    assert finding(learnt, produced, catalogue)["photo+words"]["R@1"] == 1.0
    figures = understanding(model, learnt, produced)
    assert figures["accuracy"] > 0.9 and figures["AUROC"] > 0.9
    card = read_card(path)
    assert card["turns"] == len(learnt) and card["sources"] == {"sentences": "this test"}
    assert (tmp_path / "fusion.log.jsonl").read_text().count("\n") == RECIPE.epochs


@pytest.mark.slow
def test_a_seed_gives_the_same_weights(task, tmp_path: Path) -> None:
    recipe = Recipe(epochs=1, batch=16)
    for name in ("one", "two"):
        train("ours", *task, recipe, tmp_path / name, {})
    one, two = (
        read_card(tmp_path / name / "fusion.safetensors")["sha256"] for name in ("one", "two")
    )
    assert one == two


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BASELINES, *ABLATIONS])
def test_every_model_trains_on_the_same_turns(name: str, task, tmp_path: Path) -> None:
    examples, encodings, catalogue = task
    recipe = Recipe(epochs=1, batch=16)
    model = train(name, examples, encodings, catalogue, recipe, tmp_path, {})
    produced = outputs(model, examples, encodings)
    assert produced.vector.isfinite().all() and produced.intents.isfinite().all()
    assert name in read_card(tmp_path / "fusion.safetensors")["model"]


def test_batches_hold_every_example_once_and_like_lengths_together(task) -> None:
    examples, encodings, _ = task
    several = [batch for batch in batches(examples, encodings, 8, random.Random(0))]
    assert sum(map(len, several)) == len(examples) // 8 * 8
    spans = [
        max(map(encodings.length, batch)) - min(map(encodings.length, batch)) for batch in several
    ]
    lengths = list(map(encodings.length, examples))
    assert np.median(spans) < (max(lengths) - min(lengths)) / 3
