"""The nouns of the fusion floor. Everything here is frozen; nothing here knows of a shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

Modality = Literal["text", "voice", "print", "photo", "history"]
MODALITIES: tuple[Modality, ...] = ("text", "voice", "print", "photo", "history")
"""In this order wherever modalities index an array: typed words, spoken words, words printed in a
photo, the photo itself, and what was said earlier in the conversation."""

DIM = 384
"""Width of the one space that sentences, photos and documents share (all-MiniLM-L6-v2)."""


class BadInput(ValueError):
    """A customer's input cannot be used. The message is a sentence the customer may read."""


class WeightsError(RuntimeError):
    """Weights are missing, damaged or made for something else. The message names the fix."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One customer message, as it came in. Attachments are undecoded bytes; `choices` are the ids
    of the answers picked, of those that the last question offered. A `transcript` is what was heard
    in the recording before, with the words as the customer corrected them: it counts, and the
    recording is not heard again. `language` (ISO 639-1) is that of the page it was written on, for
    whoever has not said a word in another one."""

    text: str = ""
    audio: bytes | None = None
    photos: tuple[bytes, ...] = ()
    video: bytes | None = None
    choices: tuple[str, ...] = ()
    transcript: Transcript | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class InputLimits:
    """Bounds of one turn, checked before anything is decoded; every one is a setting."""

    text_chars: int = 8_000
    photos: int = 6
    photo_bytes: int = 15_000_000
    photo_pixels: int = 50_000_000
    audio_seconds: float = 120.0
    audio_bytes: int = 25_000_000
    video_seconds: float = 30.0
    video_bytes: int = 50_000_000
    decode_seconds: float = 10.0  # for one attachment; its decoder is killed after this

    @property
    def file_bytes(self) -> int:
        """Of the largest attachment of any kind."""
        return max(self.photo_bytes, self.audio_bytes, self.video_bytes)


@dataclass(frozen=True, slots=True)
class Message:
    """One earlier message of the conversation, oldest first in a history."""

    speaker: Literal["customer", "agent"]
    text: str


Expected = Literal["words", "number"]
"""What the customer was asked for: anything, or a number or code that is spelt out."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word that was heard, and when: seconds from the beginning of the recording."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser heard."""

    text: str
    language: str  # ISO 639-1
    confidence: float  # in [0, 1]; the recogniser's own
    engine: str  # "whisper:base", "pocketsphinx"
    no_speech: float  # probability in [0, 1] that nobody spoke
    seconds: float  # length of the recording
    words: tuple[Word, ...] = ()  # in order, as they were said


@dataclass(frozen=True, slots=True)
class PrintedText:
    """One line of print read in a photo."""

    text: str
    confidence: float  # in [0, 1]
    photo: int  # index into Turn.photos


@dataclass(frozen=True, slots=True)
class Encoded:
    """One sentence or photo: its token (or patch) states and its place in the shared space."""

    tokens: np.ndarray  # (n, width) float32
    vector: np.ndarray  # (DIM,) float32, unit norm


DAMAGES = {
    "crack": "a crack",
    "chip": "a chipped edge",
    "missing": "a missing part",
    "stain": "a stain",
}
"""The kinds of damage that are looked for, and how they are spoken of."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What a photo seems to show; `probability` in [0, 1] that it shows any damage."""

    kind: str  # one of DAMAGES
    probability: float

    def __str__(self) -> str:
        return f"The photo seems to show {DAMAGES[self.kind]} ({self.probability:.2f})."


class Encoder(Protocol):
    """A frozen tower: sentences (str) or photos (uint8 RGB arrays (h, w, 3)) into one space."""

    name: str
    """Recorded in every index made with it, e.g. "minilm-l6-v2"; another name is another space."""

    def encode(self, items: Sequence[Any]) -> np.ndarray:
        """Vectors (len(items), DIM), float32, unit norm."""

    def states(self, item: Any) -> Encoded:
        """Token states and vector of one item."""


@dataclass(frozen=True, slots=True)
class Percept:
    """Everything perceived in one turn, before it is understood.

    A modality that is absent or failed is simply not in `present`; what failed is named in
    `problems`, in sentences the customer may read.
    """

    words: str  # typed, heard and read words, in that order
    text: str
    transcript: Transcript | None
    printed: tuple[PrintedText, ...]
    encoded: Mapping[Modality, Encoded]  # keys == present
    quality: Mapping[str, float]
    """ "voice_confidence", "no_speech", "print_confidence"; of the recording "loudness" and
    "clipping" (fusion.audio); of the sharpest photo "sharpness", "exposure" and "size"
    (fusion.quality)."""
    problems: tuple[str, ...] = ()
    photos: int = 0  # pictures looked at, key frames of a video included
    sound: float = 0.0  # seconds that were decoded, of the recording and the video
    pictures: tuple[np.ndarray, ...] = ()  # the photos of the turn that could be read, uint8 RGB
    seen: tuple[Encoded, ...] = ()  # each clear photo of the turn alone, key frames left out
    damage: Damage | None = None  # only where it is sure enough; the fusion model is not told
    seconds: Mapping[str, float] = field(default_factory=dict)  # time spent in each stage
    language: str = "en"  # ISO 639-1, of what was typed and said
    english: Mapping[Modality, str] = field(default_factory=dict)
    """What was typed and said in another language, as what reads only English is to read it."""

    @property
    def typed(self) -> str:
        """The typed words, as read."""
        return self.english.get("text", self.text)

    @property
    def heard(self) -> str:
        """The spoken words, as read."""
        said = self.transcript.text if self.transcript else ""
        return self.english.get("voice", said)

    @property
    def present(self) -> frozenset[Modality]:
        return frozenset(self.encoded)


@dataclass(frozen=True, slots=True)
class Attributions:
    """Exact Shapley values of each present modality, in two games.

    `intent`: its part of the probability of the chosen intent (sums to that probability minus the
    probability with every modality masked). `retrieval`: its part of the cosine between the
    retrieval vector of a coalition and that of the whole turn (sums to 1 minus the cosine of the
    empty coalition, which is 0).
    """

    intent: Mapping[Modality, float]
    retrieval: Mapping[Modality, float]


@dataclass(frozen=True, slots=True)
class Fused:
    """The turn, understood."""

    intents: Mapping[str, float]  # sums to 1, highest first
    out_of_scope: float  # in [0, 1]
    vector: np.ndarray  # (DIM,) float32, unit norm, in the space of the index
    alone: np.ndarray  # the same, as if nothing had been said before
    attributions: Attributions
    mood: float = 0.0  # in [-1, 1]; below 0 is unhappy; judged by `fusion.mood.Moods`

    @property
    def intent(self) -> str:
        return next(iter(self.intents))
