"""The command line. Heavy modules are imported inside commands, so that `--help` is quick."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import agent.cli.languages
import agent.cli.mood  # noqa: F401  add commands to the two apps of agent.lab
from agent.cli.acting import evaluate_acting
from agent.cli.backup import backup, restore
from agent.cli.handoffs import handoffs_app
from agent.cli.intents import intents_app
from agent.cli.keys import keys_app
from agent.cli.knowledge import index, run_index, search
from agent.cli.models import models_app
from agent.cli.outbox import outbox_app
from agent.cli.privacy import privacy_app
from agent.cli.relations import compare, related
from agent.cli.shop import Home, shop_app
from agent.config import Settings
from agent.errors import CUSTOMER_ERRORS, OPERATOR_ERRORS
from agent.lab import evaluate_app, train_app
from agent.logs import log_to_stderr
from agent.serve import check_address, serve_agent
from fusion.types import BadInput, Turn

if TYPE_CHECKING:
    from agent.agent import Agent
    from agent.types import Reply

log = logging.getLogger(__name__)
app = typer.Typer(
    help="A customer-service agent for online shops: a grounded reply to words, voice and photos.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(train_app, name="train")
app.add_typer(evaluate_app, name="evaluate")
evaluate_app.command("acting")(evaluate_acting)
app.add_typer(intents_app, name="intents")
app.add_typer(shop_app, name="shop")
app.add_typer(models_app, name="models")
app.add_typer(handoffs_app, name="handoffs")
app.add_typer(keys_app, name="keys")
app.add_typer(outbox_app, name="outbox")
app.add_typer(privacy_app, name="privacy")
app.command()(search)
app.command()(index)
app.command()(backup)
app.command()(restore)
app.command()(related)
app.command()(compare)

Photos = Annotated[list[Path] | None, typer.Option("--photo", help="A photo; may be repeated.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


def main() -> None:
    """Run one command.

    What goes wrong is one sentence on stderr. The exit code says where to look: 1 the input, 2 the
    installation, 3 Deskhand itself.
    """
    try:
        app()
    except CUSTOMER_ERRORS as error:
        _fail(str(error), 1)
    except OPERATOR_ERRORS as error:
        _fail(str(error), 2)
    except Exception as error:
        log.debug("A fault in Deskhand", exc_info=error)
        _fail(
            f"A fault in Deskhand: {type(error).__name__}: {error} "
            "(DESKHAND_LOG_LEVEL=DEBUG shows where).",
            3,
        )


def _fail(sentence: str, code: int) -> None:
    print(f"deskhand: {sentence}", file=sys.stderr)
    sys.exit(code)


@app.command()
def ask(
    words: Annotated[str, typer.Argument(help="What the customer writes.")] = "",
    photo: Photos = None,
    audio: Annotated[Path | None, typer.Option(help="A recording.")] = None,
    video: Annotated[Path | None, typer.Option(help="A short video.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Go on with this conversation.")] = None,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Ask once, and see why the answer is what it is."""
    turn = Turn(
        words,
        _read(audio) if audio else None,
        tuple(map(_read, photo or [])),
        _read(video) if video else None,
    )
    if turn == Turn():
        raise BadInput("Nothing is asked: give words, --photo, --audio or --video.")
    with closing(_open(_settings(home=home))) as agent:
        conversation = conversation or agent.store.new_conversation()
        if as_json:
            print(_answer(agent, turn, conversation).model_dump_json(indent=2))
            return
        from rich.console import Console

        from agent.show import show_events

        console = Console()
        with closing(agent.reply(turn, conversation)) as stream:
            events = list(stream)
        show_events(console, events)
        console.print(f"go on with --conversation {conversation}", style="dim", markup=False)


@app.command()
def chat(
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Turns as lines of JSON in, replies as lines out.")
    ] = False,
    home: Home = None,
) -> None:
    """Talk in the terminal: /photo FILE sends a photo, /new begins again, /quit leaves."""
    from rich.console import Console

    from agent.show import plain, show_reply

    if jsonl:
        from agent.jsonl import serve

        return serve(_open(_settings(home=home)))
    console = Console()
    with closing(_open(_settings(home=home))) as agent:
        conversation = agent.store.new_conversation()
        while True:
            try:
                words = console.input("[bold]› [/]").strip()
            except EOFError:
                return
            command, _, rest = words.partition(" ")
            if command == "/quit":
                return
            if command == "/new":
                conversation = agent.store.new_conversation()
                continue
            try:
                if command == "/photo":
                    turn = Turn(photos=(_read(Path(rest.strip()).expanduser()),))
                else:
                    turn = Turn(words)
                reply = _answer(agent, turn, conversation)
            except CUSTOMER_ERRORS as error:
                console.print(plain(str(error), "yellow"))
            else:
                show_reply(console, reply)
                for note in reply.notes:
                    console.print(plain(note, "yellow"))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    home: Home = None,
) -> None:
    """Serve the chat page and the HTTP interface."""
    settings = _settings(home=home, host=host, port=port)
    check_address(settings)
    serve_agent(settings, lambda: None)


@app.command()
def demo(
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    home: Home = None,
) -> None:
    """Serve the demo shop; it is indexed first if there is no index."""
    import webbrowser
    from threading import Timer

    from agent.build import has_index

    settings = _settings(home=home, host=host, port=port, title="Kiln & Linen")
    page = f"http://{settings.host}:{settings.port}"

    def opened() -> None:
        if browser:
            Timer(1.5, webbrowser.open, [page]).start()

    check_address(settings)
    if not has_index(settings):
        run_index(settings, [], demo=True, rebuild=False)
    serve_agent(settings, opened)


@app.command()
def doctor(as_json: AsJson = False, home: Home = None) -> None:
    """What is active, in which state, and what would be better; exits with 2 if broken."""
    from dataclasses import asdict

    from rich.console import Console

    from agent.doctor import examine
    from agent.show import show_findings

    findings = examine(_settings(home=home))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        show_findings(Console(), findings)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(2)


def _settings(**given: object) -> Settings:
    settings = Settings.read(**given)
    log_to_stderr(settings.log_level, settings.log_format, settings.region)
    return settings


def _open(settings: Settings) -> Agent:
    from agent.build import open_agent

    return open_agent(settings)


def _answer(agent: Agent, turn: Turn, conversation: str) -> Reply:
    with closing(agent.reply(turn, conversation)) as events:
        return next(event.reply for event in events if event.kind == "done")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from error
