"""Training for real, in small: it learns, it is repeatable, it calibrates on what it held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusion.data import Example
from fusion.model import INTENTS, load_fusion
from fusion.train import Catalogue, Encodings, Recipe, judge, outputs, train
from fusion.types import DIM, Encoded
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
    catalogue = Catalogue.of(titles, vectors, np.zeros_like(vectors))
    return examples * 6, Encodings(said, photos), catalogue


RECIPE = Recipe(epochs=8, batch=16, peak_rate=2e-3, drop=0.0)


def test_it_learns_and_writes_what_it_is(task, tmp_path: Path) -> None:
    examples, encodings, catalogue = task
    path = train(examples, encodings, catalogue, RECIPE, tmp_path, {"sentences": "this test"})
    model = load_fusion(path).model
    learnt = [e for e in examples if e.part == "train"]
    figures = judge(learnt, outputs(model, learnt, encodings), catalogue)
    assert figures["intents intent"] > 0.9
    assert figures["R@1 photo+words"] == 1.0
    assert figures["AUROC out of scope"] > 0.9
    card = read_card(path)
    assert card["turns"] == len(learnt) and card["sources"] == {"sentences": "this test"}
    assert (tmp_path / "fusion.log.jsonl").read_text().count("\n") == RECIPE.epochs
    assert len(INTENTS) == model.intent.out_features - 1


def test_a_seed_gives_the_same_weights(task, tmp_path: Path) -> None:
    recipe = Recipe(epochs=1, batch=16)
    paths = [train(*task, recipe, tmp_path / name, {}) for name in ("one", "two")]
    one, two = (read_card(path)["sha256"] for path in paths)
    assert one == two
