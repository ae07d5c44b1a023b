"""Commands for what a person may ask of a shop: everything held of them, and its erasure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.shop import Home
from agent.config import Settings
from agent.errors import NotFound
from fusion.types import BadInput

if TYPE_CHECKING:
    from agent.personal import Person
    from agent.store import Store

privacy_app = typer.Typer(help="What is held of a person.", no_args_is_help=True)

Customer = Annotated[
    str, typer.Argument(help="E-mail address, the shop's customer id, or a conversation's id.")
]


@privacy_app.command("export")
def export_person(
    customer: Customer,
    out: Annotated[Path, typer.Option(help="New folder for person.json and the attachments.")],
    home: Home = None,
) -> None:
    """Write everything that is held of CUSTOMER: conversations, hand-offs, photos, recordings, and
    the shop's record and orders."""
    from agent.personal import export

    with _found(customer, home) as (store, person):
        try:
            files = export(store, person, out)
        except OSError as error:
            raise BadInput(f"{out} cannot be written ({error.strerror}).") from error
    print(json.dumps({"conversations": len(person.conversations), "files": files}, indent=2))


@privacy_app.command("erase")
def erase_person(customer: Customer, home: Home = None) -> None:
    """Erase every conversation of CUSTOMER with its hand-offs, photos and recordings."""
    from agent.store.personal import erase

    with _found(customer, home) as (store, person):
        erase(store, person.conversations)
    print(f"{len(person.conversations)} conversations are erased, with all that came along.")
    if person.customer is not None:
        orders = ", ".join(order.id for order in person.orders) or "no orders"
        print(
            f"The shop itself keeps customer {person.customer.id} and {orders}, with the changes "
            "made to them: they are its books."
        )


@contextmanager
def _found(customer: str, home: Path | None) -> Iterator[tuple[Store, Person]]:
    from agent.build import open_shop, prepare_home
    from agent.personal import find_person
    from agent.store import Store

    settings = Settings.read(home=home)
    prepare_home(settings.home)
    with closing(Store(settings.conversations)) as store, closing(open_shop(settings)) as shop:
        person = find_person(store, shop, customer)
        if person.customer is None and not person.conversations:
            raise NotFound(f"Nothing is held of {customer}.")
        yield store, person
