"""Whole turns: everything sent is perceived, or its failure is named, and the rest goes on."""

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from fusion.ocr import load_ocr
from fusion.perceive import Encoders, context, perceive
from fusion.sphinx import SphinxSpeech
from fusion.types import BadInput, InputLimits, Message, Percept, Turn

CLIPS = Path(__file__).parent / "samples" / "audio"
LIMITS = InputLimits()
ORDER = (CLIPS / "where_is_my_order.ogg").read_bytes()
HISTORY = [
    Message("customer", "Do you sell mugs?"),
    Message("agent", "Yes: the Ridge Mug in four colours."),
    Message("customer", "How big is it?"),
    Message("agent", "It holds 350 ml."),
]


@pytest.fixture(scope="module")
def encoders(text_encoder, photo_encoder) -> Encoders:
    return Encoders(text_encoder, photo_encoder, SphinxSpeech(), load_ocr())


@pytest.fixture
def see(encoders):
    def perceived(turn: Turn, history=(), limits: InputLimits = LIMITS) -> Percept:
        percept = perceive(turn, history, encoders, limits)
        for states in percept.encoded.values():
            assert states.tokens.dtype == np.float32 and states.tokens.shape[1:] == (384,)
            assert np.linalg.norm(states.vector) == pytest.approx(1, abs=1e-4)
        assert all(problem.endswith(".") for problem in percept.problems)
        return percept

    return perceived


def picture(words: str = "", color: str = "linen") -> bytes:
    image = Image.new("RGB", (600, 200), color)
    ImageDraw.Draw(image).text((40, 60), words, fill="navy", font=ImageFont.load_default(48))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


def silence(seconds: float) -> bytes:
    samples = round(seconds * 8000)
    sizes = struct.pack("<I", 36 + samples), struct.pack("<I", samples)
    form = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    return b"RIFF" + sizes[0] + b"WAVEfmt " + form + b"data" + sizes[1] + b"\x80" * samples


