"""Waves into words: Whisper of any size, or PocketSphinx, which comes with the package."""

from __future__ import annotations

import os
import pickle
import re
import zlib
from math import exp
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from pocketsphinx import Decoder

from fusion.media import SAMPLE_RATE
from fusion.types import Transcript, WeightsError

AUTO = ("small", "small.en", "base", "base.en", "tiny", "tiny.en")
"""Whisper checkpoints that "auto" takes, best first; larger ones are too slow without a GPU."""

MAX_COMPRESSION = 2.4  # text that packs tighter than this is one phrase in a loop
MAX_NO_SPEECH = 0.6
MIN_CONFIDENCE = 0.2  # below are guesses, left over when every temperature of Whisper's has failed
_LOOP = re.compile(r"\b(\w[\w' ,]{0,60}?)(?:\W+\1\b){5,}", re.IGNORECASE)  # six times or more


class Recogniser(Protocol):
    """Hears a wave (n,), float32, mono, 16 kHz. One instance may serve many threads."""

    engine: str

    def transcribe(self, wave: np.ndarray) -> Transcript: ...


class WhisperSpeech:
    """openai-whisper from a checkpoint on disk; on the GPU if there is one."""

    def __init__(self, checkpoint: Path) -> None:
        import whisper  # its alignment code compiles for seconds, which PocketSphinx need not wait

        try:
            # By path, because by name Whisper downloads whatever it does not find.
            self._model = whisper.load_model(str(checkpoint))
        except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise WeightsError(
                f"{checkpoint} is not a Whisper checkpoint, or is damaged. Delete it and fetch it "
                f"again: {_how_to_get(checkpoint.stem)}"
            ) from error
        self.engine = f"whisper:{checkpoint.stem}"
        self._lock = Lock()

    def transcribe(self, wave: np.ndarray) -> Transcript:
        """What is said. Confidence is the geometric mean probability of a token.

        The text is empty where Whisper is known to make it up: in what it holds for silence itself,
        in one phrase over and over, and in guesses.
        """
        with self._lock:
            result = self._model.transcribe(
                wave.astype(np.float32),
                fp16=self._model.device.type == "cuda",
                condition_on_previous_text=False,
                verbose=None,
            )
        segments = result["segments"]
        lengths = [max(part["end"] - part["start"], 1e-3) for part in segments]

        def mean(figure: str) -> float:
            return float(np.average([part[figure] for part in segments], weights=lengths))

        no_speech = mean("no_speech_prob") if segments else 1.0
        confidence = min(1.0, exp(mean("avg_logprob"))) if segments else 0.0
        text = result["text"].strip()
        if no_speech > MAX_NO_SPEECH or confidence < MIN_CONFIDENCE or loops(text):
            text = ""
        return Transcript(
            text=text,
            language=result["language"],
            confidence=confidence if text else 0.0,
            engine=self.engine,
            no_speech=no_speech,
            seconds=len(wave) / SAMPLE_RATE,
        )


def loops(text: str) -> bool:
    """Is it one phrase over and over, as Whisper writes when it understands nothing?"""
    data = text.encode()
    tight = len(data) > MAX_COMPRESSION * len(zlib.compress(data))
    return tight or _LOOP.search(text) is not None


class SphinxSpeech:
    """PocketSphinx and its American English model: small, offline, and only for clear speech."""

    engine = "pocketsphinx"

    def __init__(self) -> None:
        self._decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
        self._lock = Lock()

    def transcribe(self, wave: np.ndarray) -> Transcript:
        """What is said, in lower case without punctuation.

        Confidence is the posterior of the best path in the word lattice, as the geometric mean of
        a word. PocketSphinx has no measure of silence: `no_speech` is 1 when it hears no word.
        """
        pcm = (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()
        with self._lock:
            self._decoder.start_utt()
            if pcm:
                self._decoder.process_raw(pcm, full_utt=True)
            self._decoder.end_utt()
            best = self._decoder.hyp()
        text = best.hypstr.strip() if best else ""
        return Transcript(
            text=text,
            language="en",
            confidence=min(1.0, best.prob ** (1 / len(text.split()))) if text else 0.0,
            engine=self.engine,
            no_speech=0.0 if text else 1.0,
            seconds=len(wave) / SAMPLE_RATE,
        )


def load_speech(spec: str = "auto") -> Recogniser | None:
    """The recogniser `spec` names: "auto", "pocketsphinx", "whisper:NAME", "whisper:FILE" or "off".

    "auto" is the best Whisper in its cache folder up to "small", else PocketSphinx; "off" is None.
    Never downloads: WeightsError when a checkpoint is not there, with the command that fetches it.
    """
    if spec == "off":
        return None
    if spec == "pocketsphinx":
        return SphinxSpeech()
    if spec == "auto":
        cached = (_cached(name) for name in AUTO)
        checkpoint = next((path for path in cached if path.is_file()), None)
        return WhisperSpeech(checkpoint) if checkpoint else SphinxSpeech()
    engine, _, name = spec.partition(":")
    if engine != "whisper" or not name:
        raise WeightsError(
            f"There is no speech recogniser {spec!r}. DESKHAND_SPEECH is auto, pocketsphinx, "
            "whisper:NAME, whisper:FILE.pt or off."
        )
    checkpoint = Path(name).expanduser() if name.endswith(".pt") else _cached(name)
    if not checkpoint.is_file():
        raise WeightsError(
            f"There is no Whisper checkpoint {checkpoint}. Fetch it once: "
            f"{_how_to_get(checkpoint.stem)}, or set DESKHAND_SPEECH=pocketsphinx."
        )
    return WhisperSpeech(checkpoint)


def _cached(name: str) -> Path:
    """Where Whisper itself keeps its checkpoints; two of its names are aliases."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"
    return root / f"{ {'large': 'large-v3', 'turbo': 'large-v3-turbo'}.get(name, name) }.pt"


def _how_to_get(name: str) -> str:
    return f"`python -c \"import whisper; whisper.load_model('{name}')\"`"
