"""Whisper: waves into words with openai-whisper, any size, from a checkpoint on disk."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from math import exp
from pathlib import Path

import numpy as np

from fusion.cores import all_cores
from fusion.loops import loops
from fusion.media import SAMPLE_RATE
from fusion.one_at_a_time import OneAtATime
from fusion.types import Expected, Transcript, WeightsError, Word

MAX_NO_SPEECH = 0.6
MIN_CONFIDENCE = 0.2  # below are guesses, left over when every temperature of Whisper's has failed
PROMPT_CHARS = 500  # about 150 of the 223 tokens that Whisper reads
NUMBER_PROMPT = "The order number is K1004. The zip code is 80279."


class WhisperSpeech:
    """openai-whisper, loaded once; on the GPU if there is one.

    `names`: what the shop sells, to spell it as the shop does. `language`: ISO 639-1, or None to
    let Whisper tell. `translate`: write English whatever is spoken. Raises WeightsError.
    """

    def __init__(
        self,
        checkpoint: Path,
        names: Sequence[str] = (),
        language: str | None = None,
        translate: bool = False,
    ) -> None:
        import whisper  # its alignment code compiles for seconds, which PocketSphinx need not wait

        try:
            # By path, because by name Whisper downloads whatever it does not find.
            self._model = whisper.load_model(str(checkpoint))
        except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise WeightsError(
                f"{checkpoint} is not a Whisper checkpoint, or is damaged. Delete it and fetch it "
                f"again: `deskhand models pull whisper:{checkpoint.stem}`"
            ) from error
        if language and not self._model.is_multilingual and language != "en":
            raise WeightsError(f"{checkpoint.name} hears English only, not {language!r}.")
        self.engine = f"whisper:{checkpoint.stem}"
        self._names = ", ".join(names)[:PROMPT_CHARS].rpartition(", ")[0]
        self._language = language
        self._task = "translate" if translate else "transcribe"
        self._line = OneAtATime()

    def transcribe(self, wave: np.ndarray, expected: Expected = "words") -> Transcript:
        """What is said. Confidence is the geometric mean probability of a token.

        The text is empty where Whisper is known to make it up: in what it holds for silence itself,
        in one phrase over and over, and in guesses. BadInput when too many wait.
        """
        prompt = NUMBER_PROMPT if expected == "number" else self._names
        with self._line.turn(), all_cores():
            result = self._model.transcribe(
                wave.astype(np.float32),
                language=self._language,
                task=self._task,
                initial_prompt=prompt or None,
                fp16=self._model.device.type == "cuda",
                condition_on_previous_text=False,
                word_timestamps=True,
                verbose=None,
            )
        segments = result["segments"]
        lengths = [max(part["end"] - part["start"], 1e-3) for part in segments]

        def mean(figure: str) -> float:
            return float(np.average([part[figure] for part in segments], weights=lengths))

        no_speech = mean("no_speech_prob") if segments else 1.0
        confidence = min(1.0, exp(mean("avg_logprob"))) if segments else 0.0
        text = result["text"].strip()
        invented = no_speech > MAX_NO_SPEECH or confidence < MIN_CONFIDENCE or loops(text)
        if invented or text.casefold() == prompt.casefold():
            text = ""
        words = [word for part in segments for word in part.get("words", ())]
        return Transcript(
            text=text,
            language=result["language"],
            confidence=confidence if text else 0.0,
            engine=self.engine,
            no_speech=no_speech,
            seconds=len(wave) / SAMPLE_RATE,
            words=tuple(
                Word(word["word"].strip(), float(word["start"]), float(word["end"]))
                for word in words
            )
            if text
            else (),
        )