def video() -> bytes:
    """One still label, and a voice that asks where the order is."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file, av.open(io.BytesIO(ORDER)) as voice:
        pictures = file.add_stream("mpeg4", rate=5)
        pictures.width, pictures.height, pictures.pix_fmt = 600, 200, "yuv420p"
        pictures.bit_rate = 4_000_000
        track = file.add_stream("aac", rate=48_000, layout="mono")
        frame = av.VideoFrame.from_image(Image.open(io.BytesIO(picture("KL-10427"))))
        for _ in range(8):
            file.mux(pictures.encode(frame))
        resampler = av.AudioResampler(track.codec_context.format.name, "mono", 48_000)
        for sound in [*voice.decode(audio=0), None]:
            for part in resampler.resample(sound):
                part.pts = None
                file.mux(track.encode(part))
        file.mux(pictures.encode(None))
        file.mux(track.encode(None))
    return out.getvalue()


def test_every_modality_of_one_turn(see):
    turn = Turn("I am waiting.", audio=ORDER, photos=(picture("Order KL-10427"),))
    percept = see(turn, HISTORY)
    assert percept.present == {"text", "voice", "print", "photo", "history"}
    assert percept.words == "I am waiting.\nwhere is my order\nOrder KL-10427"
    assert percept.text == "I am waiting." and percept.transcript.text == "where is my order"
    assert [(line.text, line.photo) for line in percept.printed] == [("Order KL-10427", 0)]
    assert set(percept.quality) == {
        "voice_confidence",
        "no_speech",
        "loudness",
        "clipping",
        "print_confidence",
        "sharpness",
        "exposure",
        "size",
    }
    assert percept.quality["size"] == 200
    assert -40 < percept.quality["loudness"] < 0
    shares = percept.quality.keys() - {"size", "loudness"}
    assert all(0 <= percept.quality[name] <= 1 for name in shares)
    assert percept.problems == ()
    assert set(percept.seconds) == {"decode", "voice", "print", "photo", "words"}


def test_text_alone(see, encoders):
    percept = see(Turn("  Where is my parcel?\n"))
    assert percept.present == {"text"} and percept.words == "Where is my parcel?"
    vector = encoders.text.encode(["Where is my parcel?"])[0]
    np.testing.assert_allclose(percept.encoded["text"].vector, vector, atol=1e-5)


@pytest.mark.parametrize("kind", ["wav", "ogg", "m4a", "webm", "mp3"])
def test_every_recording_is_heard(see, kind):
    percept = see(Turn(audio=(CLIPS / f"where_is_my_order.{kind}").read_bytes()))
    assert percept.words == "where is my order" and percept.present == {"voice"}
    assert percept.transcript.seconds == pytest.approx(1.45, abs=0.1)
    assert percept.sound == percept.transcript.seconds


def test_a_video_is_seen_read_and_heard(see):
    percept = see(Turn(video=video()))
    assert percept.present == {"voice", "print", "photo"}
    assert percept.words == "where is my order\nKL-10427"
    assert percept.encoded["photo"].tokens.shape == (49, 384)


def test_photos_are_joined(see):
    both = see(Turn(photos=(picture(color="red"), picture(color="blue"))))
    red, blue = (see(Turn(photos=(picture(color=c),))) for c in ("red", "blue"))
    mean = red.encoded["photo"].vector + blue.encoded["photo"].vector
    np.testing.assert_allclose(both.encoded["photo"].vector, mean / np.linalg.norm(mean), atol=1e-4)
    assert len(both.encoded["photo"].tokens) == 98


def test_a_dark_photo_is_named_and_the_clear_one_is_seen(see):
    both = see(Turn(photos=(picture(color="#060606"), picture(color="red"))))
    assert both.problems == ("Photo 1 is too dark. Please take another photo with more light.",)
    assert len(both.encoded["photo"].tokens) == 49
    alone = see(Turn("What is this?", photos=(picture(color="#060606"),)))
    assert alone.present == {"text"} and alone.problems[0].startswith("The photo is too dark")


def test_context_is_the_last_two_exchanges():
    assert context([Message("customer", "too old"), *HISTORY]) == (
        "customer: Do you sell mugs?\nagent: Yes: the Ridge Mug in four colours.\n"
        "customer: How big is it?\nagent: It holds 350 ml."
    )
    assert len(context([Message("agent", "long " * 1000)])) == len("agent: ") + 100
    assert context([]) == context([Message("customer", " ")]) == ""


@pytest.mark.parametrize("turn", [Turn(), Turn(" \n\t "), Turn("\0\x07")])
def test_an_empty_turn_is_refused(see, turn):
    with pytest.raises(BadInput, match="Your message is empty"):
        see(turn, HISTORY)


def test_ten_thousand_words_are_refused(see):
    with pytest.raises(BadInput, match="49999 characters; at most 8000"):
        see(Turn("mugs " * 10_000))


def test_a_silent_recording_alone(see):
    percept = see(Turn(audio=silence(3)), HISTORY)
    assert percept.present == {"history"} and percept.words == ""
    assert percept.transcript is None
    (problem,) = percept.problems
    assert problem.startswith("I could not hear a question in the recording. It is very quiet")


def test_a_recording_that_is_too_long(see):
    percept = see(Turn("see below", audio=silence(130)))
    assert percept.present == {"text"}
    assert "longer than 120 seconds" in percept.problems[0]


def test_without_a_recogniser(encoders):
    percept = perceive(Turn("hi", audio=ORDER), (), replace(encoders, speech=None), LIMITS)
    assert percept.present == {"text"} and "cannot listen" in percept.problems[0]


def test_what_failed_is_named_and_the_rest_goes_on(see):
    png = b"\x89PNG\r\n\x1a\n"
    for kind, body in (
        (b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(3751))),
        (b"IEND", b""),
    ):
        png += struct.pack(">I", len(body)) + kind + body
        png += struct.pack(">I", zlib.crc32(kind + body))
    good = picture("Kiln & Linen")
    turn = Turn(
        "What is this?",
        audio=b"",
        photos=(b"", good[:2000], good, b"\0\0\0\x18ftypheic" + bytes(20), b"<svg/>", png),
        video=good,
    )
    percept = see(turn)
    assert percept.present == {"text", "photo", "print"}
    assert [line.photo for line in percept.printed] == [2]
    expected = [
        "Photo 1: The photo is empty",
        "Photo 2: The photo is damaged",
        "Photo 4: The photo could not be read: the file is HEIC",
        "Photo 5: The photo could not be read: the file is SVG",
        "Photo 6: The photo has too many pixels",
        "The recording is empty",
        "The video could not be read: the file is JPEG",
    ]
    assert len(percept.problems) == len(expected)
    for problem, start in zip(percept.problems, expected, strict=True):
        assert problem.startswith(start)


def test_twenty_photos(see):
    percept = see(Turn(photos=(picture(color="red"),) * 20))
    assert len(percept.encoded["photo"].tokens) == 6 * 49
    assert percept.problems == ("Only the first 6 of your 20 photos were looked at.",)


def test_broken_characters_do_no_harm(see):
    percept = see(Turn("is the \ud83d mug\0 👨‍👩‍👧 blue?"))
    assert percept.text == "is the ? mug 👨‍👩‍👧 blue?"
