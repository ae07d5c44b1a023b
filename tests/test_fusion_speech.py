"""Recognisers: PocketSphinx on clips, Whisper on a tiny checkpoint, and what "auto" chooses."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from whisper.model import ModelDimensions, Whisper

from fusion.audio import decode_audio, spoken_part
from fusion.hearing_checks import nobody_speaks
from fusion.loops import loops
from fusion.speech import load_speech
from fusion.sphinx import SphinxSpeech
from fusion.types import InputLimits, WeightsError
from fusion.whisper_speech import WhisperSpeech

CLIPS = Path(__file__).parent / "samples" / "audio"


def speech(name: str) -> np.ndarray:
    part = spoken_part(decode_audio((CLIPS / name).read_bytes(), InputLimits()))
    assert part is not None
    return part.wave


@pytest.fixture(scope="module")
def sphinx() -> SphinxSpeech:
    return SphinxSpeech()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A Whisper with random weights: all of its machinery, none of its knowledge."""
    torch.manual_seed(0)
    dims = ModelDimensions(
        n_mels=80,
        n_audio_ctx=1500,
        n_audio_state=16,
        n_audio_head=2,
        n_audio_layer=1,
        n_vocab=51865,
        n_text_ctx=32,
        n_text_state=16,
        n_text_head=2,
        n_text_layer=1,
    )
    path = tmp_path_factory.mktemp("whisper") / "base.pt"
    model = Whisper(dims)
    torch.nn.init.normal_(model.decoder.positional_embedding)  # Whisper leaves it unset
    torch.save({"dims": dataclasses.asdict(dims), "model_state_dict": model.state_dict()}, path)
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "whisper").mkdir()
    return tmp_path / "whisper"


@pytest.mark.parametrize(
    "words", ["where is my order", "how long does delivery take", "i want to return my order"]
)
def test_sphinx_understands_a_clear_question(sphinx, words):
    wave = speech(words.replace(" ", "_") + ".ogg")
    heard = sphinx.transcribe(wave)
    assert heard.text == words
    assert (heard.engine, heard.language, heard.no_speech) == ("pocketsphinx", "en", 0)
    assert 0.3 < heard.confidence <= 1
    assert heard.seconds == len(wave) / 16_000


@pytest.mark.parametrize("kind", ["ogg", "webm", "m4a", "mp3", "wav"])
def test_sphinx_hears_every_format(sphinx, kind):
    heard = sphinx.transcribe(speech(f"where_is_my_order.{kind}"))
    assert heard.text == "where is my order"


def test_sphinx_hears_a_person(sphinx):
    assert {"my", "fellow"} <= set(sphinx.transcribe(speech("jfk.ogg")).text.split())


def test_sphinx_has_nothing_to_say_of_nothing(sphinx):
    heard = sphinx.transcribe(np.zeros(0, np.float32))
    assert (heard.text, heard.confidence, heard.no_speech) == ("", 0, 1)


def test_coughs_that_are_taken_for_speech_say_nothing(sphinx):
    parts = [spoken_part(one.wave) for seed in range(6) for one in nobody_speaks(seed)]
    taken = [sphinx.transcribe(part.wave) for part in parts if part]
    assert taken and {(heard.text, heard.no_speech) for heard in taken} == {("", 1)}


def test_threads_share_one_recogniser(sphinx):
    wave = speech("where_is_my_order.ogg")
    with ThreadPoolExecutor(3) as pool:
        assert {heard.text for heard in pool.map(sphinx.transcribe, [wave] * 6)} == {
            "where is my order"
        }


@pytest.mark.parametrize("kind", ["speech", "noise"])
def test_whisper_runs_and_its_nonsense_is_harmless(checkpoint, kind):
    recogniser = WhisperSpeech(checkpoint)
    torch.manual_seed(0)  # Whisper samples when it is unsure
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    heard = recogniser.transcribe(speech("where_is_my_order.ogg") if kind == "speech" else noise)
    assert heard.engine == "whisper:base"
    assert 0 <= heard.confidence <= 1 and 0 <= heard.no_speech <= 1
    assert heard.text == ""  # random weights say random words


@pytest.mark.parametrize(
    ("text", "looping"),
    [
        ("", False),
        ("No, no, no, I said the blue one.", False),
        ("Where is my order? I ordered a lamp on Monday and it has not come yet.", False),
        ("My number is 0 0 0 1 2 3.", False),
        ("you you you you you you you", True),
        ("Thank you. " * 6, True),
        ("Thanks for watching and see you in the next video! " * 8, True),
        ("mua mua mua, " * 40, True),
    ],
)
def test_a_phrase_over_and_over_is_not_speech(text, looping):
    assert loops(text) is looping


def test_auto_takes_the_best_whisper_that_is_there(cache, checkpoint):
    assert load_speech("auto").engine == "pocketsphinx"
    (cache / "tiny.pt").symlink_to(checkpoint)
    (cache / "large-v3.pt").write_bytes(b"too slow to be chosen")
    assert load_speech("auto").engine == "whisper:tiny"
    (cache / "small.pt").symlink_to(checkpoint)
    assert load_speech("auto").engine == "whisper:small"


def test_whisper_by_name_and_by_file(cache, checkpoint):
    (cache / "base.pt").symlink_to(checkpoint)
    assert load_speech("whisper:base").engine == "whisper:base"
    assert load_speech(f"whisper:{checkpoint}").engine == "whisper:base"


def test_off_hears_nothing():
    assert load_speech("off") is None


@pytest.mark.parametrize(
    ("spec", "fix"),
    [
        ("whisper:base", "deskhand models pull whisper:base"),
        ("whisper:/nowhere/mine.pt", r"no Whisper checkpoint /nowhere/mine\.pt"),
        ("whisper", "auto, pocketsphinx, whisper:NAME"),
        ("siri", "auto, pocketsphinx, whisper:NAME"),
    ],
)
def test_what_is_missing_names_the_fix(cache, spec, fix):
    with pytest.raises(WeightsError, match=fix):
        load_speech(spec)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a download"])
def test_a_damaged_checkpoint_names_the_fix(cache, content):
    (cache / "base.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"base\.pt is not a Whisper checkpoint.*fetch it again"):
        load_speech("whisper:base")
