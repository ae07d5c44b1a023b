"""Commands for the keys of programs that use Deskhand over HTTP: create, list, revoke."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from agent.cli.handoffs import opened_store
from agent.cli.shop import Home
from fusion.types import BadInput

keys_app = typer.Typer(help="The keys of programs that come in by HTTP.", no_args_is_help=True)


@keys_app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[
        list[str], typer.Option("--scope", help="chat, knowledge, desk or admin; may be repeated.")
    ],
    home: Home = None,
) -> None:
    """Make a key and print it: this once, for it is kept nowhere."""
    from agent.store.keys import SCOPES, create_key

    scopes = [one for one in SCOPES if one in scope]
    if len(scopes) < len(set(scope)) or not name.strip():
        raise BadInput(f"A key has a name and a --scope of {', '.join(SCOPES)}.")
    with opened_store(home) as store:
        print(create_key(store, name, scopes))


@keys_app.command("list")
def list_all(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
    home: Home = None,
) -> None:
    """Every key there ever was, without its secret."""
    from agent.show import plain
    from agent.store.keys import list_keys

    with opened_store(home) as store:
        found = list_keys(store)
    if as_json:
        rows = [asdict(key) | {"scopes": sorted(key.scopes)} for key in found]
        return print(json.dumps(rows, indent=2))
    for key in found:
        state = f"revoked {key.revoked_at}" if key.revoked_at else "opens"
        scopes = ",".join(sorted(key.scopes))
        print(plain(f"{key.id}  {scopes}  {key.made_at}  {state}  {key.name}").plain)


@keys_app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="Its id, as `list` prints it.")], home: Home = None
) -> None:
    """The key opens nothing from now on."""
    from agent.store.keys import revoke_key

    with opened_store(home) as store:
        revoke_key(store, id)
