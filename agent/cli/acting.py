"""`deskhand evaluate acting`: played customers against a shop, its state compared afterwards."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from agent.cli.shop import Home
from agent.config import Settings


def evaluate_acting(
    tasks: Annotated[Path, typer.Argument(help="JSONL of tasks (agent/acting.py).")],
    shop: Annotated[Path, typer.Option(help="JSON of the shop they are played against.")],
    rules: Annotated[str, typer.Option(help="YAML of its rules, or demo or retail.")] = "retail",
    out: Annotated[Path | None, typer.Option(help="JSONL of the conversations.")] = None,
    home: Home = None,
) -> None:
    """Play every task in four wordings, on a copy of the shop, and compare its state."""
    from rich.progress import track

    from agent.acting import play_all, read_tasks, save, summary
    from agent.build import open_agent
    from agent.rules import find_rules
    from agent.shop import SqlShop
    from agent.shop_file import read_shop

    given, file = read_tasks(tasks), read_shop(shop)
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/shop.db"
        with closing(SqlShop(url)) as copy:
            copy.load(file, find_rules(rules))
            settings = Settings.read(home=home, shop_url=url)
            with closing(open_agent(settings)) as agent:
                runs = play_all(agent, copy, file, given)
                played = list(track(runs, "playing", total=4 * len(given)))
    print(summary(played))
    if out:
        save(played, out)
