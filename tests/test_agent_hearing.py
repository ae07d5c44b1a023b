"""Nothing is heard where nobody speaks; the figures of hearing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agent.hearing import digits, markdown, questions, write
from agent.shop_language import said_of
from fusion.audio import clipping, decode_audio, loudness, spoken_part
from fusion.hearing_checks import Spoken, judge, nobody_speaks, word_errors
from fusion.shop_language import dictionary, spoken_form, write_language
from fusion.sphinx import SphinxSpeech
from fusion.types import InputLimits, Turn
from knowledge.demo import folder
from knowledge.load import read_documents
from knowledge.types import Document

SAMPLES = Path(__file__).parent / "samples"


@pytest.mark.slow
def test_nothing_is_heard_in_sixty_clips_without_a_voice() -> None:
    sounds = nobody_speaks(seed=1)  # `deskhand evaluate hearing` takes others
    assert len(sounds) == 60
    speech = SphinxSpeech()
    heard = {
        sound.name: speech.transcribe(part.wave).text
        for sound in sounds
        if (part := spoken_part(sound.wave)) is not None
    }
    assert not any(heard.values()), heard


def test_a_fifth_of_a_second_of_speech_is_no_question() -> None:
    data = (SAMPLES / "audio" / "where_is_my_order.ogg").read_bytes()
    wave = decode_audio(data, InputLimits())
    assert spoken_part(wave[8000:11_200]) is None


def test_loudness_and_clipping() -> None:
    sine = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
    assert -3.2 < loudness(sine) < -2.8 and -43.2 < loudness(sine * 0.01) < -42.8
    assert loudness(np.zeros(0)) == loudness(np.zeros(16_000)) == -120
    assert clipping(sine * 0.9) == 0 and clipping(np.clip(3 * sine, -1, 1)) > 0.5


def test_error_rates() -> None:
    assert word_errors("where is my order", "where is order now") == 2
    assert digits("nine one land k1") == "91??1"
    assert digits("K1027") == "K1027" and digits("") == ""
    wave = decode_audio((SAMPLES / "audio" / "where_is_my_order.ogg").read_bytes(), InputLimits())
    figures = judge([Spoken("a", wave, "where is your order")], SphinxSpeech(), spoken_form)
    assert figures["error rate"] == 0.25 and figures["RTF"] > 0


def test_questions_are_worded_as_no_sentence_of_the_language(tmp_path: Path) -> None:
    documents = [d for d in read_documents(folder()) if isinstance(d, Document)]
    learnt = list(said_of(documents))
    write_language(learnt, [], tmp_path)
    asked = questions(SAMPLES, learnt, tmp_path)
    assert len(asked) >= 200 and len(set(asked)) == len(asked)
    assert not set(asked) & {spoken_form(sentence) for sentence in learnt}
    assert sum(set(one.split()) <= dictionary().keys() for one in asked) > 180


def test_a_reply_keeps_what_was_heard_and_when(agent) -> None:
    sound = (SAMPLES / "audio" / "where_is_my_order.ogg").read_bytes()
    conversation = agent.store.new_conversation()
    *_, done = agent.reply(Turn(audio=sound), conversation)
    heard = done.reply.transcript
    assert heard.text == "where is my order" and heard.engine == "pocketsphinx"
    assert [word.text for word in heard.words] == heard.text.split()
    assert 0 < heard.words[0].start < heard.words[-1].end <= heard.seconds
    assert agent.store.replies(conversation)[0].transcript == heard


def test_figures_are_written(tmp_path: Path) -> None:
    figures = {"a": {"error rate": 0.25, "clips": 60.0}, "Whisper": "left out: there is none"}
    write(figures, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "hearing.json").read_text()) == figures
    table = markdown(figures)
    assert "| a | error rate | 0.250 |" in table and "| a | clips | 60 |" in table
    assert "left out: there is none" in table
