"""Which language a customer writes or speaks, turn by turn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from fusion.glossary import CJK, glossary
from fusion.types import Message, Transcript

LANGUAGES = ("en", "zh", "es", "fr", "de", "ja", "pt")
SPACED = ("en", "es", "fr", "de", "pt")
HABIT = 8.0  # nats by which the language of the conversation is likelier than another
WORD = 4.0  # nats of one word that the glossary has
_COMMON = {
    "the", "a", "an", "is", "are", "was", "do", "does", "did", "have", "has", "i", "you", "we",
    "they", "it", "my", "your", "this", "that", "of", "for", "with", "from", "to", "in", "on",
    "at", "can", "could", "will", "would", "what", "which", "how", "when", "where", "who", "not",
    "no", "and", "or", "if", "there", "hi", "hey", "yo", "ok", "please", "thanks", "thank", "yes",
    "any", "some", "one", "get", "want", "need", "still", "human",
}  # fmt: skip


def detect(text: str, before: str = "en") -> str:
    """The language of `text`, one of LANGUAGES; `before`, that of the conversation, in doubt.

    A turn that mixes languages is in the one whose grammar it has: Chinese and Japanese wherever
    there is any of their writing ("这个 mug 有蓝色的吗?").
    """
    if re.search("[\u3040-\u30ff]", text):
        return "ja"
    if re.search(f"[{CJK}]", text):
        return "ja" if before == "ja" else "zh"
    letters = re.findall(r"[^\W\d_]+", text)
    if not letters or (before in ("zh", "ja") and len(letters) < 2):
        return before
    said = " ".join(word for word in re.findall(r"\S+", text) if not re.search(r"\d", word))
    scores = dict(_identifier().rank(said.lower()))
    if min(scores.values()) < -1e30:  # nothing it knows
        scores = dict.fromkeys(SPACED, 0.0)
    known = {language: glossary(language).knows(said) for language in SPACED}
    known["en"] += sum(word.lower() in _COMMON for word in letters)
    if not known["en"] and [n for n in known.values() if n] == [len(letters)]:  # "oui", "hola"
        return max(SPACED, key=lambda language: known[language])
    for language in SPACED:
        scores[language] += WORD * known[language]
    habit = before if before in SPACED else "en"
    scores[habit] += HABIT
    return max(SPACED, key=lambda language: scores[language])


def spoken_before(history: Sequence[Message]) -> str:
    """The language that the customer last wrote."""
    language = "en"
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
