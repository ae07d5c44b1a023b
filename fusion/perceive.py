"""One customer turn into a Percept: what is missing is absent, what failed is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from unicodedata import category

import numpy as np

from fusion.audio import clipping, loudness, spoken_part
from fusion.damage import DamageDetector, load_damage
from fusion.decoder import Decoder
from fusion.glossary import legible
from fusion.languages import detect, heard_in, in_english, spoken_before
from fusion.media import SAMPLE_RATE
from fusion.ocr import Reader, load_ocr
from fusion.quality import Quality, quality_of
from fusion.speech import NOTHING_TOLD, Recogniser, SpeechOptions, load_speech
from fusion.student import Student, load_student
from fusion.text import TextEncoder, load_text
from fusion.types import (
    DIM,
    BadInput,
    Damage,
    Encoded,
    Encoder,
    Expected,
    InputLimits,
    Message,
    Modality,
    Percept,
    PrintedText,
    Transcript,
    Turn,
)
from fusion.unsold import Unsold, load_unsold
from fusion.vision import load_vision

EARLIER_MESSAGES = 4  # two exchanges
EARLIER_CHARS = 100  # of each: what it is about comes first, and the time goes with the length
QUIET = -45.0  # dB of full scale, of the loudest parts: below, words drown in the noise
CLIPPED = 0.01  # share of the samples at the end of the scale: above, words are distorted


@dataclass(frozen=True)
class Encoders:
    """Everything that perceives, loaded once; many threads may share it."""

    text: TextEncoder
    vision: Encoder
    speech: Recogniser | None  # None: recordings are not listened to
    ocr: Reader
    unsold: Unsold | None = None  # None: every photo is taken for something the shop sells
    damage: DamageDetector | None = None  # None: damage is not looked for
    student: Student | None = None  # of other languages; None: the text encoder reads them itself
    decoder: Decoder = field(default_factory=Decoder)  # whoever loaded these closes it

    def other(self, sentence: str, english: str) -> Encoded:
        """A sentence in another language and what of it is known in English: the tokens of what is
        known, and the direction of the mean of both vectors.

        The student knows how people speak, the glossary what shops sell.
        """
        if self.student is None:
            return self.text.states(sentence)
        known = self.text.states(legible(english, self.text.words))
        mean = known.vector + self.student.encode([sentence])[0]
        return Encoded(known.tokens, mean / max(float(np.linalg.norm(mean)), 1e-9))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors (len(texts), DIM), float32, unit norm, of texts in any language."""
        if self.student is None:
            return self.text.encode(texts)
        other = [i for i, text in enumerate(texts) if detect(text) != "en"]
        if not other:
            return self.text.encode(texts)
        vectors = np.zeros((len(texts), DIM), np.float32)
        english = sorted(set(range(len(texts))) - set(other))
        vectors[english] = self.text.encode([texts[i] for i in english])
        vectors[other] = self.student.encode([texts[i] for i in other])
        return vectors


def load_encoders(
    text: str = "minilm",
    vision: str = "shipped",
    speech: str = "auto",
    options: SpeechOptions = NOTHING_TOLD,
) -> Encoders:
    """The encoders these settings name; WeightsError, naming the fix, when one is missing."""
    return Encoders(
        load_text(text),
        load_vision(vision),
        load_speech(speech, options),
        load_ocr(),
        load_unsold(vision),
        load_damage(),
        load_student() if text == "minilm" else None,
    )


