"""Which language a customer writes or speaks, turn by turn."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from py3langid.langid import MODEL_FILE, LanguageIdentifier
from rapidfuzz.distance import OSA

from fusion.glossary import CJK, glossary, key
from fusion.types import Message, Transcript

LANGUAGES = ("en", "zh", "es", "fr", "de", "ja", "pt")
SPACED = ("en", "es", "fr", "de", "pt")
WORDS_FILE = Path(__file__).parent / "common_words.tsv"
WORDS = 3  # fewer are only of another language when every one of them is
HABIT = 4.0  # nats by which the language of the conversation is likelier than another
OWN = 3.0  # nats of one word that is certainly of a language
GRAMMAR = 2  # of the commonest words, at least, in what is a sentence and no name
CLEAR = 12.0  # nats by which it must be where at most one word is certainly another one's
ALIKE = 5  # letters a word must have to be taken for a slip of the pen of an English one
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CHINESE = re.compile("[你您们們这這吗嗎呢么麼没沒]")  # not in use in Japanese
_CODE = re.compile(rf"https?:\S+|[^\s{CJK}]*[\d@][^\s{CJK}]*")
PARTICLES = frozenset({"da", "de", "del", "den", "der", "do", "du", "la", "le", "van", "von"})
"""Lower case inside the names of people and streets."""


def detect(text: str, before: str = "en") -> str:
    """The language of `text`, one of LANGUAGES; `before`, that of the conversation, in doubt.

    A turn that mixes languages is in the one whose grammar it has: Chinese and Japanese wherever
    there is more of their writing than of English ("这个 mug 有蓝色的吗?"). Names, codes and slips
    of the pen are in no language: who has written English goes on writing it until words that are
    certainly of another one say otherwise.
    """
    said = " ".join(_CODE.sub(" ", text).split())
    words = _WORD.findall(re.sub(f"[{CJK}]+", " ", said))
    known = {language: _known(words, language) for language in SPACED}
    if (script := _script(said, before)) and len(re.findall(f"[{CJK}]", text)) > len(known["en"]):
        return script
    if not words or _is_name(words, known):
        return before
    habit = before if before in SPACED else "en"
    scores = dict(_identifier().rank(said.lower()))
    own = {one: known[one] - known[habit] for one in SPACED}
    if len(words) < WORDS:
        likely = max(SPACED, key=lambda one: (len(own[one]), scores[one]))
    else:
        likely = max(SPACED, key=lambda one: scores[one] + OWN * len(own[one]))
    other = known[habit] - known[likely]
    clear = scores[likely] + OWN * len(own[likely]) - scores[habit] - OWN * len(other)
    if len(words) < WORDS:
        whole = all(_is_word(word.lower(), likely) for word in words)
        certain = bool(own[likely]) and not other and (whole or clear > CLEAR)
        return likely if certain else before
    if likely == habit != before:  # the names of products are English in Chinese and Japanese, too
        common = [word for word in words if word.lower() in _common()[habit]]
        return habit if len(common) >= GRAMMAR else before
    grammar = {word for word in other if word.lower() in _common()[habit]}
    certain = len(own[likely]) > len(other) + len(grammar) or not other
    enough = HABIT if len(own[likely]) > 1 else CLEAR
    return likely if certain and clear > enough else before


def _script(text: str, before: str) -> str:
    """The language that is written as the text is, where letters do not say; "" for letters."""
    if re.search("[\u3040-\u30ff]", text):
        return "ja"
    if re.search(f"[{CJK}]", text):
        return "ja" if before == "ja" and not _CHINESE.search(text) else "zh"
    return ""


def _known(words: Sequence[str], language: str) -> frozenset[str]:
    """Those of the words that the language has; in another than English, no slips of English."""
    return frozenset(word for word in words if _has(word.lower().replace("’", "'"), language))


@lru_cache(maxsize=100_000)
def _has(word: str, language: str) -> bool:
    if language == "en":
        return _is_word(word.partition("'")[0], "en")
    slip = len(word) >= ALIKE and word not in _common()[language] and _is_like_english(word)
    return not slip and (_is_word(word, language) or _is_joined(word, language))


def _is_word(word: str, language: str) -> bool:
    stem = len(word) >= ALIKE and key(word, language) in _stems(language)
    return stem or word in _written(language)


def _is_joined(word: str, language: str) -> bool:
    """ "l'arrosoir" """
    return any(part in _written(language) for part in word.split("'"))


def _is_like_english(word: str) -> bool:
    """Whether this may be an English word with one slip of the pen in it."""
    return any(OSA.distance(word, one, score_cutoff=1) <= 1 for one in _written("en"))


def _is_name(words: Sequence[str], known: Mapping[str, frozenset[str]]) -> bool:
    """Whether this is how people and streets are called: "Sanne de Vries"."""
    strange = [word for word in words if not any(word in own for own in known.values())]
    return all(word in PARTICLES or (word in strange and word[0].isupper()) for word in words)


@cache
def _written(language: str) -> frozenset[str]:
    """The words that are known, as they are written in lower case."""
    return glossary(language).words | _common()[language]


@cache
def _stems(language: str) -> frozenset[str]:
    return frozenset(key(word, language) for word in glossary(language).words)


@cache
def _common() -> dict[str, frozenset[str]]:
    """The words that are said most and say least; English has those of its own that look like
    another language's."""
    with WORDS_FILE.open(encoding="utf-8", newline="") as file:
        return {
            row["language"]: frozenset(row["words"].split())
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        }


def spoken_before(history: Sequence[Message], language: str = "en") -> str:
    """The language that the customer last wrote; `language` when they wrote in none."""
    for message in history:
        if message.speaker == "customer":
            language = detect(message.text, language)
    return language


def heard_in(transcript: Transcript, before: str) -> str:
    """The language of a recording: Whisper's word is as good as the conversation's. PocketSphinx
    hears English and nothing else."""
    if not transcript.engine.startswith("whisper"):
        return "en"
    told = transcript.language in LANGUAGES
    return detect(transcript.text, transcript.language if told else before)


def in_english(text: str, language: str) -> str:
    """The text, as what reads only English is to read it."""
    return text if language == "en" else glossary(language).english(text)


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(SPACED))
    return identifier
