"""Commands for the shop's customers and orders: import, show, export."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.config import Settings
from agent.errors import NotFound
from fusion.types import BadInput

if TYPE_CHECKING:
    from agent.shop import SqlShop

shop_app = typer.Typer(help="The shop's customers, orders and products.", no_args_is_help=True)

Home = Annotated[
    Path | None, typer.Option(help="Folder of index, conversations and orders (DESKHAND_HOME).")
]


@shop_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="JSON or CSV (agent/shop_file.py).")],
    rules: Annotated[
        str | None,
        typer.Option(help="YAML of the shop's rules, or demo or retail, which come along."),
    ] = None,
    index: Annotated[
        bool | None,
        typer.Option(help="Make the index hold the products; by default if there is no index."),
    ] = None,
    home: Home = None,
) -> None:
    """Make the shop hold what stands in FILE, and nothing else."""
    from agent.build import has_index, index_documents, prepare_home
    from agent.rules import find_rules
    from agent.shop_file import catalogue, read_shop
    from agent.space import open_encoders

    settings = Settings.read(home=home)
    content = read_shop(file)
    law = find_rules(rules or ("retail" if content.products else "demo"))
    prepare_home(settings.home)
    with closing(_open(settings)) as shop:
        shop.load(content, law, anew=True)
    print(
        f"{len(content.users)} customers, {len(content.orders)} orders and "
        f"{len(content.products)} products; the rules are those of {law.name}."
    )
    if index or (index is None and not has_index(settings)):
        documents = list(catalogue(content.products.values(), law.currency))
        report = index_documents(settings, open_encoders(settings), documents)
        print(f"{report.added} articles are new in the index.")


@shop_app.command()
def show(
    order: Annotated[str, typer.Argument(help="Its number.")],
    home: Home = None,
) -> None:
    """One order and its customer as JSON."""
    with closing(_open(Settings.read(home=home))) as shop:
        number = next(iter(shop.rules.find_orders(order, bare=True)), order)
        found = shop.order(number)
        if found is None:
            raise NotFound(f"There is no order {number}.")
        customer = shop.customer(found.customer)
        shown = {"order": found.dump(), "customer": customer.dump() if customer else None}
    print(json.dumps(shown, indent=4, ensure_ascii=False))


@shop_app.command()
def export(
    out: Annotated[Path | None, typer.Option(help="File to write; else standard output.")] = None,
    home: Home = None,
) -> None:
    """Everything as it stands now, as JSON in the format of `shop import`."""
    with closing(_open(Settings.read(home=home))) as shop:
        text = json.dumps(shop.export(), indent=4)
    if out is None:
        print(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{out} cannot be written ({error.strerror}).") from error


def _open(settings: Settings) -> SqlShop:
    from agent.shop import SqlShop

    if settings.orders.startswith("http"):
        raise BadInput(
            "The shop is behind DESKHAND_SHOP_URL, and has its customers and orders itself."
        )
    return SqlShop(settings.orders)