def perceive(
    turn: Turn,
    history: Sequence[Message],
    encoders: Encoders,
    limits: InputLimits,
    expected: Expected = "words",
) -> Percept:
    """Read, hear and see the whole turn; `expected` is what the customer was just asked to say.

    BadInput only when the turn is empty or its text is too long. An attachment that cannot be used
    is named in `problems`, and the rest goes on; should nothing be left, no modality of this turn
    is present.
    """
    text = _clean(turn.text)
    length = len(text) + (len(turn.transcript.text) if turn.transcript else 0)
    if length > limits.text_chars:
        raise BadInput(
            f"Your message has {length} characters; at most {limits.text_chars} can be read. "
            "Please shorten it."
        )
    if not text and turn.audio is None and not turn.photos and turn.video is None:
        raise BadInput("Your message is empty. Please write, speak or send a photo.")

    problems: list[str] = []
    quality: dict[str, float] = {}
    seconds: dict[str, float] = {}
    encoded: dict[Modality, Encoded] = {}
    damage: Damage | None = None
    seen: tuple[Encoded, ...] = ()

    with _timed(seconds, "decode"):
        photos, waves, sound = _decode(turn, encoders.decoder, limits, problems)
    with _timed(seconds, "voice"):
        transcript = turn.transcript
        if transcript:
            transcript = replace(transcript, text=_clean(transcript.text))
        elif waves:
            transcript = _listen(waves, encoders.speech, expected, problems)
    with _timed(seconds, "print"):
        printed = _read(photos, encoders.ocr)
    with _timed(seconds, "photo"):
        if clear := _clear(photos, printed, len(turn.photos), problems):
            states = {i: encoders.vision.states(photos[i]) for i in clear}
            encoded["photo"] = _together(list(states.values()))
            seen = tuple(one for i, one in states.items() if i < len(turn.photos))
            best = max(clear.values(), key=lambda figures: figures.sharpness)
            quality["sharpness"], quality["exposure"] = best.sharpness, best.exposure
            quality["size"] = float(best.size)
            damage = encoders.damage([photos[i] for i in clear]) if encoders.damage else None
    with _timed(seconds, "words"):
        sentences: dict[Modality, str] = {
            "text": text,
            "voice": transcript.text if transcript else "",
            "print": "\n".join(line.text for line in printed),
            "history": context(history),
        }
        before = spoken_before(history[-EARLIER_MESSAGES:], turn.language)
        written = detect(text, before)
        spoken = heard_in(transcript, before) if transcript else written
        english: dict[Modality, str] = {}
        for modality, sentence in sentences.items():
            language = {"text": written, "voice": spoken}.get(modality, "en")
            if sentence and language != "en":
                english[modality] = in_english(sentence, language)
                encoded[modality] = encoders.other(sentence, english[modality])
            elif sentence:
                encoded[modality] = encoders.text.states(sentence)
    if waves:
        wave = np.concatenate(waves)
        quality["loudness"], quality["clipping"] = loudness(wave), clipping(wave)
    if transcript:
        quality["voice_confidence"] = transcript.confidence
        quality["no_speech"] = transcript.no_speech
    if printed:
        quality["print_confidence"] = float(np.mean([line.confidence for line in printed]))

    return Percept(
        words="\n".join(filter(None, (sentences[m] for m in ("text", "voice", "print")))),
        text=text,
        transcript=transcript,
        printed=printed,
        encoded=encoded,
        quality=quality,
        problems=tuple(problems),
        photos=len(photos),
        sound=sound,
        pictures=tuple(photo for i, photo in photos.items() if i < len(turn.photos)),
        seen=seen,
        damage=damage,
        seconds=seconds,
        language=written if text else spoken,
        english=english,
    )


def hear(
    recording: bytes, encoders: Encoders, limits: InputLimits, expected: Expected = "words"
) -> tuple[Transcript | None, float, tuple[str, ...]]:
    """What is said in a recording alone, before it is a turn; how many seconds of it were decoded;
    and what went wrong."""
    problems: list[str] = []
    _, waves, sound = _decode(Turn(audio=recording), encoders.decoder, limits, problems)
    heard = _listen(waves, encoders.speech, expected, problems) if waves else None
    return heard, sound, tuple(problems)


def context(history: Sequence[Message]) -> str:
    """The last two exchanges, a line each, newest last: "customer: ..." or "agent: ...", as what
    reads only English is to read them."""
    lines = []
    language = "en"
    for message in history[-EARLIER_MESSAGES:]:
        if text := message.text.strip():
            language = detect(text, language)
            lines.append(f"{message.speaker}: {in_english(text, language)[:EARLIER_CHARS]}")
    return "\n".join(lines)


