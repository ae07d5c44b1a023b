"""What customers want by what they say, in English and in other languages."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from fusion import sayings
from fusion.model import INTENTS
from fusion.perceive import Encoders, perceive
from fusion.sayings import FILE, load_sayings, train_sayings
from fusion.types import InputLimits, Percept, Turn, WeightsError
from fusion.understand import FusionModule, load_fusion
from fusion.weights import SHIPPED

SAMPLES = Path(__file__).parent / "samples"
SAID = SAMPLES / "languages" / "intents"


@pytest.fixture(scope="module")
def encoders(agent) -> Encoders:
    return agent.encoders


@pytest.fixture(scope="module")
def fusion() -> FusionModule:
    return load_fusion()


@pytest.fixture(scope="module")
def without(fusion: FusionModule) -> FusionModule:
    return FusionModule(fusion.model, fusion.name)


def read(text: str, encoders: Encoders) -> Percept:
    return perceive(Turn(text), [], encoders, InputLimits())


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("show me the red Bruno kettle", "product_search"),
        ("bruno kettle red please", "product_search"),
        ("I want the blue mug", "product_search"),
        ("I want to return the red kettle", "return"),
        ("the blue mug arrived broken", "damaged_item"),
    ],
)
def test_who_names_a_thing_looks_for_it(words, intent, encoders, fusion) -> None:
    assert fusion(read(words, encoders)).intent == intent


def test_a_photo_without_words_is_left_as_it_was(agent, encoders, fusion, without) -> None:
    photo = (SAMPLES / "photos/customer/kettle-bruno-red_3.jpg").read_bytes()
    percept = perceive(Turn(photos=(photo,)), [], encoders, InputLimits())
    assert fusion(percept).intents == without(percept).intents


def test_attributions_still_sum_to_what_they_explain(encoders, fusion) -> None:
    fused = fusion(read("a minha encomenda ainda não chegou", encoders))
    nothing = fusion(Percept("", "", None, (), {}, {}))
    gained = fused.intents[fused.intent] - nothing.intents[fused.intent]
    assert sum(fused.attributions.intent.values()) == pytest.approx(gained, abs=1e-5)


@pytest.mark.parametrize(
    ("files", "every", "floor"),
    [("[!e]*.jsonl", 4, 0.9), ("es.jsonl", 4, 0.9), ("en.jsonl", 1, 0.85)],
)
def test_sentences_that_nothing_was_learnt_from_are_understood(
    encoders, fusion, without, files, every, floor
) -> None:
    rows = [json.loads(line) for path in SAID.glob(files) for line in path.open("rb")]
    percepts = [read(row["text"], encoders) for row in rows[::every]]
    wanted = [row["intent"] for row in rows[::every]]

    def right(module: FusionModule) -> float:
        return float(
            np.mean([module(p).intent == w for p, w in zip(percepts, wanted, strict=True)])
        )

    assert right(fusion) >= floor  # `deskhand evaluate languages` prints the figures
    assert right(fusion) > right(without)


def test_no_example_is_also_judged() -> None:
    def said(path: Path) -> set[str]:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        words = [row.get("text") or row["query"] for row in rows]
        return {re.sub(r"\W", "", each).casefold() for each in words}

    judged = set().union(*(said(path) for path in SAID.parent.rglob("*.jsonl")))
    assert len(judged) > 900 and not said(sayings.EXAMPLES) & judged


def test_what_is_learnt_is_what_the_examples_say(
    encoders, fusion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = sayings.EXAMPLES.read_text("utf-8").splitlines()[::20]
    rows = [json.loads(line) for line in lines]
    turned = [{**row, "intent": INTENTS[-1 - INTENTS.index(row["intent"])]} for row in rows]
    monkeypatch.setattr(sayings, "EXAMPLES", tmp_path / "sayings.jsonl")
    monkeypatch.setattr(sayings, "RIDGE", 0.001)
    sayings.EXAMPLES.write_text("\n".join(map(json.dumps, turned)), "utf-8")
    train_sayings(encoders, fusion.model, tmp_path / FILE)
    taught = FusionModule(fusion.model, fusion.name, load_sayings(tmp_path / FILE))
    heard = [taught(read(row["text"], encoders)).intent == row["intent"] for row in turned]
    assert np.mean(heard) >= 0.9


def test_weights_that_are_missing_or_cut_short_name_the_fix(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="deskhand train sayings"):
        load_sayings(tmp_path / FILE)
    whole = (SHIPPED / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:-8])
    card = "sayings.card.json"
    (tmp_path / card).write_text((SHIPPED / card).read_text())
    with pytest.raises(WeightsError, match="damaged"):
        load_sayings(tmp_path / FILE)
