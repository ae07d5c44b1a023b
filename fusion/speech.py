"""Waves into words: Whisper of any size, or PocketSphinx, which comes with the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from fusion.shop_language import read_names
from fusion.sphinx import SphinxSpeech
from fusion.types import Expected, Transcript, WeightsError
from fusion.whisper_files import kept_at
from fusion.whisper_speech import WhisperSpeech

AUTO = ("small", "small.en", "base", "base.en", "tiny", "tiny.en")
"""Whisper checkpoints that "auto" takes, best first; larger ones are too slow without a GPU."""


class Recogniser(Protocol):
    """Hears a wave (n,), float32, mono, 16 kHz. One instance may serve many threads.

    Raises BadInput, with a sentence for the customer, when too many recordings wait.
    """

    engine: str

    def transcribe(self, wave: np.ndarray, expected: Expected = "words") -> Transcript: ...


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """What a recogniser is told of the shop and of how to listen."""

    shop: Path | None = None
    """Folder of `fusion.shop_language`; None: nothing is known of the shop."""
    language: str | None = None
    """ISO 639-1; None: Whisper tells."""
    translate: bool = False
    """Whisper writes English, whatever is spoken."""


NOTHING_TOLD = SpeechOptions()


def load_speech(spec: str = "auto", options: SpeechOptions = NOTHING_TOLD) -> Recogniser | None:
    """The recogniser `spec` names: "auto", "pocketsphinx", "whisper:NAME", "whisper:FILE" or "off".

    "auto" is the best Whisper in its cache folder up to "small", else PocketSphinx; "off" is None.
    Never downloads: WeightsError when a checkpoint is not there, with the command that fetches it.
    """
    if spec == "off":
        return None
    if spec == "pocketsphinx":
        return SphinxSpeech(options.shop)
    if spec == "auto":
        here = next((path for path in map(kept_at, AUTO) if path.is_file()), None)
        return _whisper(here, options) if here else SphinxSpeech(options.shop)
    engine, _, name = spec.partition(":")
    if engine != "whisper" or not name:
        raise WeightsError(
            f"There is no speech recogniser {spec!r}. DESKHAND_SPEECH is auto, pocketsphinx, "
            "whisper:NAME, whisper:FILE.pt or off."
        )
    checkpoint = Path(name).expanduser() if name.endswith(".pt") else kept_at(name)
    if not checkpoint.is_file():
        raise WeightsError(
            f"There is no Whisper checkpoint {checkpoint}. Fetch it once: "
            f"`deskhand models pull whisper:{name}`, or set DESKHAND_SPEECH=pocketsphinx."
        )
    return _whisper(checkpoint, options)


def _whisper(checkpoint: Path, options: SpeechOptions) -> WhisperSpeech:
    names = read_names(options.shop) if options.shop else []
    return WhisperSpeech(checkpoint, names, options.language, options.translate)
