"""How well recordings are heard (`deskhand evaluate hearing`): figures of each recogniser.

Human voices come from the public sets. Questions to the demo shop are worded by others than those
its language is estimated from, and spoken by synthetic voices, which the figures say.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from agent.config import Settings
from agent.shop_language import said_of
from agent.space import speech_options
from fusion.audio import decode_audio
from fusion.hearing_checks import Spoken, invented, judge, memory, nobody_speaks
from fusion.shop_language import WORDS, dictionary, spoken_form, write_language
from fusion.speech import Recogniser, load_speech
from fusion.spelling import written
from fusion.sphinx import SphinxSpeech
from fusion.types import InputLimits, WeightsError
from fusion.voices import say, voices
from knowledge.demo import folder
from knowledge.load import read_documents
from knowledge.types import Document

Figures = dict[str, dict[str, float] | str]  # what was judged -> figure -> value, or why it was not

VOICES = 6  # at least, for the figure of the questions
_SPELT = re.compile(r"[^0-9a-z. ]")


def judge_hearing(
    settings: Settings, data: Path | None, samples: Path, most: int
) -> Iterator[tuple[str, dict[str, float] | str]]:
    """What was judged and its figures, or why it was not; `most` questions at most are spoken."""
    with TemporaryDirectory() as kept:
        language = Path(kept)
        documents = [d for d in read_documents(folder()) if isinstance(d, Document)]
        learnt = list(said_of(documents))
        write_language(learnt, [d.title for d in documents if d.kind == "product"], language)
        engines: list[tuple[str, Recogniser]] = [
            ("general English", SphinxSpeech()),
            ("the shop's", SphinxSpeech(language)),
        ]
        whisper = _whisper(settings)
        if isinstance(whisper, str):
            yield "Whisper", whisper
        else:
            engines.append((whisper.engine, whisper))
        if data is not None:
            yield from _people(data, engines)
        asked = questions(samples, learnt, language)[:most]
        if len(voices()) < VOICES:
            yield (
                "shop questions, synthetic voices",
                f"left out: {len(voices())} voices are installed, {VOICES} are needed "
                "(apt install espeak-ng flite festival festvox-kallpc16k)",
            )
        else:
            spoken = list(_said(asked))
            for name, engine in engines:
                heard = judge(spoken, engine, spoken_form)
                yield f"shop questions, synthetic voices, {name}", heard
        sounds = nobody_speaks(seed=0)
        for name, engine in engines:
            yield f"nobody speaks, {name}", invented(sounds, engine)
        yield "cost", {"most memory, MB": memory()}


def _people(
    data: Path, engines: Sequence[tuple[str, Recogniser]]
) -> Iterator[tuple[str, dict[str, float]]]:
    spelt = list(numbers(data / "speech" / "alphanumeric"))
    for name, engine in engines:
        yield f"numbers, {name}, nothing asked", judge(spelt, engine, digits, letters=True)
        asked = judge(spelt, engine, digits, "number", letters=True)
        yield f"numbers, {name}, a number asked", asked
    read = list(librispeech(data / "speech" / "librispeech"))
    for name, engine in engines:
        yield f"read novels, {name}", judge(read, engine, spoken_form)


def librispeech(path: Path) -> Iterator[Spoken]:
    """The clips of every `*.trans.txt`."""
    for transcripts in sorted(path.glob("*.trans.txt")):
        for line in transcripts.read_text(encoding="utf-8").splitlines():
            name, _, said = line.partition(" ")
            yield Spoken(name, _decoded(path / f"{name}.flac"), spoken_form(said))


def numbers(path: Path) -> Iterator[Spoken]:
    """Every second telephone number of `labels.csv`: the grammar was chosen on the others."""
    with (path / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "numbers"]
    for row in rows[1::2]:
        yield Spoken(row["file"], _decoded(path / row["file"]), row["said"])


def digits(heard: str) -> str:
    """What was heard as characters: a code as it is, words of digits as digits, others as "?"."""
    if heard.isalnum() and any(c.isdigit() for c in heard):
        return heard
    form = _SPELT.sub("", spoken_form(heard)).split()
    return "".join(written([word]) or "?" for word in form)


def questions(samples: Path, learnt: Sequence[str], language: Path) -> list[str]:
    """Questions of `turns.jsonl` and the demo shop's judged searches, as they are said.

    Without those the language was estimated from, those with numbers or with misspelt words, and
    those that are no question to a shop; files take turns.
    """
    known = dictionary().keys() | {
        line.split(" ")[0] for line in (language / WORDS).read_text(encoding="utf-8").splitlines()
    }
    seen = {spoken_form(sentence) for sentence in learnt}
    found: list[str] = []
    for path, field in ((samples / "turns.jsonl", "text"), (folder() / "qrels.jsonl", "query")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            form = spoken_form(row[field])
            right = bool(row.get("intent", "search")) and not re.search(r"\d", row[field])
            length = len(form.split())
            if right and 3 <= length <= 20 and form not in seen and set(form.split()) <= known:
                found.append(form)
    return [found[i] for i in sorted(range(len(found)), key=lambda i: (i * 7919) % len(found))]


def _said(asked: Sequence[str]) -> Iterator[Spoken]:
    """Each by the next voice."""
    here = voices()
    for i, words in enumerate(asked):
        voice = here[i % len(here)]
        sound = decode_audio(say(words, voice), InputLimits())
        yield Spoken(f"{'/'.join(voice)}: {words}", sound, words)


def _decoded(path: Path) -> np.ndarray:
    return decode_audio(path.read_bytes(), InputLimits())


def _whisper(settings: Settings) -> Recogniser | str:
    """The Whisper that is set or, with "auto", at hand; else why there is none."""
    absent = "left out: there is no checkpoint here (`deskhand models pull whisper:base`)"
    try:
        recogniser = load_speech(settings.speech, speech_options(settings))
    except WeightsError as error:
        return f"left out: {error}"
    return recogniser if recogniser and recogniser.engine.startswith("whisper:") else absent


def markdown(figures: Figures) -> str:
    """A table: one line a figure."""
    lines = ["| what | figure | value |", "|---|---|---|"]
    for what, values in figures.items():
        lines += rows(what, values)
    return "\n".join(lines)


def rows(what: str, values: dict[str, float] | str) -> list[str]:
    if isinstance(values, str):
        return [f"| {what} | {values} | |"]
    return [f"| {what} | {name} | {_number(value)} |" for name, value in values.items()]


def _number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.3f}"


def write(figures: Figures, out: Path) -> None:
    """hearing.json and hearing.md."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "hearing.json").write_text(json.dumps(figures, indent=2) + "\n")
    (out / "hearing.md").write_text(markdown(figures) + "\n")
