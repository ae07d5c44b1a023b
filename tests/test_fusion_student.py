"""The student of other languages: what it reads, how it is trained, and what is shipped."""

import lzma
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fusion import train_student
from fusion.cognates import portuguese
from fusion.parallel import LANGUAGES, read_pairs, taught
from fusion.student import FILE, Student, folded, load_student, pieces
from fusion.text import TextEncoder, load_text
from fusion.train_student import Recipe, gather, train
from fusion.types import WeightsError
from fusion.weights import SHIPPED, card_path

THINGS = {
    "cup": ("杯子", "taza", "tasse", "Tasse", "カップ", "xícara"),
    "lamp": ("台灯", "lámpara", "lampe", "Lampe", "ランプ", "luminária"),
    "parcel": ("包裹", "paquete", "colis", "Paket", "荷物", "pacote"),
    "chair": ("椅子", "silla", "chaise", "Stuhl", "椅子", "cadeira"),
}
WISHES = {
    "I want a {}": "我想要{}|quiero {}|je veux {}|ich will {}|{}が欲しい|quero {}",
    "where is the {}": "{}在哪里|dónde está {}|où est {}|wo ist {}|{}はどこ|onde está {}",
    "the {} is broken": "{}坏了|{} roto|{} cassé|{} kaputt|{}が壊れた|{} quebrado",
    "how much is the {}": "{}多少钱|cuánto es {}|combien {}|was kostet {}|{}はいくら|quanto é {}",
}
SMALL = Recipe(epochs=2, batch=32, rows=3000, width=32, hidden=32, dropped=0.1)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_text()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parallel")
    for n, language in enumerate(LANGUAGES):
        rows = [
            f"{wish.format(thing)}\t{said.split('|')[n].format(names[n])}\tshop:own\n"
            for wish, said in WISHES.items()
            for thing, names in THINGS.items()
        ]
        with lzma.open(folder / f"en-{language}.tsv.xz", "wt", encoding="utf-8") as file:
            file.writelines(rows * 3)
    return folder


def test_traditional_and_full_width_characters_are_folded() -> None:
    assert folded("取消訂單ＡＢ") == "取消订单ab"
    assert (pieces("取消訂單")[0] == pieces("取消订单")[0]).all()


def test_a_word_is_itself_its_spelling_and_the_one_before() -> None:
    one, two = set(pieces("blaue Tasse")[0]), set(pieces("Tasse blaue")[0])
    assert one != two and len(one & two) > 10


def test_everyday_spanish_is_read_as_portuguese() -> None:
    assert portuguese("Hay una ventana a la izquierda") == "há uma janela a a izquerda"
    assert portuguese("una canción y la ciudad") == "uma canção e a cidade"


def test_what_is_held_out_in_one_language_is_in_all(corpus: Path) -> None:
    pairs = read_pairs(corpus)
    for row in np.unique(pairs.rows):
        assert len(set(pairs.held_out[pairs.rows == row].tolist())) == 1


def test_a_run_that_was_cut_off_goes_on_exactly(
    corpus: Path, encoder: TextEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = read_pairs(corpus)
    vectors = taught(pairs.english, encoder, tmp_path / "teacher.f16")
    again = taught(pairs.english, encoder, tmp_path / "teacher.f16")
    assert vectors.shape == (16, 384) and (vectors == again).all()
    data = gather(pairs, vectors, SMALL.rows)
    whole = train(data, SMALL, tmp_path / "whole", {})

    judge, calls = train_student.judge, []

    def cut_off(*given):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return judge(*given)

    monkeypatch.setattr(train_student, "judge", cut_off)
    with pytest.raises(KeyboardInterrupt):
        train(data, SMALL, tmp_path / "cut", {})
    monkeypatch.setattr(train_student, "judge", judge)
    resumed = train(data, SMALL, tmp_path / "cut", {})
    assert whole.read_bytes() == resumed.read_bytes()


def test_training_brings_sentences_to_their_english_ones(
    corpus: Path, encoder: TextEncoder, tmp_path: Path
) -> None:
    pairs = read_pairs(corpus)
    vectors = taught(pairs.english, encoder, tmp_path / "teacher.f16")
    data = gather(pairs, vectors, SMALL.rows)
    path = train(data, replace(SMALL, epochs=12, peak_rate=1e-2), tmp_path, {"own": "made up"})
    said = Student(path).encode(["wo ist Lampe", "combien tasse", "我想要椅子"])
    english = ["where is the lamp", "how much is the cup", "I want a chair"]
    right = [pairs.english.index(sentence) for sentence in english]
    assert (said @ data.vectors.numpy().T).argmax(1).tolist() == right


def test_the_shipped_student_is_small_and_reads_six_languages(encoder: TextEncoder) -> None:
    assert (SHIPPED / FILE).stat().st_size <= 25_000_000
    student = load_student()
    english = ["where is my order", "a blue cup", "good morning", "the train is late"]
    other = {
        "es": ["dónde está mi pedido", "una taza azul", "buenos días", "el tren llega tarde"],
        "fr": ["où est ma commande", "une tasse bleue", "bonjour", "le train est en retard"],
        "de": [
            "wo ist meine Bestellung",
            "eine blaue Tasse",
            "guten Morgen",
            "der Zug ist zu spät",
        ],
        "zh": ["我的訂單在哪裡", "一个蓝色的杯子", "早上好", "火车晚点了"],
        "ja": ["私の注文はどこですか", "青いカップ", "おはようございます", "電車が遅れている"],
        "pt": ["onde está meu pedido", "uma xícara azul", "bom dia", "o trem está atrasado"],
    }
    right = encoder.encode(english)
    for language, said in other.items():
        near = (student.encode(said) @ right.T).argmax(1)
        assert near.tolist() == [0, 1, 2, 3], language


def test_nothing_known_is_a_vector_all_the_same() -> None:
    assert np.isfinite(load_student().encode(["", "???", "ᚠᚢᚦ"])).all()
    assert load_student().encode([]).shape == (0, 384)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE
    shutil.copy(card_path(SHIPPED / FILE), card_path(path))
    path.write_bytes((SHIPPED / FILE).read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="deskhand train languages"):
        Student(path)


def test_the_table_is_read_as_it_was_written(corpus: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = train_student.StudentModel(10, 8, 8)
    keys = np.arange(10, dtype=np.uint32)
    packed = train_student.packed(model, keys)
    table = packed["table.int8"].float() * packed["table.scale"].float()
    assert (table - model.table.weight).abs().max() < 0.01
