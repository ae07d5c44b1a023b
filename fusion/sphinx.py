"""PocketSphinx: waves into words without any weights to fetch, in English.

One decoder, three searches over one acoustic model: general English, the shop's own language, and
a grammar of digits and letters. Their scores are on one scale, so the better one is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
from pocketsphinx import Decoder

from fusion.loops import loops
from fusion.media import SAMPLE_RATE
from fusion.one_at_a_time import OneAtATime
from fusion.shop_language import TRIGRAMS, WORDS
from fusion.spelling import DIGITS_ONLY, START, grammar, written
from fusion.types import Expected, Transcript, Word

GENERAL, SHOP, NUMBER = "_default", "shop", "number"  # the searches; "_default" is PocketSphinx's
FRAME = 0.01  # seconds
SCALE = 1024  # of PocketSphinx's scores, which it shifts right by ten bits
SURE = -3.6  # score of a frame at which the shop's language is taken without asking the general
NOISE = frozenset({"a", "and", "but", "er", "i", "of", "the", "uh", "um"})
"""What coughs, hums and knocks are written as; alone, these words say nothing."""
NUMBER_BONUS = 0.3  # how much worse in score a number may be, where one was asked for


@dataclass(frozen=True, slots=True)
class Heard:
    """The best path of one search. `score`: mean log-likelihood of a frame, higher is better."""

    words: tuple[Word, ...]
    score: float
    confidence: float  # in [0, 1]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


class SphinxSpeech:
    """PocketSphinx and its American English model: small, offline, and only for clear speech.

    `language`: the folder of the shop's language (`fusion.shop_language`), if there is one.
    """

    engine = "pocketsphinx"

    def __init__(self, language: Path | None = None) -> None:
        self._decoder = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
        number = self._decoder.create_fsg(NUMBER, START, DIGITS_ONLY, grammar())
        self._decoder.add_fsg(NUMBER, number)
        self._shop = language is not None and (language / TRIGRAMS).is_file()
        if language is not None and self._shop:
            for line in (language / WORDS).read_text(encoding="utf-8").splitlines():
                word, _, phones = line.partition(" ")
                self._decoder.add_word(word, phones, update=False)
            self._decoder.add_lm_file(SHOP, str(language / TRIGRAMS))
        self._line = OneAtATime()

    def transcribe(self, wave: np.ndarray, expected: Expected = "words") -> Transcript:
        """What is said, in lower case without punctuation; a number as it is written.

        Confidence is the posterior of the best path in the word lattice, as the geometric mean of
        a word. PocketSphinx has no measure of silence: `no_speech` is 1 when it hears no word that
        says anything.
        """
        with self._line.turn():
            best = self._sentence(wave)
            text = best.text
            if expected == "number":
                spelt = self.search(wave, NUMBER)
                code = written([word.text for word in spelt.words])
                if code and spelt.score + NUMBER_BONUS > best.score:
                    best, text = spelt, code
        if (loops(best.text) and not text.isalnum()) or NOISE.issuperset(text.split()):
            text = ""
        return Transcript(
            text=text,
            language="en",
            confidence=best.confidence if text else 0.0,
            engine=self.engine,
            no_speech=0.0 if text else 1.0,
            seconds=len(wave) / SAMPLE_RATE,
            words=best.words if text else (),
        )

    def _sentence(self, wave: np.ndarray) -> Heard:
        """The shop's language where it fits, else the better of both."""
        if not self._shop:
            return self.search(wave, GENERAL)
        shop = self.search(wave, SHOP)
        if shop.score > SURE:
            return shop
        general = self.search(wave, GENERAL)
        return max(shop, general, key=lambda heard: heard.score)

    def search(self, wave: np.ndarray, name: str) -> Heard:
        """The best path of one search. Not for several threads at once."""
        pcm = (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()
        decoder = self._decoder
        decoder.activate_search(name)
        decoder.start_utt()
        if pcm:
            decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        if best is None or not best.hypstr.strip():
            return Heard((), float("-inf"), 0.0)
        words = tuple(
            Word(
                segment.word.split("(")[0],  # "the(2)": its second pronunciation
                segment.start_frame * FRAME,
                (segment.end_frame + 1) * FRAME,
            )
            for segment in decoder.seg()
            if segment.word[0] not in "<["
        )
        frames = max(1, decoder.n_frames())
        return Heard(
            words,
            SCALE * log(max(best.best_score, 1e-300)) / frames,
            min(1.0, best.prob ** (1 / len(words))) if words else 0.0,
        )
