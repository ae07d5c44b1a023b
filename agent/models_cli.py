"""Commands for pretrained models: fetch one, see which are there."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.config import Settings
from agent.shop_cli import Home
from fusion.types import BadInput

models_app = typer.Typer(help="Pretrained models.", no_args_is_help=True)


@models_app.command()
def pull(
    name: Annotated[str, typer.Argument(help="E.g. hub:google/siglip2-base-patch16-224.")],
) -> None:
    """Fetch a model once; from then on it is used with the network off."""
    from fusion.hub import fetch

    if not name.startswith("hub:"):
        raise BadInput(f"{name!r} is no model that can be fetched: give hub:NAME.")
    print(fetch(name))


@models_app.command("list")
def list_models(home: Home = None) -> None:
    """Which models are set, and which of the hub are on this machine."""
    from fusion.hub import cached

    settings = Settings.read(home=home)
    for part in ("text", "vision", "speech", "fusion", "llm"):
        print(f"DESKHAND_{part.upper()}={getattr(settings, part)}")
    for name, size in sorted(cached().items()):
        print(f"hub:{name}  {size / 1e6:.1f} MB")
