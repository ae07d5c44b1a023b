"""Commands for the people who take conversations over: list, show, reply, return."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.shop import Home
from agent.config import Settings

if TYPE_CHECKING:
    from agent.store import Store

handoffs_app = typer.Typer(help="The conversations that wait for a person.", no_args_is_help=True)

Conversation = Annotated[str, typer.Argument(help="Its id, as `list` prints it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


@handoffs_app.command("list")
def list_waiting(home: Home = None) -> None:
    """Those that must come first, then longest waiting."""
    with opened_store(home) as store:
        for one in store.waiting():
            holder = f"with {one.person}" if one.person else "waits"
            _print(f"{one.since}  {one.conversation}  {one.reason}, {holder}, {one.priority}")


@handoffs_app.command()
def show(conversation: Conversation, as_json: AsJson = False, home: Home = None) -> None:
    """What a person needs to go on: who, what was tried, everything said, a suggested reply."""
    from agent.brief import brief, shown

    with opened_store(home) as store:
        found = brief(store, conversation)
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        _print(shown(found))


@handoffs_app.command()
def reply(
    conversation: Conversation,
    words: Annotated[str, typer.Argument(help="What the customer reads.")],
    person: Annotated[str, typer.Option(help="Who writes.")] = "",
    home: Home = None,
) -> None:
    """Write to the customer; the agent is silent until `return`."""
    with opened_store(home) as store:
        store.human_reply(conversation, person or getuser(), words)


@handoffs_app.command("return")
def give_back(conversation: Conversation, home: Home = None) -> None:
    """The agent answers again, from anew."""
    with opened_store(home) as store:
        store.resolve(conversation)


@contextmanager
def opened_store(home: Path | None) -> Iterator[Store]:
    from agent.build import prepare_home
    from agent.store import Store

    settings = Settings.read(home=home)
    prepare_home(settings.home)
    with closing(Store(settings.conversations)) as store:
        yield store


def _print(text: str) -> None:
    from agent.show import plain

    print(plain(text).plain)
