"""Commands about products beside others: what is related to one, and how several differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.shop import Home
from agent.config import Settings
from fusion.types import BadInput

if TYPE_CHECKING:
    from knowledge.index import Knowledge
    from knowledge.types import Document

Product = Annotated[str, typer.Argument(help="Its id or article number.")]


def related(product: Product, home: Home = None) -> None:
    """What is like a product, like it but cheaper, of its family, and what goes with it."""
    from rich.console import Console

    from agent.build import open_shop
    from agent.products import listed
    from agent.show import plain
    from knowledge import relations

    console, settings = Console(), Settings.read(home=home)
    with _index(settings) as knowledge, closing(open_shop(settings)) as shop:
        found = _product(knowledge, product)
        options = relations.options(knowledge, found)
        baskets = shop.baskets({found.id, *(other.id for other in options)})
        beside, why = relations.goes_with(knowledge, found, baskets)
        groups = {
            "similar": [hit.document for hit in relations.similar(knowledge, found)],
            "cheaper": [hit.document for hit in relations.cheaper(knowledge, found)],
            "other options": options,
            f"goes with it ({why})": beside,
        }
    console.print(plain(found.title, "bold"))
    for name, others in groups.items():
        titles = listed([f"{other.title} ({other.id})" for other in others])
        console.print(plain(f"  {name}: {titles or 'nothing'}"))


def compare(
    products: Annotated[list[str], typer.Argument(help="Two or three ids or article numbers.")],
    home: Home = None,
) -> None:
    """A table of what two or three products differ in."""
    from rich.console import Console

    from agent.relating import compared
    from agent.relations import COMPARED
    from agent.show import show_comparison

    if not 2 <= len(products) <= COMPARED:
        raise BadInput(f"Name two products to compare, or {COMPARED}.")
    with _index(Settings.read(home=home)) as knowledge:
        show_comparison(Console(), compared([_product(knowledge, id) for id in products]))


@contextmanager
def _index(settings: Settings) -> Iterator[Knowledge]:
    from agent.space import encoder_name, open_vision
    from fusion.text import load_text
    from knowledge.index import open_index

    space = encoder_name(load_text(settings.text), open_vision(settings))
    with open_index(settings.index_folder, space) as knowledge:
        yield knowledge


def _product(knowledge: Knowledge, name: str) -> Document:
    found = knowledge.document(name)
    for document in [found] if found else knowledge.related(name):
        if document.kind == "product":
            return document
    raise BadInput(f"The shop has no product {name!r}.")
