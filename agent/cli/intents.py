"""Commands for a shop's own intents: fit, predict, evaluate."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from agent.config import Settings
from fusion.types import BadInput

if TYPE_CHECKING:
    from fusion.intents import IntentClassifier

intents_app = typer.Typer(
    help="A shop's own intents: fit, predict and evaluate a classifier of sentences.",
    no_args_is_help=True,
)

TIMED = 100  # sentences

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `fit` wrote.")]
Test = Annotated[Path, typer.Argument(metavar="TEST.csv", help="CSV of sentences.")]


@intents_app.command()
def fit(
    train: Annotated[Path, typer.Argument(metavar="TRAIN.csv", help="Columns sentence and label.")],
    out: Annotated[Path, typer.Option(help="Folder the classifier is written to.")],
    out_of_scope: Annotated[
        Path | None, typer.Option(help="Sentences that are none of the shop's: CSV or text.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same weights.")] = 0,
) -> None:
    """Fit a classifier, and report what the examples are like (DIR/report.md)."""
    from rich.console import Console
    from rich.progress import Progress

    from agent.intents import read_examples, report
    from agent.show import plain
    from fusion.intents import fit as fit_intents
    from fusion.text import load_text

    examples = read_examples(train, out_of_scope)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out} cannot be written ({error.strerror}).") from error
    console = Console()
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("loading the encoder", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        classifier, validation = fit_intents(
            load_text(Settings.read().text),
            [row.sentence for row in examples.rows],
            [row.label for row in examples.rows],
            examples.outside,
            seed,
            progress,
        )
    classifier.save(out)
    said = report(examples, classifier.labels, validation)
    (out / "report.md").write_text(said, encoding="utf-8")
    console.print(plain(said))
    console.print(plain(f"Written to {out}; DESKHAND_INTENTS={out} makes the agent use it."))


@intents_app.command()
def predict(
    folder: Folder,
    test: Test,
    out: Annotated[Path, typer.Option(help="CSV that is written.")],
) -> None:
    """Label sentences: writes sentence, label, score and out_of_scope (from 0.5 on it is)."""
    from agent.intents import read_rows, write_predictions

    rows = read_rows(test, labelled=False)
    found = _load(folder).predict([row.sentence for row in rows])
    write_predictions(out, rows, found)
    print(f"{len(rows)} rows written to {out}.")


@intents_app.command()
def evaluate(folder: Folder, test: Test) -> None:
    """Measure on labelled sentences; an empty label, or oos, is out of scope."""
    from agent.intents import figures, read_rows

    rows = [row for row in read_rows(test, labelled=True) if row.sentence]
    classifier = _load(folder)
    unknown = {row.label for row in rows if not row.outside} - set(classifier.labels)
    if unknown:
        print(f"Labels the classifier was not taught, all counted wrong: {sorted(unknown)}")
    found = classifier.predict([row.sentence for row in rows])
    print(f"{len(rows)} rows, {sum(row.outside for row in rows)} of them out of scope")
    for name, value in figures(rows, found).items():
        print(f"  {name:48}{value:.4f}")
    taken = []
    for row in rows[:TIMED]:
        began = perf_counter()
        classifier.predict([row.sentence])
        taken.append(1000 * (perf_counter() - began))
    if taken:
        print(f"  {'milliseconds of one sentence alone, median':48}{median(taken):.1f}")


def _load(folder: Path) -> IntentClassifier:
    from fusion.intents import load_intents
    from fusion.text import load_text

    return load_intents(folder, load_text(Settings.read().text))
