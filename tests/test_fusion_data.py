"""Training turns: split by family and by template, the same for the same seed."""

from __future__ import annotations

import random

import pytest

from agent.bench import item_of
from fusion import phrases
from fusion.data import FOLDS, Maker, dress, mishear, split
from fusion.model import INTENTS
from knowledge.demo import folder
from knowledge.load import read_documents
from knowledge.types import Document


def maker(seed: int = 0, fold: int = 0) -> Maker:
    documents = [d for d in read_documents(folder()) if isinstance(d, Document)]
    return Maker([item_of(document) for document in documents], seed, fold)


def test_the_same_seed_makes_the_same_turns() -> None:
    assert list(maker().retrieval(1)) == list(maker().retrieval(1))
    assert list(maker().retrieval(1)) != list(maker(1).retrieval(1))


def test_no_product_is_in_two_parts() -> None:
    made = maker()
    family = {item.id: item.family for item in made.products}
    parts: dict[str, set[str]] = {}
    for example in made.retrieval(2):
        if example.target in family:
            parts.setdefault(example.part, set()).add(family[example.target])
    assert {part: len(found) for part, found in parts.items()} == {
        "train": 21,
        "validation": 3,
        "test": 6,
    }
    assert len(set().union(*parts.values())) == 30


def test_every_family_is_tested_in_just_one_fold() -> None:
    tested = [
        family
        for fold in range(FOLDS)
        for family, part in maker(fold=fold).parts.items()
        if part == "test"
    ]
    assert sorted(tested) == sorted(maker().parts)


@pytest.mark.parametrize("name", [*INTENTS, "edits", "bare"])
def test_no_template_is_in_two_parts(name: str) -> None:
    sentences = phrases.sentences(name)
    trained, others = split(sentences, training=True), split(sentences, training=False)
    assert len({*trained, *others}) == len(trained) + len(others) == len(sentences)
    assert trained and others


def test_no_template_has_two_intents() -> None:
    every = [sentence for intent in INTENTS for sentence in phrases.sentences(intent)]
    assert len(every) == len(set(every)) > 1_000


def test_an_edit_asks_for_the_sibling_it_names() -> None:
    made = maker()
    items = {item.id: item for item in made.products}
    for example in made.retrieval(1):
        if example.task == "photo+edit" and example.text:
            shown, wanted = items[example.photo], items[example.target]
            assert shown.family == wanted.family and shown.id != wanted.id
    siblings = dict((o.id, w) for o, w in made.siblings(items["mug-aster-blue"]))
    assert siblings["mug-aster-green"] == "green"
    assert "mug-aster-yellow-small" not in siblings  # differs in colour and in size


def test_mishearing_is_at_the_rate_asked() -> None:
    words = " ".join(f"word{i}" for i in range(4000))
    heard = mishear(words, 0.3, ["other"], random.Random(0)).split()
    kept = sum(word != "other" for word in heard)
    assert 0.67 < kept / 4000 < 0.73
    assert mishear("nothing lost", 0.0, ["other"], random.Random(0)) == "nothing lost"


def test_dressing_keeps_most_sentences_as_they_were() -> None:
    rng = random.Random(0)
    dressed = [dress("a red kettle", rng).lower() for _ in range(200)]
    assert sum("a red kettle" in sentence for sentence in dressed) > 140
    assert len(set(dressed)) > 10
