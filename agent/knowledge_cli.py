"""Commands for what the shop knows: index and search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.config import Settings
from agent.shop_cli import Home
from fusion.types import BadInput, Turn

if TYPE_CHECKING:
    from knowledge.types import Hit


def search(
    words: Annotated[str, typer.Argument(help="What to look for.")] = "",
    photo: Annotated[
        list[Path] | None, typer.Option("--photo", help="A photo; may be repeated.")
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(help='Questions, one a line, or .jsonl rows {"text", "photo"}.'),
    ] = None,
    k: Annotated[int, typer.Option("-k", "--k", min=1, max=100, help="How many.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    home: Home = None,
) -> None:
    """What the shop knows about some words or a photo, best first; or about a file of them.

    With --queries and --json, the answer is one JSON line a question, in order; products that do
    not fulfil a wish then follow those that do.
    """
    from rich.console import Console

    from agent.search import open_lookup
    from agent.show import plain, show_hits

    if queries and (words or photo):
        raise BadInput("Give either words and photos, or --queries.")
    asked = _queries(queries) if queries else iter([({"text": words}, _turn(words, photo or []))])
    console = Console()
    with closing(open_lookup(Settings.read(home=home))) as lookup:
        for query, turn in asked:
            hits, wishes = lookup.search(turn, k, fill=queries is not None)
            if as_json and queries:
                found = [_summary(hit) for hit in hits]
                print(json.dumps({"query": query, "hits": found}), flush=True)
            elif as_json:
                from pydantic import TypeAdapter

                from knowledge.types import Hit

                print(TypeAdapter(list[Hit]).dump_json(hits, indent=2).decode())
            else:
                if queries:
                    console.print(plain(f"\n{turn.text}", "bold"))
                show_hits(console, hits, wishes)


def _queries(path: Path) -> Iterator[tuple[Any, Turn]]:
    """What each line asks, and the turn it is."""
    try:
        written = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as UTF-8 text ({error}).") from error
    # Not splitlines(): a question may hold what else Unicode takes for the end of a line.
    lines = written.removesuffix("\n").split("\n") if written else []
    for number, line in enumerate(lines, start=1):
        if path.suffix.lower() not in (".jsonl", ".ndjson"):
            yield line, Turn(line)
            continue
        try:
            row = json.loads(line)
            text, photo = row.get("text") or "", row.get("photo")
            paths = [path.parent / photo] if photo else []
        except (ValueError, AttributeError, TypeError) as error:
            raise BadInput(
                f'{path}:{number} is not a row like {{"text": ..., "photo": path}} ({error}).'
            ) from error
        yield row, _turn(str(text), paths)


def _turn(words: str, photos: list[Path]) -> Turn:
    try:
        return Turn(words, photos=tuple(photo.read_bytes() for photo in photos))
    except OSError as error:
        raise BadInput(f"{error.filename} cannot be read ({error.strerror}).") from error


def _summary(hit: Hit) -> dict[str, Any]:
    document = hit.document
    return {
        "id": document.id,
        "kind": document.kind,
        "title": document.title,
        "score": round(hit.score, 4),
        "ranks": dict(hit.ranks),
        "price": document.price,
        "currency": document.currency,
        "url": document.url,
        "passage": hit.passage,
    }


def index(
    paths: Annotated[list[Path] | None, typer.Argument(help="Feeds, FAQs and policies.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Index the demo shop.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Empty the index first.")] = False,
    home: Home = None,
) -> None:
    """Make the index hold what stands in these files and folders, and nothing else."""
    if not paths and not demo and not rebuild:
        raise BadInput("Name the files or folders to index, or give --demo or --rebuild.")
    if paths and demo:
        raise BadInput("Give either paths or --demo: an index holds one shop.")
    run_index(Settings.read(home=home), paths or [], demo, rebuild)


def run_index(settings: Settings, paths: list[Path], demo: bool, rebuild: bool) -> None:
    """Index with a progress bar, and report what was left out."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    from agent.build import index_demo, index_paths
    from agent.show import show_report
    from fusion.perceive import load_encoders

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f}/s" if task.speed else "")

    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("loading encoders", total=None)
        encoders = load_encoders(settings.text, settings.vision, "off")
        doing = ""

        def advance(what: str, done: int, total: int) -> None:
            nonlocal doing
            if what != doing:
                doing = what
                progress.reset(task, description=what)
            progress.update(task, completed=done, total=total or None)

        if demo:
            report = index_demo(settings, encoders, advance, rebuild)
        else:
            report = index_paths(settings, encoders, paths, advance, rebuild)
    show_report(console, report)
