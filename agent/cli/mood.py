"""Commands about how customers feel: train and evaluate the judgement of moods."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.config import Settings
from agent.lab import evaluate_app, train_app


@train_app.command("mood")
def train_mood(
    out: Annotated[Path, typer.Option(help="Folder the weights are written to.")],
) -> None:
    """Solve the weights of moods anew, from fusion/moods.jsonl and the customer sentences."""
    from fusion.mood import train_moods
    from fusion.text import load_text

    train_moods(load_text(Settings.read().text), out / "mood.safetensors")


@evaluate_app.command("mood")
def evaluate_mood(
    examples: Annotated[Path, typer.Argument(help="JSONL of text, earlier, photo, upset.")] = Path(
        "tests/samples/moods.jsonl"
    ),
) -> None:
    """Judge moods on written examples that no weight was chosen on."""
    from agent.mood import judge_moods
    from fusion.mood import load_moods
    from fusion.text import load_text

    settings = Settings.read()
    figures = judge_moods(load_moods(), load_text(settings.text), examples, settings.limits)
    for name, value in figures.items():
        print(f"  {name:28}{value:.3f}")
