"""Commands: everything that is kept into one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.shop import Home
from agent.config import Settings

File = Annotated[Path, typer.Argument(help="The backup, a .tar.gz.")]


def backup(file: File, home: Home = None) -> None:
    """Write everything that is kept into FILE, also while Deskhand runs."""
    from agent.backup import back_up

    for name in back_up(Settings.read(home=home).home, file):
        print(name)


def restore(file: File, home: Home = None) -> None:
    """Put a backup into a home that has nothing yet."""
    from agent.backup import restore as put_back

    for name in put_back(file, Settings.read(home=home).home):
        print(name)
