"""Files of a shop: customers, orders and products as JSON or CSV, and what the index knows of them.

JSON is one object of three: `products`, `users` and `orders`, each by id, with the fields of
agent/orders.py; `as_of` marks an example whose dates follow the calendar. CSV has a line for each
line of an order:

    order_id, status, email, first_name, last_name, address1, address2, city, state, country, zip,
    item_id, name, price, quantity, payment_method, placed_at, shipped_at, delivered_at, tracking

of which order_id, status, email, first_name, last_name, address1, zip, item_id, name and price are
required.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import ShopError
from agent.orders import Customer, Order, Product, cents, optioned
from knowledge.types import Document

REQUIRED = [
    "order_id",
    "status",
    "email",
    "first_name",
    "last_name",
    "address1",
    "zip",
    "item_id",
    "name",
    "price",
]


TIMES = ("placed_at", "shipped_at", "delivered_at")


class ShopFile(BaseModel):
    """Everything a file says of a shop."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date | None = None
    products: dict[str, Product] = {}
    users: dict[str, Customer]
    orders: dict[str, Order]


def read_shop(path: Path) -> ShopFile:
    """Raises ShopError when the file cannot be read or contradicts itself."""
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".csv":
            file = _from_csv(data.decode("utf-8-sig"), path)
        else:
            file = ShopFile.model_validate_json(data)
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        said = str(error).splitlines()
        raise ShopError(
            f"{path} cannot be read as a shop's customers and orders: {' '.join(said[:3])}"
        ) from error
    for order in file.orders.values():
        if order.customer not in file.users:
            raise ShopError(f"{path}: order {order.id} is of {order.customer}, who is not there.")
        first = order.payments[0] if order.payments else None
        if first and not _changed(order) and cents(first.amount) != cents(order.total):
            raise ShopError(f"{path}: the payment of order {order.id} does not add up.")
    return file


def _changed(order: Order) -> bool:
    """Whether articles were changed after the first payment, so that it is another sum."""
    return len(order.payments) > 1


def _from_csv(text: str, path: Path) -> ShopFile:
    rows = csv.DictReader(io.StringIO(text))
    if missing := [name for name in REQUIRED if name not in (rows.fieldnames or ())]:
        raise ShopError(f"{path} has no column {', '.join(missing)}.")
    users: dict[str, dict[str, Any]] = {}
    orders: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=2):
        if short := [name for name in REQUIRED if not (row[name] or "").strip()]:
            raise ShopError(f"{path}, line {number}: {', '.join(short)} is empty.")
        given = {name: value.strip() for name, value in row.items() if name and value}
        _add_row(given, users, orders)
    for order in orders.values():
        sum_ = sum(round(100 * float(i["price"])) * i["quantity"] for i in order["items"]) / 100
        method = order.pop("paid_by")
        order["payment_history"] = [
            {"transaction_type": "payment", "amount": sum_, "payment_method_id": method}
        ]
    return ShopFile.model_validate({"users": users, "orders": orders})


def _add_row(row: dict[str, str], users: dict[str, Any], orders: dict[str, Any]) -> None:
    fields = ("address1", "address2", "city", "country", "state", "zip")
    address = {name: row.get(name, "") for name in fields}
    email = row["email"].lower()
    user = users.setdefault(
        email,
        {
            "user_id": email,
            "name": {"first_name": row["first_name"], "last_name": row["last_name"]},
            "address": address,
            "email": email,
            "payment_methods": {},
            "orders": [],
        },
    )
    paid_by = row.get("payment_method", "payment")
    way = {"source": re.sub(r"_\d+$", "", paid_by), "id": paid_by}
    user["payment_methods"].setdefault(paid_by, way)
    known: dict[str, Any] = {
        "order_id": row["order_id"],
        "user_id": email,
        "address": address,
        "items": [],
        "status": row["status"],
        "paid_by": paid_by,
    }
    order = orders.setdefault(row["order_id"], known)
    order.update({name: row[name] for name in TIMES if name in row})
    if row["order_id"] not in user["orders"]:
        user["orders"].append(row["order_id"])
    if row.get("tracking"):
        order["fulfillments"] = [{"tracking_id": [row["tracking"]], "item_ids": []}]
    order["items"].append(
        {
            "name": row["name"],
            "product_id": row["item_id"],
            "item_id": row["item_id"],
            "price": float(row["price"]),
            "options": {},
            "quantity": int(row.get("quantity", "1")),
        }
    )


def catalogue(products: Iterable[Product], currency: str) -> Iterator[Document]:
    """Every variant as a document for the index; the variants of a product are one family."""
    for product in products:
        for variant in product.variants.values():
            options = ", ".join(f"{name}: {value}" for name, value in variant.options.items())
            yield Document(
                id=variant.id,
                kind="product",
                title=f"{product.name}{optioned(variant.options).replace(' (', ', ').rstrip(')')}",
                text=f"{product.name}. {options}.",
                price=float(variant.price),
                currency=currency,
                stock=None if variant.available else 0,
                attributes=variant.options | {"family": product.id, "kind": product.name.lower()},
            )
