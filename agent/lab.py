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
SAMPLES, TURNS = Path("tests/samples/photos"), Path("tests/samples/turns.jsonl")
PHOTOS = SAMPLES / "customer"


@train_app.command("vision")
def train_vision(
    out: Out,
    data: Data | None = None,
    renders: Renders | None = None,
    shop: Annotated[
        Path | None,
        typer.Option(help="Your own catalogue; what is no better is refused."),
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Weights to begin from; else features of ImageNet.")
    ] = None,
    average: Annotated[
        list[Path] | None,
        typer.Option(help="Encoders to take the mean of, with --data: nothing is trained."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Times all examples are seen: 9 with --data, 12 with --shop."),
    ] = None,
    side: Annotated[
        int, typer.Option(min=64, max=224, help="Pixels of a training cut, with --data.")
    ] = 160,
    peak_rate: Annotated[
        float, typer.Option(help="Highest learning rate of the run, with --data.")
    ] = 5e-4,
) -> None:
    """Train the photo encoder on the public photos (--data) or fit it to your own (--shop)."""
    from agent.training import average_towers, fit_tower, train_tower
    from fusion.train_vision import Recipe
    from fusion.weights import SHIPPED
    from knowledge.load import read_documents
    from knowledge.types import Document

    if (data is None) == (shop is None):
        raise BadInput("Give either --data, the public photos, or --shop, your own catalogue.")
    if data is not None and average:
        print(average_towers(data, renders, out, average))
    elif data is not None:
        recipe = Recipe(epochs=epochs or 9, side=side, peak_rate=peak_rate)
        print(train_tower(data, renders, out, recipe, start))
    elif shop is not None:
        documents = [d for d in read_documents(shop) if isinstance(d, Document)]
        weights = start or SHIPPED / "vision.safetensors"
        fit = fit_tower(documents, weights, out, epochs or 12)
        judged = "photos held out" if fit.spare else "other views of the same photos"
        print(f"{fit.photos} photos learnt from, {fit.judged} {judged}; right product:")
        for name, figures in (("before", fit.before), ("after", fit.after)):
            print(f"  {name:8}first {figures['R@1']:.3f}, among five {figures['R@5']:.3f}")
        if fit.kept is None:
            raise BadInput("The new weights are no better than those in use and were not kept.")
        print(f"Kept. Use it with DESKHAND_VISION={fit.kept}, then `deskhand index --rebuild`.")


@train_app.command("damage")
def train_damage(
    renders: Annotated[Path, typer.Option(help="Goods whole and damaged, by the same studio.")],
    out: Out,
    data: Data | None = None,
) -> None:
    """Train the damage signal; with --data, its threshold knows whole things on real photos too."""
    from agent.training import train_damage_signal

    print(train_damage_signal(renders, data, out))


@train_app.command("fusion")
def train_fusion(
    data: Data,
    out: Out,
    epochs: Epochs = 3,
    each: Annotated[int, typer.Option(min=1, help="Examples a template, task and product.")] = 5,
    model: Annotated[
        str, typer.Option(help="ours, a baseline, an ablation; or all, or ablations.")
    ] = "ours",
    seeds: Annotated[int, typer.Option(min=1, max=5, help="Runs; each holds out others.")] = 1,
    shop: Annotated[
        Path | None, typer.Option(help="Your own catalogue; worse weights are refused.")
    ] = None,
) -> None:
    """Train a fusion model on the encoders that are set, and judge it on what it never saw.

    Leaves weights and figures in OUT/MODEL/SEED; what is there is not done again.
    """
    from agent.bench import Bench, compare, retrain
    from agent.space import open_vision
    from agent.training import teach_sayings
    from fusion.ablations import ABLATIONS
    from fusion.baselines import BASELINES
    from fusion.text import load_text
    from fusion.train import Recipe
    from fusion.understand import load_fusion
    from knowledge.demo import folder
    from knowledge.load import read_documents
    from knowledge.types import Document

    known = ("ours", *BASELINES, *ABLATIONS)
    groups = {"all": ("ours", *BASELINES), "ablations": ("ours", *ABLATIONS)}
    names = groups.get(model, (model,))
    if not set(names) <= set(known):
        raise BadInput(f"There is no model {model!r}: expected {', '.join((*groups, *known))}.")
    settings = Settings.read()
    documents = [d for d in read_documents(shop or folder()) if isinstance(d, Document)]
    text, vision = load_text(settings.text), open_vision(settings)
    bench = Bench(documents, data, text, vision, settings.home / "encodings.sqlite", each)
    recipe = Recipe(epochs=epochs)
    if shop is None:
        compare(bench, names, seeds, recipe, out, PHOTOS, TURNS)
        print(out)
    elif retrain(bench, recipe, out, load_fusion(settings.fusion).model, TURNS):
        teach_sayings(settings, out)
        print(f"Kept. Use it with DESKHAND_FUSION={out / 'fusion.safetensors'}")
    else:
        raise BadInput("The new weights are worse than those in use and were not kept.")


@evaluate_app.command("knowledge")
def evaluate_knowledge(
    judged: Annotated[
        Path | None,
        typer.Argument(help='JSONL of {"query", "relevant": [ids]}; the demo shop\'s if none.'),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the figures as JSON and Markdown.")
    ] = None,
) -> None:
    """Judge the search beside BM25 alone, meaning alone and reciprocal ranks; time it.

    A question with no relevant id has no answer: there, no hit should be sure.
    """
    from agent.search import open_lookup
    from fusion.types import Turn
    from knowledge.demo import folder
    from knowledge.evaluate import DEPTH, evaluate, load_judged, markdown, write

    questions = load_judged(judged or folder() / "qrels.jsonl")
    with closing(open_lookup(Settings.read())) as lookup:
        results = evaluate(
            lookup.knowledge,
            questions,
            lookup.encoders.text.encode,
            lambda query: lookup.search(Turn(query), DEPTH, fill=True)[0],
        )
    if out is not None:
        write(results, out)
    print(markdown(results))


@evaluate_app.command("seeing")
def evaluate_seeing(
    out: Out,
    data: Data | None = None,
    samples: Annotated[
        Path, typer.Option(help="Photos of customers and of things not sold.")
    ] = SAMPLES,
) -> None:
    """Judge how well photos are seen; figures and a sheet of pictures are written into OUT.

    With --data, on the public photos too.
    """
    from agent.seeing import judge, markdown, write

    if not list((samples / "customer").glob("*.jpg")):
        raise BadInput(f"There are no photos in {samples / 'customer'}.")
    figures, seen = judge(Settings.read(), samples, data)
    write(figures, seen, out)
    print(markdown(figures))


@evaluate_app.command("hearing")
def evaluate_hearing(
    out: Out,
    data: Data | None = None,
    samples: Annotated[
        Path, typer.Option(help="Folder of turns.jsonl, sentences of customers.")
    ] = TURNS.parent,
    questions: Annotated[int, typer.Option(min=1, help="Questions spoken at most.")] = 200,
) -> None:
    """Judge how well recordings are heard, and that silence is not; figures are written into OUT.

    With --data, on the public recordings too.
    """
    from agent.hearing import Figures, judge_hearing, rows, write

    if not (samples / "turns.jsonl").is_file():
        raise BadInput(f"There is no {samples / 'turns.jsonl'}.")
    figures: Figures = {}
    for what, values in judge_hearing(Settings.read(), data, samples, questions):
        figures[what] = values
        print(*rows(what, values), sep="\n", flush=True)
        write(figures, out)  # what was measured is kept, should the rest be cut off


@evaluate_app.command("fusion")
def evaluate_fusion(
    runs: Annotated[
        Path | None, typer.Option(help="Folder of runs of `train fusion`: their table.")
    ] = None,
    photos: Annotated[Path, typer.Option(help="Customer photos named ID_N.jpg.")] = PHOTOS,
) -> None:
    """Judge what is installed on photos and sentences; with --runs, compare trained models.

    The comparison is printed, and written into RUNS as JSON, Markdown and plots.
    """
    from agent.bench import judge_intents
    from agent.build import open_agent
    from agent.training import judge_photos
    from fusion.text import load_text
    from fusion.understand import load_fusion

    if runs is not None:
        print(_compared(runs))
        return
    paths = sorted(photos.glob("*.jpg"))
    if not paths:
        raise BadInput(f"There are no photos in {photos}.")
    settings = Settings.read()
    with closing(open_agent(settings)) as agent:
        found = judge_photos(agent, paths, "how much is this?")
    said = judge_intents(load_fusion(settings.fusion), load_text(settings.text), TURNS)
    for name, figures in (('photo + "how much is this?"', found), ("intents", said)):
        print(name)
        for figure, value in figures.items():
            print(f"  {figure:28}{value:.3f}")


COLUMNS = {
    "text": "text",
    "photo": "photo",
    "photo+edit": "photo + edit",
    "photo+words": "photo + bare words",
    "voice": "voice",
    "voice+photo": "voice + photo",
    "history": "follow-up",
    "history+edit": "follow-up + edit",
    "print": "print",
    "wrong photo": "wrong photo",
    "passage": "question of the FAQ",
    "voice at WER 0 %": "voice, WER 0 %",
    "voice at WER 15 %": "voice, WER 15 %",
}
JUDGED = {
    "intents accuracy": "intents right",
    "intents ECE": "calibration error",
    "intents AUROC": "AUROC out of scope",
    "intents ours rejected": "ours rejected",
    "intents others rejected": "others rejected",
    "parameters": "parameters",
    "ms": "ms a turn",
    "ms explained": "ms with explanation",
}


def _compared(runs: Path) -> str:
    """The tables of all runs in `runs`, which are also written there."""
    from fusion import table

    figures = table.read_runs(runs)
    parts = []
    for place in ("shop", "grocery"):
        for figure in ("R@1", "R@10", "MRR"):
            columns = {
                name: heading
                for kind, heading in COLUMNS.items()
                if (name := f"{place} {kind} {figure}") in figures
            }
            parts += [f"**{place}, {figure}**", table.markdown(figures, columns)]
            table.plot(figures, columns, runs / f"{place}-{figure.replace('@', '')}.png")
    parts += ["**intents**", table.markdown(figures, JUDGED)]
    table.write(figures, runs / "figures.json")
    said = "\n\n".join(parts) + "\n"
    (runs / "figures.md").write_text(said, encoding="utf-8")
    return said
