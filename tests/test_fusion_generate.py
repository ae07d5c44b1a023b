"""A language model on this machine: a tiny one, with random weights and a tokenizer made here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from agent.chat import Chat
from agent.chat_guard import GuardedModel
from agent.chat_models import load_chat_model
from agent.compose import BuiltinComposer
from agent.types import Answer
from fusion.generate import LONGEST, load_generator
from fusion.types import WeightsError
from knowledge.types import Document, Hit

SPECIAL = ["<s>", "</s>", "<unk>", "system", "user", "assistant", ":", "."]
WORDS = [*SPECIAL, "It", "is", "blue", "the", "mug", "and", "costs", "a", "green", "lamp"]
TEMPLATE = (
    "{% for message in messages %}{{ message.role }} : {{ message.content }} "
    "{% endfor %}{% if tools %}{{ tools | length }} {% endif %}assistant :"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tokenizer = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    wrapped.chat_template = TEMPLATE
    wrapped.save_pretrained(folder)
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=600,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_the_same_question_has_the_same_answer_piece_by_piece(folder):
    generate = load_generator(str(folder))
    asked = [{"role": "user", "content": "is the mug blue"}]
    pieces = list(generate(asked, []))
    assert len(pieces) > 1 and pieces == list(generate(asked, []))
    assert len("".join(pieces).split()) <= LONGEST
    assert set("".join(pieces).split()) <= set(WORDS)  # the prompt is not among them


def test_what_does_not_fit_is_an_error_and_not_cut(folder):
    generate = load_generator(str(folder))
    with pytest.raises(ValueError, match="do not fit the model's context of 600"):
        list(generate([{"role": "user", "content": "mug " * 700}], []))


def test_who_stops_reading_stops_the_model(folder):
    generate = load_generator(str(folder))
    answer = generate([{"role": "user", "content": "is the mug blue"}], [])
    next(answer)
    answer.close()
    assert list(generate([{"role": "user", "content": "is the mug blue"}], []))


def test_the_agent_hears_it_like_any_other_model(folder):
    """Random weights say nothing that makes sense, and nothing that is not so is passed on."""
    chat = Chat(GuardedModel(load_chat_model(str(folder))), str)
    mug = Document("mug", "product", "Aster mug, blue", "A mug.", price=16.9, currency="EUR")
    answer = Answer((Hit(mug, 0.9, {"dense": 1}),), "product_question")
    draft = BuiltinComposer().compose(answer, None, answer.hits, [], "how much is the mug")
    text = "".join(chat.tell("", [answer], [draft], "", [], ["how much is the mug"]))
    assert text
    assert chat.plan("cancel it", [], {}) == ([], "")


@pytest.mark.parametrize("kind", ["empty", "damaged", "pickle", "missing"])
def test_a_folder_without_a_whole_model_is_a_sentence(folder, tmp_path, kind):
    for file in folder.iterdir():
        if kind != "empty":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    if kind == "damaged":
        weights.write_bytes(weights.read_bytes()[:500])
    if kind == "pickle":
        weights.unlink()
        torch.save(json.loads("{}"), tmp_path / "pytorch_model.bin")
    spec = "hub:nobody/nothing" if kind == "missing" else str(tmp_path)
    with pytest.raises(WeightsError, match="deskhand models pull"):
        load_generator(spec)
