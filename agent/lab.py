"""Commands for the workbench: train the shipped weights anew, and measure how good a part is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from agent.config import Settings
from fusion.types import BadInput

train_app = typer.Typer(help="Train the shipped weights anew.", no_args_is_help=True)
evaluate_app = typer.Typer(help="Measure how good a part is.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder of public data (fusion/weights/MODEL_CARD.md).")]
Renders = Annotated[Path, typer.Option(help="Photos by knowledge/demo/studio/render.py.")]
Out = Annotated[Path, typer.Option(help="Folder the weights are written to.")]
Epochs = Annotated[int, typer.Option(min=1, help="Times all examples are seen.")]


@train_app.command("vision")
def train_vision(
    data: Data,
    out: Out,
    renders: Renders | None = None,
    start: Annotated[Path | None, typer.Option(help="Weights to begin from.")] = None,
    epochs: Epochs = 14,
    peak_rate: Annotated[float, typer.Option(help="Highest learning rate of the run.")] = 2e-3,
) -> None:
    """Train the photo encoder: on the public photos, with --renders on the shop's too."""
    from agent.training import train_tower
    from fusion.train_vision import Recipe

    recipe = Recipe(epochs=epochs, peak_rate=peak_rate)
    print(train_tower(data, renders, out, recipe, start))


@train_app.command("fusion")
def train_fusion(
    data: Data,
    renders: Renders,
    out: Out,
    epochs: Epochs = 5,
    each: Annotated[int, typer.Option(min=1, help="Examples a template, task and product.")] = 5,
) -> None:
    """Train the fusion module on top of the photo encoder that is installed."""
    from agent.training import train_module
    from fusion.train import Recipe

    print(train_module(data, renders, out, Recipe(epochs=epochs), each))


@evaluate_app.command("knowledge")
def evaluate_knowledge(
    judged: Annotated[
        Path | None,
        typer.Argument(help="JSONL of query and relevant ids; the demo shop's if none."),
    ] = None,
) -> None:
    """Rank judged questions by meaning, by words and by both."""
    from agent.build import encoder_name
    from fusion.text import load_text
    from fusion.vision import load_vision
    from knowledge.demo import folder
    from knowledge.evaluate import evaluate, load_judged, table
    from knowledge.index import open_index

    settings = Settings.read()
    questions = load_judged(judged or folder() / "qrels.jsonl")
    text, vision = load_text(settings.text), load_vision(settings.vision)
    with open_index(settings.index_folder, encoder_name(text, vision)) as knowledge:
        print(table(evaluate(knowledge, questions, text.encode)))


@evaluate_app.command("fusion")
def evaluate_fusion(
    photos: Annotated[Path, typer.Option(help="Customer photos named ID_N.jpg.")] = Path(
        "tests/samples/photos/customer"
    ),
    turns: Annotated[Path, typer.Option(help="JSONL of text and intent, null if none.")] = Path(
        "tests/samples/turns.jsonl"
    ),
) -> None:
    """Judge the shipped weights on photos and sentences that no training has seen."""
    from agent.build import open_agent
    from agent.training import judge_finding, judge_intents, judge_photos

    if not any(photos.glob("*.jpg")):
        raise BadInput(f"There are no photos in {photos}.")
    paths = sorted(photos.glob("*.jpg"))
    with closing(open_agent(Settings.read())) as agent:
        tables = {
            'photo + "how much is this?", whole search': judge_photos(
                agent, paths, "how much is this?"
            )
        }
    tables |= judge_finding(photos)
    tables["intents"] = judge_intents(turns)
    for name, figures in tables.items():
        print(name)
        for figure, value in figures.items():
            print(f"  {figure:28}{value:.3f}")
