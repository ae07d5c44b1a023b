"""Commands about languages: train the student of other languages, and measure it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from agent.config import Settings
from agent.lab import Data, Epochs, Out, evaluate_app, train_app
from fusion.types import BadInput

QUESTIONS = Path("tests/samples/languages")
SOURCES = {
    "tatoeba": "Tatoeba (tatoeba.org, manythings.org/anki), CC BY 2.0 FR",
    "tanaka": "Tanaka corpus, distributed by Tatoeba, CC BY",
    "tico19": "TICO-19, CC0",
    "ami": "AMI Meeting Parallel Corpus, CC BY 4.0",
    "shop": "translations of shop interfaces, MIT and BSD-3",
}


@train_app.command("languages")
def train_languages(
    data: Data,
    out: Out,
    epochs: Epochs = 8,
    sentences: Annotated[
        int, typer.Option(min=0, help="English sentences to learn from at most; 0: all.")
    ] = 0,
) -> None:
    """Teach a small student to read other languages into the space of the sentence encoder.

    Continues an unfinished run in OUT.
    """
    from fusion.parallel import read_pairs, taught
    from fusion.text import load_text
    from fusion.train_student import Recipe, gather, train

    folder = data / "parallel"
    if not list(folder.glob("en-*.tsv.xz")):
        raise BadInput(f"There are no pairs of sentences (en-XX.tsv.xz) in {folder}.")
    pairs = read_pairs(folder)
    if sentences:
        pairs = pairs.first(sentences)
    recipe = Recipe(epochs=epochs)
    vectors = taught(pairs.english, load_text(), out / "teacher.f16")
    print(train(gather(pairs, vectors, recipe.rows), recipe, out, SOURCES))


@train_app.command("sayings")
def train_sayings(
    out: Annotated[Path, typer.Option(help="Folder of the fusion weights they stand beside.")],
) -> None:
    """Learn what customers want by what they say, from fusion/sayings.jsonl."""
    from agent.training import teach_sayings

    teach_sayings(Settings.read(), out)


@evaluate_app.command("languages")
def evaluate_languages(
    out: Out,
    data: Data | None = None,
    questions: Annotated[
        Path, typer.Option(help="Questions to the demo shop, XX.jsonl.")
    ] = QUESTIONS,
) -> None:
    """Judge other languages: the student on sentences it never saw (--data), and questions.

    The index must be the demo shop's. Figures are printed and written into OUT.
    """
    from agent.build import open_agent
    from agent.language_checks import (
        Figures,
        judge_questions,
        judge_sentences,
        judge_tatoeba,
        markdown,
    )
    from fusion.student import load_student
    from fusion.text import load_text

    if not (questions / "en.jsonl").is_file():
        raise BadInput(f"There are no questions in {questions}.")
    parts: dict[str, Figures] = {}
    if data is not None:
        parts["Tatoeba"] = judge_tatoeba(data / "parallel", load_student(), load_text())
    with closing(open_agent(Settings.read())) as agent:
        parts["Questions to the demo shop"] = judge_questions(agent, questions)
        parts["What customers say"] = judge_sentences(agent, questions / "intents")
    out.mkdir(parents=True, exist_ok=True)
    figures = json.dumps(parts, indent=2)
    (out / "languages.json").write_text(f"{figures}\n")
    (out / "languages.md").write_text(markdown(parts))
    print(figures, markdown(parts), sep="\n\n")
