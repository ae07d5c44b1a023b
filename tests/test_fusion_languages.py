"""Which language it is, and what English makes of it."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from agent import answers
from fusion.glossary import glossary, key, legible
from fusion.languages import LANGUAGES, detect, heard_in, in_english, spoken_before
from fusion.types import Message, Transcript
from knowledge.demo import folder
from knowledge.lexical import Lexical, spoken, terms
from knowledge.load import read_documents
from knowledge.parse import parse_filters
from knowledge.types import Document

SAMPLES = Path(__file__).parent / "samples"
SHOP = {
    "color": ["blue", "green", "red"],
    "material": ["stoneware", "oak", "glass"],
    "size": ["small", "large"],
    "kind": ["mug", "vase", "lamp"],
    "currency": ["EUR"],
}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("blue mug", "en"),
        ("where is my order?", "en"),
        ("storniere meine Bestellung", "de"),
        ("moins de 40 €, s'il vous plaît", "fr"),
        ("¿Tienen tazas azules?", "es"),
        ("quero cancelar o meu pedido", "pt"),
        ("这个 mug 有蓝色的吗?", "zh"),
        ("取消我的訂單", "zh"),
        ("青いマグカップはありますか", "ja"),
        ("oui", "fr"),
        ("hola", "es"),
    ],
)
def test_a_turn_is_in_the_language_of_its_words(text: str, language: str) -> None:
    assert detect(text) == language


@pytest.mark.parametrize("said", ["KL-1042", "ok", "Aster", "#20418", "👍"])
def test_what_has_no_language_is_in_that_of_the_conversation(said: str) -> None:
    assert detect(said, "fr") == "fr"
    assert detect(said, "en") == "en"


def test_customers_may_change_the_language() -> None:
    history = [Message("customer", "wo ist meine Bestellung?"), Message("agent", "It is there.")]
    assert spoken_before(history) == "de"
    assert spoken_before([*history, Message("customer", "where is it now?")]) == "en"


def test_han_characters_alone_are_japanese_in_a_japanese_conversation() -> None:
    assert detect("返金", "ja") == "ja"
    assert detect("返金", "en") == "zh"
    assert detect("你们有蓝色的杯子吗", "ja") == "zh"


@pytest.mark.parametrize("before", ["zh", "ja"])
def test_an_english_sentence_is_told_from_the_name_of_a_product(before: str) -> None:
    assert detect("and how much is the green one?", before) == "en"
    assert detect("Aster mug blue", before) == before
    assert detect("K1036", before) == before


def test_who_wrote_nothing_yet_has_the_language_of_the_page() -> None:
    assert spoken_before([], "zh") == "zh"
    assert spoken_before([Message("customer", "wo ist meine Bestellung?")], "zh") == "de"


def test_whispers_word_counts_for_a_recording() -> None:
    heard = Transcript("Lumi", "de", 0.9, "whisper:base", 0.0, 1.0)
    assert heard_in(heard, "en") == "de"
    assert heard_in(Transcript("Lumi", "en", 0.9, "pocketsphinx", 0.0, 1.0), "fr") == "en"


def _short() -> list[tuple[str, str]]:
    lines = (SAMPLES / "languages" / "short.tsv").read_text("utf-8").splitlines()
    return [(language, text) for language, text in (line.split("\t") for line in lines)]


@pytest.mark.parametrize("text", [text for language, text in _short() if language == "en"])
def test_slips_names_and_codes_are_no_other_language(text: str) -> None:
    assert detect(text) == "en"


def test_short_sentences_of_other_languages_are_known() -> None:
    other = [(language, text) for language, text in _short() if language != "en"]
    wrong = [(language, text) for language, text in other if detect(text) != language]
    assert len(other) == 60 and len(wrong) <= 3, wrong


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", ["sí", "no", "vale", "gracias", "por favor", "ok", "claro"]),
        ("fr", ["oui", "non", "d'accord", "merci", "s'il vous plaît", "ok", "bien sûr"]),
        ("de", ["ja", "nein", "danke", "bitte", "genau", "ok", "klar"]),
        ("pt", ["sim", "não", "claro", "obrigada", "por favor", "ok", "certo"]),
        ("zh", ["是的", "不用", "好的", "谢谢", "ok", "嗯", "对"]),
        ("ja", ["はい", "いいえ", "お願いします", "ありがとう", "ok", "大丈夫", "了解"]),
    ],
)
def test_a_word_or_two_in_a_conversation_do_not_change_its_language(
    language: str, said: list[str]
) -> None:
    assert [detect(words, language) for words in said] == [language] * len(said)


def test_english_questions_are_taken_for_english() -> None:
    lines = (SAMPLES / "turns.jsonl").read_text("utf-8").splitlines()
    english = [json.loads(line)["text"] for line in lines]
    other = [text for text in english if detect(text) != "en"]
    assert len(other) <= len(english) // 100, other


def test_every_document_of_the_demo_shop_is_taken_for_english() -> None:
    documents = [d for d in read_documents(folder()) if isinstance(d, Document)]
    assert [d.id for d in documents if detect(spoken(d)) != "en"] == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_questions_are_taken_for_their_language(language: str) -> None:
    lines = (SAMPLES / "languages" / f"{language}.jsonl").read_text("utf-8").splitlines()
    found = [detect(json.loads(line)["query"]) == language for line in lines]
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize(
    ("language", "text", "english"),
    [
        ("de", "storniere meine Bestellung #KL-20418", "cancel my order #KL-20418"),
        ("fr", "moins de 40 €", "under 40 €"),
        ("es", "Quiero devolver el Aster", "want return the Aster"),
        ("zh", "取消我的訂單", "cancel my order"),
        ("ja", "はい", "yes"),
        ("pt", "sim, pode fazer", "yes, go ahead"),
        ("fr", "le moins cher", "cheapest"),
        ("de", "am besten bewertete Vase", "best rated vase"),
        ("de", "ein kleiner, leichter Becher", "a small, light mug"),
        ("es", "¿Venden vales de regalo?", "¿sell voucher?"),
        ("ja", "一番大きい花瓶", "biggest vase"),
        ("zh", "40欧元以下的花瓶", "40 euro or less vase"),
        ("pt", "o regador é grande e verde", "the watering can is large and green"),
        ("fr", "où est ma commande?", "where is my order?"),
    ],
)
def test_what_is_said_most_is_read_as_english(language: str, text: str, english: str) -> None:
    assert glossary(language).english(text) == english


def test_what_the_glossary_says_stays_though_the_encoder_has_no_such_word() -> None:
    assert legible("the refund of algum Aster", {"the", "of"}) == "the refund of Aster"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", "不到300元的蓝色杯子"),
        ("fr", "une tasse bleue à moins de 300 yuans"),
        ("de", "eine blaue Tasse für weniger als 300 Yuan"),
        ("es", "una taza azul por menos de 300 yuanes"),
        ("pt", "uma caneca azul por menos de 300 yuans"),
    ],
)
def test_wishes_become_filters(language: str, words: str) -> None:
    found = parse_filters(in_english(words, language), SHOP)
    assert (found.under, found.currency, found.colors) == (300.0, "CNY", ("blue",))


@pytest.mark.parametrize(
    ("language", "words", "agrees"),
    [
        ("zh", "是的", True),
        ("zh", "不用", False),
        ("es", "sí, por favor", True),
        ("fr", "d'accord", True),
        ("fr", "non", False),
        ("de", "ja bitte", True),
        ("de", "nein danke", False),
        ("ja", "はい、お願いします", True),
        ("pt", "não", False),
        ("de", "ja, aber nur wenn es nichts kostet", None),
        ("es", "sí, si es gratis", None),
    ],
)
def test_consent_is_read_strictly(language: str, words: str, agrees: bool | None) -> None:
    assert answers.yes_or_no(in_english(words, language), "Shall I cancel it?") is agrees


def _document(id: str, title: str, language: str) -> Document:
    return Document(id, "faq", title, "", language=language)


def test_words_of_other_languages_are_stemmed_and_characters_paired() -> None:
    lexical = Lexical.build(
        [
            _document("de", "Rücksendungen und Erstattungen", "de"),
            _document("zh", "退货政策", "zh"),
            _document("en", "Gift vouchers", "en"),
        ]
    )
    assert terms("Erstattungen", "de") == terms("Erstattung", "de")
    assert list(lexical.languages) == ["de", "zh"]
    assert (
        max(lexical.shares("wann kommt die Erstattung", 3).items(), key=lambda s: s[1])[0] == "de"
    )
    assert list(lexical.shares("我想退货", 3)) == ["zh"]
    assert list(lexical.shares("a gift voucher", 3)) == ["en"]


def test_many_threads_stem_words_at_once() -> None:
    words = [f"{stem}{end}" for stem in _stems() for end in ("ational", "ingly", "ement", "ities")]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda word: key(word, "en"), words))
    key.cache_clear()
    assert together == [key(word, "en") for word in words]


def _stems() -> list[str]:
    return [a + b + c for a in "bdfglmprst" for b in "aeiou" for c in "bdfglmprst"]
