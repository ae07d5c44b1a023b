"""How a customer feels: words, capitals, repetition and a photo of damage, judged together.

VADER (Hutto and Gilbert, 2014) rates the words, but knows neither what annoys a customer nor that
"broken" and "cancel" are what a shop is about. So its score is one of seven figures that stand
beside the sentence's vector, and a ridge regression weighs them all. It is solved on the examples
of `moods.jsonl`, with the customer sentences of `templates` and `sayings.jsonl` as calm ones
(`deskhand train mood`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from fusion.phrases import FOLDER, sentences
from fusion.sayings import EXAMPLES as SAYINGS
from fusion.types import DIM, Encoder, Percept, WeightsError
from fusion.weights import SHIPPED, load_weights, save_weights

MODEL = "mood-1"
EXAMPLES = Path(__file__).parent / "moods.jsonl"  # mood: -1 upset, 0 calm, 1 glad
NOT_CALM = {"complaint", "edits", "bare"}  # templates that are no calm sentences
HARDLY_CALM = {"complaint", "damaged_item", "person"}  # intents of sayings that may be upset
EVERY, MOST = 6, 8  # of a template file's lines: every sixth, at most eight

# Chosen by tenfold cross-validation on the examples, so that at most one calm sentence in fifty is
# taken for upset at the threshold of `Limits.unhappy`.
SHARE = 0.5  # of a figure beside a vector of length 1
RIDGE = 0.4
CALM_WEIGHT = 0.25  # of a template or a saying, where an example counts 1

ALIKE = 0.6  # share of telling words that two messages have in common to be one request
LEAST = 2  # such words; below that nothing is a repetition: "ok", "yes please"

_MATTERS_OF_FACT = """
bad broke broken cancel cancelled cancels cancelling charge charged crack cracked damage damaged
declined defect defective died dirty dispute error fail failed failing fire gift killer late lose
lost low miss missing mistake no number pay problem problems refuse return sharp sick sold solved
stop stopped ugly want warn wrong
"""
_FILLERS = "that this what when where which with have does your from they them will would could can"
_NO_REQUEST = frozenset(_FILLERS.split())

_PATIENCE_LOST = {
    "absurd": -2.2,
    "cheated": -2.6,
    "disgrace": -2.8,
    "disgraceful": -2.8,
    "fed": -0.8,
    "joke": -1.6,
    "lawyer": -1.8,
    "liar": -2.8,
    "lied": -2.6,
    "nonsense": -2.0,
    "outrageous": -2.8,
    "ridiculous": -2.6,
    "rubbish": -2.2,
    "scam": -3.0,
    "unacceptable": -2.8,
    "unbelievable": -1.8,
    "useless": -2.6,
}

_IMPATIENT = re.compile(
    r"\b(?:already (?:told|said|asked|wrote|explained)|i (?:just )?(?:told|said|asked) you"
    r"|(?:second|third|fourth|fifth|2nd|3rd|\d+th) time|over and over|again and again"
    r"|how (?:hard|difficult|many times|often)|why (?:is it so|do you not|don't you|can't you)"
    r"|are you even|fed up|had enough|sick of|tired of|los(?:e|ing) (?:my )?patience"
    r"|(?:nobody|no one|noone|not a single|none of you|never)\b.{0,25}\b(?:answers?|answered|cares?"
    r"|helps?|repl(?:y|ies|ied)|responds?|came|there)|not helpful|(?:not|n't) answer"
    r"|not what i (?:asked|ordered|said|want)|straight answer|just answer"
    r"|you (?:people|guys) (?:are|never)|never (?:again|ordering|buying)|stop sending"
    r"|keeps? (?:repeating|telling|sending|saying)"
    r"|waste of|seriously\?|shame on|what a (?:mess|joke|waste|disgrace)"
    r"|talking to a wall)",
    re.I,
)
_CHASED = re.compile(
    r"\bwhere(?:'s| is| are) (?:my|the) (?:order|parcel|package|money|refund|things?)\b"
    r"|\bstill (?:nothing|waiting|no|not|haven't|hasn't)\b|\b(?:been|for) (?:a|two|three|four|five"
    r"|six|\d+) (?:weeks?|months?|days)\b|\bdays late\b|\bmoney back\b|\bhello\?{2,}"
    r"|\bagain\b(?:.*[!?]|\.)",
    re.I,
)
_DAMAGE = re.compile(
    r"\b(?:broken?|crack(?:ed|s)?|damaged?|smash(?:ed)?|shatter(?:ed)?|chip(?:ped)?|torn|soaked"
    r"|scratch(?:ed)?|in pieces|defective|dent(?:ed)?|ripped|leak(?:ing|ed)?)\b",
    re.I,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_SHOUTED = re.compile(r"\b[A-Z]{2,}(?:['’][A-Z]+)?\b")
_ABBREVIATIONS = "OK EUR USD GBP FAQ DHL UPS USB LED TV XL XXL XS ID PIN IBAN VAT CEO"
_NAMES = frozenset(_ABBREVIATIONS.split())


class Moods:
    """Judges moods in the space of the sentence encoder that its weights were made with."""

    def __init__(self, weights: np.ndarray, rest: float) -> None:
        """`weights` (DIM + 7,) of a vector and its figures; `rest`: the mood of no words at all."""
        self._weights = weights
        self._rest = rest

    def __call__(self, percept: Percept, earlier: Sequence[str] = ()) -> float:
        """In [-1, 1]; below 0 is unhappy. `earlier`: what the customer wrote before in this
        conversation. 0 where nothing is typed or said."""
        said = percept.encoded.get("text") or percept.encoded.get("voice")
        if said is None:
            return 0.0
        figures = _figures(percept.typed or percept.heard, earlier, "photo" in percept.present)
        mood = float(np.concatenate([said.vector, figures]) @ self._weights) + self._rest
        return max(-1.0, min(1.0, mood))


def load_moods(path: Path | None = None) -> Moods:
    """The shipped weights, or those at `path`. Raises WeightsError when they cannot be used."""
    path = path or SHIPPED / "mood.safetensors"
    tensors, _ = load_weights(path, MODEL)
    weights = tensors.get("weights", torch.empty(0)).numpy()
    if weights.shape != (DIM + 8,):
        raise WeightsError(f"{path} does not fit this version. Train it anew: `deskhand train`.")
    return Moods(weights[:-1], float(weights[-1]))


def train_moods(encoder: Encoder, path: Path) -> None:
    """Solve the regression in the space of `encoder`, and write its weights to `path`."""
    rows = [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines()]
    examples = len(rows)
    calm: list[str] = []
    for file in sorted(FOLDER.glob("*.txt")):
        if file.stem not in NOT_CALM:
            calm += sentences(file.stem)[::EVERY][:MOST]
    for saying in map(json.loads, SAYINGS.read_text("utf-8").splitlines()):
        if saying["language"] == "en" and saying["intent"] not in HARDLY_CALM:
            calm.append(saying["text"])
    rows += [{"text": text, "earlier": [], "photo": False, "mood": 0} for text in calm]
    counts = np.where(np.arange(len(rows)) < examples, 1.0, CALM_WEIGHT)
    figures = [_figures(row["text"], row["earlier"], row["photo"]) for row in rows]
    seen = np.hstack([encoder.encode([row["text"] for row in rows]), figures])
    moods = np.array([row["mood"] for row in rows], np.float64)
    rest = float(np.average(moods, weights=counts))
    scaled = seen * np.sqrt(counts)[:, None]
    solved = np.linalg.solve(
        scaled @ scaled.T + RIDGE * np.eye(len(rows)), (moods - rest) * np.sqrt(counts)
    )
    weights = torch.from_numpy(np.append(scaled.T @ solved, rest))
    sizes = {"examples": examples, "calm": len(rows) - examples}
    card = {"model": MODEL, "encoder": encoder.name, **sizes}
    save_weights(path, {"weights": weights}, card)


def _figures(words: str, earlier: Sequence[str], photo: bool) -> np.ndarray:
    """What is told beside the vector of the words, seven figures in [-SHARE, SHARE]."""
    return SHARE * np.array(
        [
            _analyzer().polarity_scores(words)["compound"],
            repeats(words, earlier),
            shouts(words),
            photo and bool(_DAMAGE.search(words)),
            bool(_IMPATIENT.search(words)),
            bool(_CHASED.search(words)),
            min(words.count("!"), 3) / 3,
        ],
        np.float64,
    )


def repeats(words: str, earlier: Sequence[str]) -> bool:
    """Whether this says again what was said before, or says one thing several times."""
    parts = [tuple(_WORD.findall(part.lower())) for part in re.split(r"[.!?]+", words)]
    whole = [part for part in parts if len(part) > LEAST]
    said = _said(words)
    return len(whole) > len(set(whole)) or (
        len(said) >= LEAST and any(_alike(said, _said(other)) for other in earlier)
    )


def shouts(words: str) -> bool:
    """Whether a good part is in capitals; names, sizes and order numbers do not count."""
    loud = [word for word in _SHOUTED.findall(words) if word not in _NAMES]
    return len(loud) >= 2 and sum(map(len, loud)) >= 0.3 * len("".join(_WORD.findall(words)))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(other) >= LEAST and len(one & other) >= ALIKE * min(len(one), len(other))


def _said(words: str) -> frozenset[str]:
    """The words that say what is wanted."""
    return frozenset(w for w in _WORD.findall(words.lower()) if len(w) > 3) - _NO_REQUEST


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    analyzer = SentimentIntensityAnalyzer()
    for word in _MATTERS_OF_FACT.split():
        analyzer.lexicon.pop(word, None)
    analyzer.lexicon |= _PATIENCE_LOST
    return analyzer
