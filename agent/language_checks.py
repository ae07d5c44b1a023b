"""How well other languages are understood (`deskhand evaluate languages`).

The student alone, on sentences that nothing was chosen by; and the whole agent, on one set of
questions to the demo shop in every language, against the same questions in English.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.agent import Agent
from agent.memory import Memory
from fusion.languages import LANGUAGES, detect
from fusion.perceive import perceive
from fusion.student import Student
from fusion.text import TextEncoder
from fusion.types import BadInput, Turn
from knowledge.evaluate import recall

Figures = dict[str, dict[str, float]]  # language -> figure -> value

TIMED = 200  # sentences


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the documents that answer it, and its intent ("" where none is judged)."""

    query: str
    english: str
    relevant: frozenset[str]
    intent: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What the agent made of a question."""

    language: str  # as detected
    recall_5: float
    right_intent: float


def read_questions(path: Path) -> list[Question]:
    """Rows of JSONL {"query", "english", "relevant": [ids], "intent"}; raises BadInput."""
    questions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            relevant = frozenset(row["relevant"])
            questions.append(
                Question(row["query"], row["english"], relevant, row.get("intent", ""))
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"{path}:{number}: needs query, english, relevant ({error!r})"
            ) from error
    return questions


def judge_tatoeba(folder: Path, student: Student, teacher: TextEncoder) -> Figures:
    """Of the sentences in `test.tatoeba.en-XX.tsv`, the share whose English one is the nearest."""
    figures: Figures = {}
    for path in sorted(folder.glob("test.tatoeba.en-*.tsv")):
        language = path.stem.rsplit("-", 1)[-1]
        lines = path.read_text(encoding="utf-8").splitlines()
        english, other = zip(*(line.split("\t")[:2] for line in lines), strict=True)
        right = teacher.encode(english)
        began = time.perf_counter()
        for text in other[:TIMED]:
            student.encode([text])
        spent = (time.perf_counter() - began) / len(other[:TIMED])
        near = student.encode(other) @ right.T
        figures[language] = {
            "right sentence first": float((near.argmax(1) == np.arange(len(near))).mean()),
            "detected": float(np.mean([detect(text) == language for text in other])),
            "milliseconds a sentence": 1000 * spent,
        }
    return figures


def judge_questions(agent: Agent, samples: Path) -> Figures:
    """R@5 and intents of `XX.jsonl` in `samples`, and as a share of the same ones' in English."""
    asked = {q.english: q for q in read_questions(samples / "en.jsonl")}
    in_english = {english: answer(agent, question) for english, question in asked.items()}
    figures: Figures = {
        "en": {
            **_means(list(asked.values()), list(in_english.values())),
            # what is taken for English never passes through the student: 1.0 is all of it
            "detected": float(np.mean([a.language == "en" for a in in_english.values()])),
        }
    }
    for language in LANGUAGES[1:]:
        path = samples / f"{language}.jsonl"
        if not path.is_file():
            continue
        questions = read_questions(path)
        answers = [answer(agent, question) for question in questions]
        own = _means(questions, answers)
        english = _means(questions, [in_english[question.english] for question in questions])
        figures[language] = {
            **own,
            "R@5 of English": own["R@5"] / english["R@5"],
            "intents of English": own["intents"] / english["intents"],
            "detected": float(np.mean([a.language == language for a in answers])),
        }
    return figures


def judge_sentences(agent: Agent, folder: Path) -> Figures:
    """Of what customers say (`XX.jsonl` in `folder`, rows {"text", "intent"}), the share whose
    intent is right. None of them is among the examples that the glossary was mended on and the
    sayings learnt from (`fusion/sayings.jsonl`), but they are by the same hand."""
    figures: Figures = {}
    for path in sorted(folder.glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        heard = [
            agent.fusion(perceive(Turn(row["text"]), [], agent.encoders, agent.input_limits))
            for row in rows
        ]
        right = [one.intent == row["intent"] for one, row in zip(heard, rows, strict=True)]
        figures[path.stem] = {"sentences": float(len(rows)), "intents": float(np.mean(right))}
    return figures


def answer(agent: Agent, question: Question) -> Answered:
    """A question as the first of a conversation."""
    percept = perceive(Turn(question.query), [], agent.encoders, agent.input_limits)
    fused = agent.fusion(percept)
    found = agent.answerer.find(percept, fused, Memory(), None)
    ids = [hit.document.id for hit in found.hits]
    return Answered(
        percept.language,
        recall(ids, dict.fromkeys(question.relevant, 1.0), 5),
        float(fused.intent == question.intent),
    )


def _means(questions: Sequence[Question], answers: Sequence[Answered]) -> dict[str, float]:
    judged = [a.right_intent for q, a in zip(questions, answers, strict=True) if q.intent]
    return {
        "questions": float(len(questions)),
        "R@5": float(np.mean([a.recall_5 for a in answers])),
        "intents": float(np.mean(judged)),
    }


def markdown(parts: Mapping[str, Figures]) -> str:
    """A table for each part."""
    lines: list[str] = []
    for title, figures in parts.items():
        names = list(dict.fromkeys(name for row in figures.values() for name in row))
        lines += [f"## {title}", "", f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for language, row in figures.items():
            cells = (f"{row[name]:.3f}" if name in row else "" for name in names)
            lines.append(f"| {language} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)
