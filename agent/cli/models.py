"""Commands for pretrained models: fetch one, see which are there."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.shop import Home
from agent.config import Settings
from fusion.types import BadInput

models_app = typer.Typer(help="Pretrained models.", no_args_is_help=True)


@models_app.command()
def pull(
    name: Annotated[
        str, typer.Argument(help="E.g. whisper:base or hub:google/siglip2-base-patch16-224.")
    ],
) -> None:
    """Fetch a model once; from then on it is used with the network off."""
    from fusion import hub, whisper_files

    if name.startswith("whisper:"):
        print(whisper_files.fetch(name.removeprefix("whisper:")))
    elif name.startswith("hub:"):
        print(hub.fetch(name))
    else:
        raise BadInput(f"{name!r} is no model that can be fetched: give hub:NAME or whisper:NAME.")


@models_app.command("list")
def list_models(home: Home = None) -> None:
    """Which models are set, and which of the hub and of Whisper are on this machine."""
    from fusion.hub import cached
    from fusion.whisper_files import kept

    settings = Settings.read(home=home)
    for part in ("text", "vision", "speech", "fusion", "llm"):
        print(f"DESKHAND_{part.upper()}={getattr(settings, part)}")
    for name, size in sorted(cached().items()):
        print(f"hub:{name}  {size / 1e6:.1f} MB")
    for name, size in kept().items():
        print(f"whisper:{name}  {size / 1e6:.1f} MB")
