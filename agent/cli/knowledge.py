"""Commands for what the shop knows: index and search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.shop import Home
from agent.config import Settings
from fusion.types import BadInput, Turn

if TYPE_CHECKING:
    from agent.search import Lookup
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
    grouped: Annotated[
        bool, typer.Option("--grouped", help="Variants of a product as one.")
    ] = False,
    home: Home = None,
) -> None:
    """What the shop knows about some words or a photo, best first; or about a file of them.

    With --queries and --json, the answer is one JSON line a question, in order; one that cannot be
    read has an "error" beside no hits. Products that do not fulfil a wish follow those that do.
    """
    from rich.console import Console

    from agent.search import open_lookup
    from agent.show import plain, show_hits

    if queries and (words or photo):
        raise BadInput("Give either words and photos, or --queries.")
    console = Console()
    with closing(open_lookup(Settings.read(home=home))) as lookup:
        if queries:
            for row, read in _queries(queries):
                hits, wishes, wrong = _looked_up(lookup, read, k, grouped)
                if as_json:
                    answer = {"query": row, "hits": [_summary(hit) for hit in hits]}
                    print(json.dumps(answer | ({"error": wrong} if wrong else {})), flush=True)
                else:
                    asked = row if isinstance(row, str) else json.dumps(row)
                    console.print(plain(f"\n{asked}", "bold"))
                    console.print(plain(wrong)) if wrong else show_hits(console, hits, wishes)
            return
        hits, wishes = lookup.search(_turn(words, photo or []), k, grouped=grouped)
    if as_json:
        from pydantic import TypeAdapter

        from knowledge.types import Hit

        print(TypeAdapter(list[Hit]).dump_json(hits, indent=2).decode())
    else:
        show_hits(console, hits, wishes)


def _looked_up(
    lookup: Lookup, read: Callable[[], Turn], k: int, grouped: bool
) -> tuple[list[Hit], str, str]:
    """The hits for a row, the wishes obeyed, and what was wrong with it."""
    try:
        return *lookup.search(read(), k, fill=True, grouped=grouped), ""
    except BadInput as error:
        return [], "", str(error)


def _queries(path: Path) -> Iterator[tuple[Any, Callable[[], Turn]]]:
    """What each line asks, and how to read the turn it is."""
    try:
        written = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as UTF-8 text ({error}).") from error
    rows = path.suffix.lower() in (".jsonl", ".ndjson")
    # Not splitlines(): a question may hold what else Unicode takes for the end of a line.
    lines = written.removesuffix("\n").split("\n") if written else []
    for number, line in enumerate(lines, start=1):
        if not rows:
            yield line, partial(Turn, line)
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = line
        yield row, partial(_row, row, path, number)


def _row(row: Any, path: Path, number: int) -> Turn:
    try:
        text, photo = row.get("text") or "", row.get("photo")
        paths = [path.parent / photo] if photo else []
    except (AttributeError, TypeError) as error:
        raise BadInput(
            f'{path}:{number} is not a row like {{"text": ..., "photo": path}} ({error}).'
        ) from error
    return _turn(str(text), paths)


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
        "sure": round(hit.sure, 4),
        **({"variants": list(hit.variants)} if hit.variants else {}),
    }


def index(
    paths: Annotated[list[Path] | None, typer.Argument(help="Feeds, FAQs and policies.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Index the demo shop.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Empty the index first.")] = False,
    home: Home = None,
) -> None:
    """Make the index hold what stands in these files and folders, and nothing else.

    Products: JSON lines, CSV, TSV or Parquet; exports of Shopify, WooCommerce and Magento; Google
    Merchant feeds. FAQs and policies: Markdown, text, HTML, PDF, DOCX; CSV or JSON of questions.
    """
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
    from agent.show import plain, show_report
    from agent.space import open_encoders

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f}/s" if task.speed else "")

    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("loading encoders", total=None)
        encoders = open_encoders(settings)
        doing = ""

        def advance(what: str, done: int, total: int) -> None:
            nonlocal doing
            if what != doing:
                doing = what
                progress.reset(task, description=what)
            progress.update(task, completed=done, total=total or None)

        def guessed(path: Path, what: str) -> None:
            console.print(plain(f"{path.name}: {what}"))

        if demo:
            report = index_demo(settings, encoders, advance, rebuild)
        else:
            report = index_paths(settings, encoders, paths, advance, rebuild, guessed)
    show_report(console, report)
