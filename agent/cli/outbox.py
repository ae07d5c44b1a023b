"""Commands for messages to and from helpdesks that wait or are dead: list, retry."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from agent.cli.handoffs import opened_store
from agent.cli.shop import Home

outbox_app = typer.Typer(help="Messages to helpdesks, and from them.", no_args_is_help=True)

Inbox = Annotated[bool, typer.Option("--inbox", help="Those that came, not those that go out.")]


@outbox_app.command("list")
def list_messages(
    inbox: Inbox = False,
    everything: Annotated[bool, typer.Option("--all", help="Also those dealt with.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    home: Home = None,
) -> None:
    """Those that wait or are dead, oldest first."""
    from agent.show import plain
    from agent.store.boxes import messages

    with opened_store(home) as store:
        found = messages(store, "inbox" if inbox else "outbox", everything)
    if as_json:
        return print(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False))
    for one in found:
        line = f"{one.id}  {one.state}  {one.channel}  {one.kind}  tries {one.tries}  {one.error}"
        print(plain(line).plain)


@outbox_app.command()
def retry(
    id: Annotated[str | None, typer.Argument(help="One; without it, every dead one.")] = None,
    inbox: Inbox = False,
    home: Home = None,
) -> None:
    """Try again, from anew."""
    from agent.store.boxes import retry as retry_messages

    with opened_store(home) as store:
        count = retry_messages(store, "inbox" if inbox else "outbox", id)
    print(f"{count} messages wait to be tried again.")
