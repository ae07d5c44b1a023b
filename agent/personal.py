"""Everything that is held of one person, found and written out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from agent.attachments import suffix
from agent.orders import Customer, Order, Shop
from agent.store import Store
from agent.store.personal import conversations_of, records

FILE = "person.json"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as the shop and the conversations know them; `customer` None: not a customer."""

    customer: Customer | None
    orders: tuple[Order, ...]
    conversations: tuple[str, ...]


def find_person(store: Store, shop: Shop, name: str) -> Person:
    """Who goes by this e-mail address, customer's id or conversation's id. Raises ShopError."""
    name = name.strip()
    customer = shop.identify(name) if "@" in name else shop.customer(name)
    email = customer.email if customer else name if "@" in name else ""
    return Person(
        customer,
        tuple(shop.orders(customer)) if customer else (),
        tuple(conversations_of(store, customer.id if customer else name, email)),
    )


def export(store: Store, person: Person, folder: Path) -> list[str]:
    """Write it all into a new folder, for its owner's eyes only; the names of the files.

    Raises OSError, FileExistsError among them.
    """
    folder.mkdir(parents=True, mode=0o700)
    files, conversations = [FILE], []
    for number, conversation in enumerate(person.conversations, start=1):
        record = records(store, conversation)
        for kept in record["attachments"]:
            data = kept.pop("data")
            name = f"{number}-{kept['turn']}-{kept['place']}{suffix(kept['kind'], data)}"
            (folder / name).write_bytes(data)
            kept["file"] = name
            files.append(name)
        for turn in record["turns"]:
            turn["reply"] = json.loads(turn["reply"])
        for kept in record["events"]:
            kept["event"] = json.loads(kept["event"])
        record["flow"] = json.loads(record["flow"] or "null")
        conversations.append(record)
    everything = {
        "customer": person.customer.dump() if person.customer else None,
        "orders": [order.dump() for order in person.orders],
        "conversations": conversations,
    }
    text = json.dumps(everything, indent=2, ensure_ascii=False)
    (folder / FILE).write_text(text, encoding="utf-8")
    return files
