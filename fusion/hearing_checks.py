"""Sounds in which nobody speaks, and the figures of a recogniser on recordings.

Nothing here is asked for by a turn: `deskhand evaluate hearing` prints the figures.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np
from rapidfuzz.distance import Levenshtein

from fusion.audio import spoken_part
from fusion.media import SAMPLE_RATE
from fusion.speech import Recogniser
from fusion.types import Expected

EACH = 10  # clips of every kind of sound


@dataclass(frozen=True, slots=True)
class Spoken:
    """One recording, and what is said in it, as a recogniser would write it."""

    name: str
    wave: np.ndarray  # (n,) float32, 16 kHz
    said: str


def word_errors(said: str, heard: str) -> int:
    """Words to insert, delete or replace."""
    return Levenshtein.distance(said.split(), heard.split())


def judge(
    recordings: Sequence[Spoken],
    recogniser: Recogniser,
    written: Callable[[str], str],
    expected: Expected = "words",
    letters: bool = False,
) -> dict[str, float]:
    """Error rate and cost of a recogniser on recordings, each cut to its speech as a turn does.

    `written` brings what is heard into the form of what is said. With `letters`, characters are
    counted and not words. "processor seconds a second" is the time of one core; "RTF" what a clock
    shows, which depends on what else the machine does.
    """
    wrong = total = 0
    seconds = clock = work = 0.0
    for one in recordings:
        begun, before = perf_counter(), process_time()
        part = spoken_part(one.wave)
        heard = written(recogniser.transcribe(part.wave, expected).text) if part else ""
        clock, work = clock + perf_counter() - begun, work + process_time() - before
        seconds += len(one.wave) / SAMPLE_RATE
        wrong += Levenshtein.distance(one.said, heard) if letters else word_errors(one.said, heard)
        total += len(one.said) if letters else len(one.said.split())
    return {
        "recordings": float(len(recordings)),
        "error rate": wrong / max(1, total),
        "RTF": clock / max(seconds, 1e-9),
        "processor seconds a second": work / max(seconds, 1e-9),
    }


def invented(sounds: Sequence[Spoken], recogniser: Recogniser) -> dict[str, float]:
    """How many words are heard where nobody speaks: after voice detection, and without it."""
    passed = words = unguarded = 0
    for one in sounds:
        part = spoken_part(one.wave)
        if part is not None:
            passed += 1
            words += len(recogniser.transcribe(part.wave).text.split())
        unguarded += len(recogniser.transcribe(one.wave).text.split())
    return {
        "clips": float(len(sounds)),
        "clips taken for speech": float(passed),
        "invented words": float(words),
        "invented words without voice detection": float(unguarded),
    }


def memory() -> float:
    """The most that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def nobody_speaks(seed: int) -> list[Spoken]:
    """60 clips of 1 to 6 seconds: silence, hum, noise, music, tones and coughs, EACH of each."""
    rng = np.random.default_rng(seed)
    makers = (_silence, _hum, _noise, _music, _tones, _cough)
    return [
        Spoken(f"{make.__name__[1:]} {i}", make(round(rng.uniform(1, 6) * SAMPLE_RATE), rng), "")
        for make in makers
        for i in range(EACH)
    ]


def _silence(n: int, rng: np.random.Generator) -> np.ndarray:
    """A quiet room through a cheap microphone, or nothing at all."""
    return _wave(rng.normal(0, rng.choice([0, 1e-4, 1e-3]), n))


def _hum(n: int, rng: np.random.Generator) -> np.ndarray:
    mains, time = rng.choice([50.0, 60.0]), np.arange(n) / SAMPLE_RATE
    parts = [rng.uniform(0, 0.3) / k * np.sin(2 * np.pi * mains * k * time) for k in range(1, 8)]
    return _wave(sum(parts) + rng.normal(0, 1e-3, n))


def _noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """White to brown, steady or coming and going like traffic."""
    spectrum = np.fft.rfft(rng.normal(0, 1, n))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** rng.uniform(0, 1)
    sound = np.fft.irfft(spectrum, n)
    swell = 1 + 0.8 * np.sin(2 * np.pi * rng.uniform(0.05, 0.8) * np.arange(n) / SAMPLE_RATE)
    return _wave(rng.uniform(0.05, 0.4) * sound / np.abs(sound).max() * swell)


def _music(n: int, rng: np.random.Generator) -> np.ndarray:
    """Plucked chords over a bass, with a drum."""
    sound, beat = np.zeros(n), round(rng.uniform(0.25, 0.5) * SAMPLE_RATE)
    for start in range(0, n, beat):
        time = np.arange(min(beat, n - start)) / SAMPLE_RATE
        root = 110 * 2 ** (rng.integers(0, 12) / 12)
        for step in (0, 4, 7, 12):
            pitch = root * 2 ** (step / 12)
            for k in range(1, 6):
                sound[start : start + len(time)] += (
                    0.1 / k * np.exp(-3 * k * time) * np.sin(2 * np.pi * pitch * k * time)
                )
        sound[start : start + len(time)] += 0.2 * rng.normal(0, 1, len(time)) * np.exp(-time / 0.02)
    return _wave(sound)


def _tones(n: int, rng: np.random.Generator) -> np.ndarray:
    """Beeps of a telephone: two sines together, with gaps."""
    time = np.arange(n) / SAMPLE_RATE
    low, high = rng.uniform(350, 950), rng.uniform(1000, 1700)
    gate = (time % 0.4) < rng.uniform(0.1, 0.35)
    return _wave(0.2 * (np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)) * gate)


def _cough(n: int, rng: np.random.Generator) -> np.ndarray:
    """One to three bursts of throaty noise, 0.2 to 0.35 s each."""
    sound = rng.normal(0, 1e-3, n)
    for _ in range(rng.integers(1, 4)):
        length = round(rng.uniform(0.2, 0.35) * SAMPLE_RATE)
        start = int(rng.integers(0, max(1, n - length)))
        burst = rng.normal(0, 1, min(length, n - start))
        spectrum = np.fft.rfft(burst)
        hertz = np.fft.rfftfreq(len(burst), 1 / SAMPLE_RATE)
        spectrum *= sum(np.exp(-(((hertz - f) / 250) ** 2)) for f in (500, 1400, 2600))
        burst = np.fft.irfft(spectrum, len(burst))
        fade = np.exp(-np.arange(len(burst)) / (0.08 * SAMPLE_RATE))
        sound[start : start + len(burst)] += 0.5 * burst / np.abs(burst).max() * fade
    return _wave(sound)


def _wave(sound: np.ndarray) -> np.ndarray:
    return np.clip(sound, -1, 1).astype(np.float32)
