"""Recordings: every format heard, every broken file refused, speech told from noise."""

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from fusion.audio import decode_audio, spoken_part
from fusion.types import BadInput, InputLimits

CLIPS = Path(__file__).parent / "samples" / "audio"
LIMITS = InputLimits()
RATE = 16_000
rng = np.random.default_rng(0)


def wav(samples: np.ndarray, rate: int = RATE, channels: int = 1) -> bytes:
    """Samples in [-1, 1], interleaved, as a 16-bit WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def encoded(samples: np.ndarray, container: str, codec: str, rate: int) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "flt", "mono")
        frame.rate = RATE
        resampler = av.AudioResampler(stream.codec_context.format.name, "mono", rate)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


def tone(seconds: float, hertz: float = 440) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return decode_audio((CLIPS / "jfk.ogg").read_bytes(), LIMITS)


@pytest.mark.parametrize("name", ["jfk.ogg", "jfk.webm", "jfk.m4a", "jfk.mp3", "jfk.wav"])
def test_every_format_is_the_same_recording(name, speech):
    heard = decode_audio((CLIPS / name).read_bytes(), LIMITS)
    assert heard.dtype == np.float32 and heard.ndim == 1
    assert len(heard) == pytest.approx(6.06 * RATE, abs=0.1 * RATE)
    assert np.abs(heard).max() <= 1

    def loudness(sound):  # in steps of 50 ms; an encoder may shift the sound by one of them
        return np.sqrt((sound[: 110 * 800].reshape(110, 800) ** 2).mean(1))

    assert np.corrcoef(loudness(heard), loudness(speech))[0, 1] > 0.8


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("flac", "flac", 44_100),
        ("adts", "aac", 48_000),
        ("ogg", "libopus", 48_000),
        ("webm", "libopus", 24_000),
        ("wav", "pcm_s16le", 8_000),
        ("amr", "libopencore_amrnb", 8_000),
    ],
)
def test_other_containers_and_rates(container, codec, rate):
    heard = decode_audio(encoded(tone(2), container, codec, rate), LIMITS)
    assert len(heard) == pytest.approx(2 * RATE, abs=0.1 * RATE)
    spectrum = np.abs(np.fft.rfft(heard[:RATE]))
    assert spectrum.argmax() == pytest.approx(440, abs=2)


def test_stereo_is_mixed_to_mono():
    left, right = tone(1), np.zeros(RATE)
    heard = decode_audio(wav(np.stack([left, right], 1).ravel(), channels=2), LIMITS)
    assert len(heard) == RATE
    assert 0.2 < np.abs(heard).max() < 0.51


def test_silence_is_a_recording():
    heard = decode_audio(wav(np.zeros(RATE)), LIMITS)
    assert len(heard) == RATE and not heard.any()


CLIP = (CLIPS / "jfk.wav").read_bytes()
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"not sound at all", "do not know"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "the file is JPEG"),
        (b"%PDF-1.7" + bytes(100), "the file is PDF"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "do not know"),
        (PLAYLIST, "do not know"),
        (CLIP[:20], "damaged|empty"),
        (CLIP[: len(CLIP) // 2], "cut off: 3\\.0 of its 6\\.1 seconds"),
        ((CLIPS / "jfk.m4a").read_bytes()[:9000], "damaged"),
        ((CLIPS / "jfk.mp3").read_bytes()[:9000], "cut off"),
        ((CLIPS / "jfk.ogg").read_bytes()[:60], "damaged|empty"),
        ((CLIPS / "jfk.webm").read_bytes()[:9000], "cut off"),
        (b"OggS" + rng.bytes(5000), "damaged|empty"),
        (b"\x1a\x45\xdf\xa3" + rng.bytes(5000), "damaged|empty"),
        (b"RIFF\xff\xff\xff\xffWAVE" + rng.bytes(5000), "damaged|empty"),
        (b"fLaC" + rng.bytes(5000), "damaged|empty"),
    ],
)
def test_what_is_no_recording_is_refused(data, sentence):
    with pytest.raises(BadInput, match=sentence) as caught:
        decode_audio(data, LIMITS)
    assert str(caught.value).endswith(".")


def test_a_recording_without_its_name_is_still_heard(tmp_path):
    renamed = tmp_path / "photo.jpg"  # the name never comes in; the bytes decide
    renamed.write_bytes((CLIPS / "jfk.m4a").read_bytes())
    assert len(decode_audio(renamed.read_bytes(), LIMITS)) > 5 * RATE


def test_too_long_by_the_header():
    with pytest.raises(BadInput, match="longer than 120 seconds"):
        decode_audio(wav(np.zeros(121 * RATE)), LIMITS)


def test_too_long_whatever_the_header_says():
    lying = bytearray(wav(np.zeros(5 * RATE)))
    lying[4:8] = lying[40:44] = b"\xff\xff\xff\xff"  # as browsers write while they record
    with pytest.raises(BadInput, match="longer than 2 seconds"):
        decode_audio(bytes(lying), InputLimits(audio_seconds=2))


def test_too_many_bytes():
    with pytest.raises(BadInput, match="49 kB; at most 1 kB"):
        decode_audio(CLIP, InputLimits(audio_bytes=1000))


def test_speech_is_kept_and_long_pauses_are_cut(speech):
    part = spoken_part(speech)
    assert part is not None and 3 * RATE < len(part.wave) <= len(speech)
    paused = np.concatenate([speech, np.zeros(10 * RATE, np.float32), speech])
    both = spoken_part(paused)
    assert both is not None and len(both.wave) < 2 * len(speech)
    end = both.at(len(both.wave) / RATE)  # times are those of the recording, pause included
    assert 14 < end <= len(paused) / RATE


def beeps() -> np.ndarray:
    notes = [tone(0.4, hertz) for hertz in (262, 330, 392, 523, 392, 330, 262, 196)]
    chords = [a + tone(0.4, 1.5 * h) for a, h in zip(notes, (262, 330, 392, 523) * 2, strict=True)]
    return np.concatenate(chords)


def click() -> np.ndarray:
    sound = np.zeros(2 * RATE)
    sound[RATE : RATE + RATE // 5] = rng.normal(0, 0.3, RATE // 5)
    return sound


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(3 * RATE),
        0.3 * tone(3, 50) + 0.1 * tone(3, 150),
        rng.normal(0, 0.1, 3 * RATE),
        beeps(),
        click(),
        np.zeros(0),
        np.zeros(1),
    ],
    ids=["silence", "hum", "noise", "music", "click", "empty", "one sample"],
)
def test_nobody_speaks(sound):
    assert spoken_part(sound.astype(np.float32)) is None
