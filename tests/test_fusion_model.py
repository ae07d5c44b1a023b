"""The fusion module: its form before training, and what the shipped weights do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusion.explain import coalitions
from fusion.model import INTENTS, FusionModel, collate
from fusion.photo import decode_photo
from fusion.types import MODALITIES, Encoded, InputLimits, Modality, Percept, Transcript
from fusion.understand import FusionModule, load_fusion


@pytest.fixture(scope="module")
def fusion() -> FusionModule:
    return load_fusion()


WORDS = "do you have this in blue?"


def percept(words: str = WORDS, **encoded: Encoded) -> Percept:
    """`words` are the typed ones; they are there although `encoded` may lack them."""
    heard = Transcript("have this in blue", "en", 0.8, "test", 0.0, 1.0)
    return Percept(words, words, heard, (), encoded, {})  # type: ignore[arg-type]


def everything(text_encoder, seed: int = 0) -> Percept:
    photo = np.random.default_rng(seed).normal(size=(49, 384)).astype(np.float32)
    mean = photo.mean(0)
    return percept(
        text=text_encoder.states(WORDS),
        voice=text_encoder.states("have this in blue"),
        print=text_encoder.states("Kiln & Linen"),
        photo=Encoded(photo, mean / np.linalg.norm(mean)),
        history=text_encoder.states("customer: hi\nagent: Hello."),
    )


@pytest.mark.parametrize("modality", MODALITIES)
def test_one_modality_stays_where_its_encoder_put_it(fusion, text_encoder, modality) -> None:
    states = everything(text_encoder).encoded[modality]
    assert fusion(percept(**{modality: states})).vector == pytest.approx(states.vector, abs=1e-5)


def test_what_is_masked_is_not_there(text_encoder) -> None:
    torch.manual_seed(0)
    model = FusionModel().eval()
    torch.nn.init.normal_(model.intents.wording.weigh.weight)
    whole = everything(text_encoder)
    inputs = collate([whole])
    only_text = torch.tensor([[m == "text" for m in MODALITIES]])
    masked = model(inputs.masked(only_text))
    alone = model(collate([percept(text=whole.encoded["text"])]))
    other = model(collate([percept("cancel my order", text=whole.encoded["text"])]))
    assert not torch.allclose(other.intents, alone.intents, atol=1e-2)  # the wording counts
    assert torch.allclose(masked.intents, alone.intents, atol=1e-5)
    assert torch.allclose(masked.vector, alone.vector, atol=1e-5)


def test_one_turn_is_understood_the_same_in_any_batch(text_encoder) -> None:
    torch.manual_seed(0)
    model = FusionModel().eval()
    short, long = percept("hi", text=text_encoder.states("hi")), everything(text_encoder)
    together = model(collate([short, long]))
    assert torch.allclose(together.intents[0], model(collate([short])).intents[0], atol=1e-5)


@pytest.mark.parametrize("chosen", [c for c in coalitions(5) if c.any()])
def test_attributions_are_complete(fusion, text_encoder, chosen) -> None:
    whole = everything(text_encoder)
    players: list[Modality] = [m for m, there in zip(MODALITIES, chosen, strict=True) if there]
    fused = fusion(percept(**{m: whole.encoded[m] for m in players}))
    nobody = fusion(percept()).intents[fused.intent]
    assert set(fused.attributions.intent) == set(players)
    assert sum(fused.attributions.intent.values()) == pytest.approx(
        fused.intents[fused.intent] - nobody, abs=1e-4
    )
    assert sum(fused.attributions.retrieval.values()) == pytest.approx(1, abs=1e-4)
    assert sum(fused.intents.values()) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(fused.vector) == pytest.approx(1, abs=1e-4)
    now = {m: whole.encoded[m] for m in players if m != "history"}
    np.testing.assert_allclose(fused.alone, fusion.vector(percept(**now)), atol=1e-5)


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("hello there", "greeting"),
        ("where is my parcel, it should have come on monday", "order_status"),
        ("i would like to speak with a human being", "person"),
        ("please cancel the order i placed this morning", "cancel_order"),
        ("the bowl was smashed when i unpacked it", "damaged_item"),
        ("how much do you charge for shipping to spain?", "delivery"),
        ("i want my money back", "refund"),
        ("can i pay with paypal?", "payment"),
        ("could you mail me the invoice again", "invoice"),
        ("thank you so much, bye", "thanks"),
        ("i can't log into my account", "account"),
        ("i'd like to send these plates back to you", "return"),
    ],
)
def test_intents_of_sentences_in_nobody_s_training_set(fusion, text_encoder, words, intent) -> None:
    assert fusion(percept(words, text=text_encoder.states(words))).intent == intent


def test_the_photo_decides_the_product_and_the_words_the_intent(
    fusion, text_encoder, photo_encoder, customer_photos
) -> None:
    if not customer_photos:
        pytest.skip("tests/samples/photos/customer is not in this copy")
    words = "how much is this?"
    typed = text_encoder.states(words)
    seen = {}
    for product in ("mug-aster-blue", "kettle-bruno-red"):
        photo = decode_photo(customer_photos[product][0].read_bytes(), InputLimits())
        seen[product] = fusion(percept(words, text=typed, photo=photo_encoder.states(photo)))
    mug, kettle = seen.values()
    assert mug.intent == kettle.intent == "product_question"
    assert float(mug.vector @ kettle.vector) < 0.9
    for fused in (mug, kettle):
        assert fused.attributions.retrieval["photo"] > fused.attributions.retrieval["text"]
        assert fused.attributions.intent["text"] > fused.attributions.intent["photo"]


def test_every_intent_has_a_name_once() -> None:
    assert len(set(INTENTS)) == len(INTENTS)