def _decode(
    turn: Turn, decoder: Decoder, limits: InputLimits, problems: list[str]
) -> tuple[dict[int, np.ndarray], list[np.ndarray], float]:
    """Photos by their place in the turn, a video's key frames after them; sounds; and how many
    seconds of sound were decoded.

    The recording comes first; a video's sound is only there when somebody speaks in it.
    """
    photos: dict[int, np.ndarray] = {}
    waves: list[np.ndarray] = []
    decoded = 0  # samples
    for i, data in enumerate(turn.photos[: limits.photos]):
        try:
            photos[i] = decoder.photo(data, limits)
        except BadInput as error:
            problems.append(f"Photo {i + 1}: {error}" if len(turn.photos) > 1 else str(error))
    if len(turn.photos) > limits.photos:
        problems.append(
            f"Only the first {limits.photos} of your {len(turn.photos)} photos were looked at."
        )
    if turn.audio is not None:
        try:
            waves.append(decoder.recording(turn.audio, limits))
            decoded += len(waves[0])
        except BadInput as error:
            problems.append(str(error))
    if turn.video is not None:
        try:
            video = decoder.video(turn.video, limits)
        except BadInput as error:
            problems.append(str(error))
        else:
            photos |= dict(enumerate(video.frames, len(turn.photos)))
            if video.wave is not None:
                decoded += len(video.wave)
                if spoken_part(video.wave) is not None:
                    waves.append(video.wave)
    return photos, waves, decoded / SAMPLE_RATE


def _listen(
    waves: list[np.ndarray],
    speech: Recogniser | None,
    expected: Expected,
    problems: list[str],
) -> Transcript | None:
    """One transcript of all that is spoken; None when nobody speaks or nobody listens."""
    if speech is None:
        problems.append("I cannot listen to recordings here. Please write your question.")
        return None
    wave = np.concatenate(waves)
    part = spoken_part(wave)
    if part is None:
        problems.append(f"I could not hear a question in the recording. {_fault(wave)}".strip())
        return None
    try:
        heard = speech.transcribe(part.wave, expected)
    except BadInput as error:
        problems.append(str(error))
        return None
    if not heard.text:
        problems.append(f"I could not make out the words in the recording. {_fault(wave)}".strip())
    words = tuple(replace(w, start=part.at(w.start), end=part.at(w.end)) for w in heard.words)
    return replace(heard, words=words, seconds=len(wave) / SAMPLE_RATE)


def _fault(wave: np.ndarray) -> str:
    """What may be wrong with the sound, for the customer; "" when nothing is."""
    if clipping(wave) > CLIPPED:
        return "It is too loud and distorted; please hold the microphone further away."
    if loudness(wave) < QUIET:
        return "It is very quiet; please speak closer to the microphone."
    return ""


def _read(photos: Mapping[int, np.ndarray], ocr: Reader) -> tuple[PrintedText, ...]:
    """Every line of print, once: key frames of one video show the same label again."""
    lines: dict[str, PrintedText] = {}
    for i, photo in photos.items():
        for text, confidence in ocr(photo):
            lines.setdefault(text, PrintedText(text, confidence, i))
    return tuple(lines.values())


def _clear(
    photos: Mapping[int, np.ndarray],
    printed: Sequence[PrintedText],
    sent: int,
    problems: list[str],
) -> dict[int, Quality]:
    """The figures of the photos in which something can be seen; of the first `sent`, what is wrong
    with each of the others. Whatever has print that can be read is clear enough."""
    figures = {i: quality_of(photo) for i, photo in photos.items()}
    read = {line.photo for line in printed}
    faults = {i: one.fault() for i, one in figures.items() if i not in read}
    clear = {i: one for i, one in figures.items() if not faults.get(i)}
    for i, fault in faults.items():
        if fault and i < sent:
            problems.append(f"Photo {i + 1} {fault}" if sent > 1 else f"The photo {fault}")
    frames = [fault for i, fault in faults.items() if i >= sent]
    if frames and not any(i >= sent for i in clear):
        problems.append(f"The video {frames[0].replace('photo', 'video')}")
    return clear


def _together(each: Sequence[Encoded]) -> Encoded:
    """The patches of all photos in order, and the direction of their mean."""
    mean = np.mean([states.vector for states in each], axis=0)
    return Encoded(
        np.concatenate([states.tokens for states in each]),
        (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32),
    )


def _clean(text: str) -> str:
    """Without control characters, and without the half characters that JSON can smuggle in."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c for c in whole if category(c) != "Cc" or c in "\n\t").strip()


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[stage] = perf_counter() - start
