"""The shop's language: how names are said, what is heard with it, numbers that are spelt out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.listening import expected
from agent.shop_language import said_of
from fusion.audio import decode_audio, spoken_part
from fusion.pronounce import pronounce
from fusion.shop_language import dictionary, read_names, spoken_form, write_language
from fusion.spelling import written
from fusion.sphinx import GENERAL, NUMBER, SHOP, SphinxSpeech
from fusion.types import InputLimits
from fusion.voices import say, voices
from knowledge.demo import folder
from knowledge.load import read_documents
from knowledge.types import Document

CLIPS = Path(__file__).parent / "samples" / "audio"


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [d for d in read_documents(folder()) if isinstance(d, Document)]
    out = tmp_path_factory.mktemp("language")
    assert write_language(said_of(documents), ["Tove mug", "Hora clock", "Tove mug"], out) > 2000
    return out


@pytest.fixture(scope="module")
def sphinx(language: Path) -> SphinxSpeech:
    return SphinxSpeech(language)


def wave(words: str, voice: tuple[str, str] = ("flite", "slt")) -> np.ndarray:
    if voice not in voices():
        pytest.skip(f"{voice[0]} is not installed")
    part = spoken_part(decode_audio(say(words, voice), InputLimits()))
    assert part is not None
    return part.wave


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("mug", "M AH G"),
        ("sideboard", "S AY D B AO R D"),
        ("teapots", "T IY P AA T S"),
        ("tove", "T OW V"),
        ("lumi", "L UW M IY"),
        ("''", ""),
    ],
)
def test_unknown_words_are_said_by_rule(word: str, phones: str) -> None:
    assert pronounce(word, dictionary().get) == phones


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Returns within 30 days?", "returns within thirty days"),
        ("It's 16.90 €", "it's sixteen ninety euros"),
        ("order K1014", "order k one zero one four"),
        ("Kiln & Linen, 350 ml", "kiln and linen three hundred fifty ml"),
        ("¿?", ""),
    ],
)
def test_sentences_are_written_as_they_are_said(text: str, said: str) -> None:
    assert spoken_form(text) == said


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("one double three oh", "1330"),
        ("k. one zero two seven", "K1027"),
        ("k. as in kilo triple five", "K555"),
        ("p. for bravo nine", "B9"),
        ("", ""),
    ],
)
def test_what_is_spelt_is_written(said: str, code: str) -> None:
    assert written(said.split()) == code


def test_a_shop_without_words_has_no_language(language: Path, tmp_path: Path) -> None:
    assert read_names(language) == ["Tove mug", "Hora clock"]
    assert write_language(["Where is it?"], ["Bowl"], tmp_path) == 1
    assert write_language([], [], tmp_path) == 0 and not list(tmp_path.iterdir())
    assert read_names(tmp_path) == []


def test_the_shops_own_words_are_heard(sphinx: SphinxSpeech) -> None:
    said = "do you have the tove mug in blue"
    sound = wave(said, ("flite", "rms"))
    assert sphinx.transcribe(sound).text == said
    assert "tove" not in sphinx.search(sound, GENERAL).text


def test_the_better_of_both_is_kept(sphinx: SphinxSpeech) -> None:
    part = spoken_part(decode_audio((CLIPS / "jfk.ogg").read_bytes(), InputLimits()))
    assert part is not None
    general, shop = (sphinx.search(part.wave, name) for name in (GENERAL, SHOP))
    assert general.score > shop.score and general.text != shop.text
    heard = sphinx.transcribe(part.wave)
    assert heard.text == general.text
    times = [(word.start, word.end) for word in heard.words]
    assert times == sorted(times) and times[0][0] >= 0 and times[-1][1] <= heard.seconds + 0.1


def test_a_number_that_was_asked_for_is_written_as_one(sphinx: SphinxSpeech) -> None:
    sound = wave("one zero two seven")
    assert sphinx.transcribe(sound, "number").text == "1027"
    assert sphinx.search(sound, NUMBER).words[0].text == "one"


def test_a_sentence_instead_of_the_number_is_still_heard(sphinx: SphinxSpeech) -> None:
    said = "i do not know my order number"
    heard = sphinx.transcribe(wave(said, ("flite", "rms")), "number").text
    assert "do not" in heard and "my order number" in heard


def test_nothing_was_asked_yet() -> None:
    assert expected([]) == "words"
