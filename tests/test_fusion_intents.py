"""A shop's own classifier: real encoder, five sentences a label, real outcomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusion.intents import FILE, IntentClassifier, fit, load_intents
from fusion.text import TextEncoder
from fusion.types import BadInput, WeightsError
from fusion.weights import card_path

TAUGHT = {
    "opening_hours": (
        "when do you open",
        "what time does the shop close on Saturday",
        "are you open on Sundays",
        "opening times please",
        "until when can I come by tonight",
    ),
    "gift_wrap": (
        "can you wrap it as a present",
        "do you offer gift wrapping",
        "I'd like it in gift paper",
        "is wrapping a gift free",
        "please add a ribbon and a card, it is a birthday present",
    ),
    "engraving": (
        "can you engrave a name on the knife",
        "how much is an engraving",
        "I want initials engraved",
        "which letters can be engraved",
        "is it possible to have a date engraved on it",
    ),
    "voucher": (
        "how do I redeem my voucher",
        "my gift card code does not work",
        "can I buy a voucher",
        "how long is a gift card valid",
        "the discount code is not accepted",
    ),
}
IN_SCOPE = {
    "are you open tomorrow morning?": "opening_hours",
    "what are your hours on friday": "opening_hours",
    "could it be gift wrapped": "gift_wrap",
    "I need it wrapped as a gift": "gift_wrap",
    "engrave my daughter's name please": "engraving",
    "what does engraving cost": "engraving",
    "where do I enter the voucher code": "voucher",
    "my gift card is not accepted": "voucher",
}
OUT_OF_SCOPE = (
    "who won the football match last night",
    "set an alarm for six",
    "what is the capital of Mongolia",
    "my car makes a strange noise",
    "write a poem about autumn",
    "how many calories are in an egg",
)


@pytest.fixture(scope="module")
def taught() -> tuple[list[str], list[str]]:
    pairs = [(sentence, label) for label, some in TAUGHT.items() for sentence in some]
    return [sentence for sentence, _ in pairs], [label for _, label in pairs]


@pytest.fixture(scope="module")
def classifier(text_encoder: TextEncoder, taught: tuple[list[str], list[str]]) -> IntentClassifier:
    return fit(text_encoder, *taught)[0]


def test_five_sentences_a_label_are_enough(classifier: IntentClassifier) -> None:
    found = classifier.predict(list(IN_SCOPE))
    assert [one.label for one in found] == list(IN_SCOPE.values())
    assert all(0 <= one.score <= 1 and 0 <= one.out_of_scope <= 1 for one in found)


def test_foreign_sentences_are_stranger(classifier: IntentClassifier) -> None:
    ours = [one.out_of_scope for one in classifier.predict(list(IN_SCOPE))]
    foreign = [one.out_of_scope for one in classifier.predict(OUT_OF_SCOPE)]
    assert max(ours) < min(foreign)
    assert min(foreign) >= 0.5


def test_validation_has_seen_no_row_it_judges(
    text_encoder: TextEncoder, taught: tuple[list[str], list[str]]
) -> None:
    sentences = taught[0]
    swapped = [
        "voucher" if s == "opening times please" else x for s, x in zip(*taught, strict=True)
    ]
    classifier, validation = fit(text_encoder, sentences, swapped)
    row = sentences.index("opening times please")
    assert classifier.labels[validation.probabilities[row].argmax()] == "opening_hours"
    np.testing.assert_allclose(validation.probabilities.sum(1), 1, rtol=1e-4)


def test_saved_and_loaded_it_predicts_the_same(
    classifier: IntentClassifier, text_encoder: TextEncoder, tmp_path: Path
) -> None:
    classifier.save(tmp_path)
    sentences = [*IN_SCOPE, *OUT_OF_SCOPE]
    assert load_intents(tmp_path, text_encoder).predict(sentences) == classifier.predict(sentences)


def test_the_same_seed_gives_the_same_weights(
    classifier: IntentClassifier,
    text_encoder: TextEncoder,
    taught: tuple[list[str], list[str]],
    tmp_path: Path,
) -> None:
    classifier.save(tmp_path / "one")
    fit(text_encoder, *taught)[0].save(tmp_path / "two")
    assert (tmp_path / "one" / FILE).read_bytes() == (tmp_path / "two" / FILE).read_bytes()


def test_examples_out_of_scope_are_turned_away(
    text_encoder: TextEncoder, taught: tuple[list[str], list[str]], classifier: IntentClassifier
) -> None:
    near = [
        "do you have a parking lot",
        "is there parking near the shop",
        "where can I park my car",
    ]
    told = fit(text_encoder, *taught, outside=near)[0]
    asked = ["can I park in front of the shop"]
    assert told.predict(asked)[0].out_of_scope > classifier.predict(asked)[0].out_of_scope


@pytest.mark.parametrize("harm", ["cut", "swapped", "no card", "another encoder"])
def test_damage_is_an_error_that_names_the_fix(
    classifier: IntentClassifier, text_encoder: TextEncoder, tmp_path: Path, harm: str
) -> None:
    classifier.save(tmp_path)
    path = tmp_path / FILE
    card = card_path(path)
    match harm:
        case "cut":
            path.write_bytes(path.read_bytes()[:-100])
        case "swapped":
            path.write_bytes(path.read_bytes()[:-4] + b"\1\2\3\4")
        case "no card":
            card.unlink()
        case _:
            card.write_text(card.read_text().replace(text_encoder.name, "another"))
    with pytest.raises(WeightsError, match="deskhand intents fit"):
        load_intents(tmp_path, text_encoder)


def test_labels_with_one_sentence_are_kept(
    text_encoder: TextEncoder, taught: tuple[list[str], list[str]]
) -> None:
    sentences, labels = taught
    classifier, _ = fit(text_encoder, [*sentences, "do you sell spare lids"], [*labels, "spares"])
    assert classifier.predict(["do you sell spare lids"])[0].label == "spares"


def test_two_labels_are_needed(text_encoder: TextEncoder) -> None:
    with pytest.raises(BadInput, match="two labels"):
        fit(text_encoder, ["a b", "c d", "e f"], ["one", "one", "two"])
    two, _ = fit(text_encoder, ["open now?", "open late?", "wrap it", "wrap this"], list("aabb"))
    assert two.predict(["are you open?", "please wrap"])[1].label == "b"


def test_nothing_and_odd_sentences_are_judged(classifier: IntentClassifier) -> None:
    assert classifier.predict([]) == []
    odd = classifier.predict(["", "?!", "日本語", "x" * 5_000])
    assert len(odd) == 4 and all(np.isfinite(one.score) for one in odd)
