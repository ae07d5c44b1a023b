"""Where orders live. Whoever asks, an order is changed only by its own customer, only in a state
that allows it (agent/orders.py), and only once for a key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sql
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.errors import ShopError
from agent.orders import (
    ADDRESS_CHARS,
    Customer,
    Order,
    OrderFile,
    OrderItem,
    Shop,
    cents,
    describe,
    facts,
    money,
    moved,
    refund,
    total,
)
from agent.orders import refusal as rule
from agent.store_sql import connect, writing
from agent.types import Act, Action, Outcome

_tables = sql.MetaData()
_customers = sql.Table(
    "customers",
    _tables,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("name", sql.String, nullable=False),
    sql.Column("email", sql.String, nullable=False, unique=True),  # lower case
    sql.Column("zip", sql.String, nullable=False),
    sql.Column("address", sql.String, nullable=False),
)
_orders = sql.Table(
    "orders",
    _tables,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("customer", sql.ForeignKey("customers.id"), nullable=False, index=True),
    sql.Column("status", sql.String, nullable=False),
    sql.Column("placed_at", sql.DateTime, nullable=False),
    sql.Column("shipped_at", sql.DateTime),
    sql.Column("delivered_at", sql.DateTime),
    sql.Column("address", sql.String, nullable=False),
    sql.Column("payment", sql.String, nullable=False),
    sql.Column("delivery", sql.String, nullable=False),
    sql.Column("tracking", sql.String),
    sql.Column("shipping", sql.Integer, nullable=False),  # sums are in cents
    sql.Column("total", sql.Integer, nullable=False),
    sql.Column("currency", sql.String, nullable=False),
)
_items = sql.Table(
    "items",
    _tables,
    sql.Column("order_id", sql.ForeignKey("orders.id"), primary_key=True),
    sql.Column("product", sql.String, primary_key=True),
    sql.Column("place", sql.Integer, nullable=False),
    sql.Column("title", sql.String, nullable=False),
    sql.Column("quantity", sql.Integer, nullable=False),
    sql.Column("price", sql.Integer, nullable=False),
    sql.Column("returned", sql.Boolean, nullable=False),
)
_acts = sql.Table(
    "acts",
    _tables,
    sql.Column("key", sql.String, primary_key=True),
    sql.Column("customer", sql.ForeignKey("customers.id"), nullable=False),
    sql.Column("order_id", sql.ForeignKey("orders.id"), nullable=False),
    sql.Column("action", sql.String, nullable=False),
    sql.Column("arguments", sql.JSON, nullable=False),
    sql.Column("facts", sql.JSON),
    sql.Column("message", sql.String),
    sql.Column("at", sql.DateTime, nullable=False),
)


class SqlShop(Shop):
    """Customers and orders in a database; `today` tells the date by which returns are judged.

    Acts and their arguments: status (order_id), cancel (order_id, reason), return (order_id, items:
    product ids, none means all; reason), change_address (order_id, address). An exchange is
    arranged by a person and always refused here. Only what was done is recorded under its key: a
    refusal changes nothing and is judged anew the next time.

    Raises SetupError when the database cannot be opened or written.
    """

    def __init__(self, url: str, today: Callable[[], date] = date.today) -> None:
        self._today = today
        self._engine = connect(url)
        with writing(self._engine) as db:
            _tables.create_all(db)

    def close(self) -> None:
        self._engine.dispose()

    def load_orders(self, path: Path) -> int:
        """Add the customers and orders of an OrderFile that are not there yet; how many orders.

        What is there stays as it is. An example's dates are moved so that `as_of` is today.
        Raises ShopError when the file is not an order file or contradicts itself: nothing is added.
        """
        try:
            file = TypeAdapter(OrderFile).validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise ShopError(f"{path} cannot be read as a file of orders: {error}") from error
        for order in file.orders:
            if total(order) != cents(order.total):
                raise ShopError(f"{path}: the total of order {order.id} does not add up.")
        later = self._today() - file.as_of if file.as_of else timedelta()
        try:
            with writing(self._engine) as db:
                known = set(db.scalars(select(_customers.c.id)))
                for customer in file.customers:
                    if customer.id not in known:
                        row = asdict(customer) | {"email": customer.email.lower()}
                        db.execute(insert(_customers).values(row))
                known = set(db.scalars(select(_orders.c.id)))
                new = [order for order in file.orders if order.id not in known]
                for order in new:
                    _write_order(db, moved(order, later))
        except IntegrityError as error:
            raise ShopError(f"{path} contradicts itself or what is there: {error.orig}") from error
        return len(new)

    def identify(self, email: str) -> Customer | None:
        with self._engine.begin() as db:
            row = db.execute(
                select(_customers).where(_customers.c.email == email.strip().lower())
            ).first()
        return Customer(**row._mapping) if row else None

    def order(self, order_id: str) -> Order | None:
        with self._engine.begin() as db:
            return _read_order(db, order_id)

    def orders(self, customer: Customer) -> list[Order]:
        with self._engine.begin() as db:
            rows = db.execute(
                select(_orders)
                .where(_orders.c.customer == customer.id)
                .order_by(_orders.c.placed_at.desc())
            ).all()
            return [_order(db, row) for row in rows]

    def refusal(self, action: Action, order: Order) -> str | None:
        return rule(action, order, self._today())

    def perform(self, act: Act, customer: Customer) -> Outcome:
        order_id = str(act.arguments.get("order_id", ""))
        if act.action == "status":
            order = self.order(order_id)
            if order is None or order.customer != customer.id:
                return not_found(order_id)
            return Outcome(True, describe(order, self._today()), facts(order))
        try:
            with writing(self._engine) as db:
                # The key is claimed first: of two that come at once, the second waits, fails here,
                # and is told what the first has done.
                claim = insert(_acts).values(
                    key=act.key,
                    customer=customer.id,
                    order_id=order_id,
                    action=act.action,
                    arguments=dict(act.arguments),
                    at=datetime.now(),
                )
                db.execute(claim)
                outcome = self._change(db, act, customer, order_id)
                if not outcome.ok:
                    raise _Refused(outcome)
                db.execute(
                    update(_acts)
                    .where(_acts.c.key == act.key)
                    .values(message=outcome.message, facts=dict(outcome.facts))
                )
                return outcome
        except _Refused as refused:
            return refused.outcome
        except IntegrityError:
            return self._recorded(act, customer, order_id)

    def _recorded(self, act: Act, customer: Customer, order_id: str) -> Outcome:
        """What was done under the act's key. Without a record, the claim failed for want of an
        order."""
        with self._engine.begin() as db:
            row = db.execute(
                select(_acts).where(
                    _acts.c.key == act.key,
                    _acts.c.customer == customer.id,
                    _acts.c.order_id == order_id,
                )
            ).first()
        return Outcome(True, row.message, row.facts) if row else not_found(order_id)

    def _change(self, db: Connection, act: Act, customer: Customer, order_id: str) -> Outcome:
        order = _read_order(db, order_id)
        if order is None or order.customer != customer.id:
            return not_found(order_id)
        if reason := self.refusal(act.action, order):
            return Outcome(False, reason, facts(order))
        if not act.confirmed:
            return Outcome(False, "Nothing was changed, because it was not confirmed.")
        if act.action == "cancel":
            return _cancel(db, order)
        if act.action == "return":
            return _return(db, order, set(act.arguments.get("items") or ()))
        if act.action == "change_address":
            return _change_address(db, order, " ".join(str(act.arguments["address"]).split()))
        return Outcome(False, "An exchange is arranged by a colleague.", facts(order))


class _Refused(Exception):
    """Rolls a transaction back, and carries why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


def not_found(order_id: str) -> Outcome:
    """The answer to an order that does not exist and to somebody else's: one and the same."""
    return Outcome(False, f"There is no order {order_id} under this e-mail address.")


def _cancel(db: Connection, order: Order) -> Outcome:
    _set(db, order, status="cancelled")
    back = money(order.total, order.currency)
    return Outcome(
        True,
        f"Order {order.id} is cancelled; {back} goes back to you by {order.payment} "
        "within 5 working days.",
        facts(order) | {"status": "cancelled", "refund": back, "payment": order.payment},
    )


def _return(db: Connection, order: Order, products: set[str]) -> Outcome:
    """A return of these products; of all that are not returned yet when none is named."""
    open_items = {item.product for item in order.items if not item.returned}
    products = products or open_items
    if not products <= open_items:
        return Outcome(
            False,
            f"Not all of these articles are in order {order.id} and still to be returned.",
            facts(order),
        )
    db.execute(
        update(_items)
        .where(_items.c.order_id == order.id, _items.c.product.in_(products))
        .values(returned=True)
    )
    status = "returned" if products == open_items else order.status
    _set(db, order, status=status)
    back = money(refund(order, products), order.currency)
    titles = [item.title for item in order.items if item.product in products]
    return Outcome(
        True,
        f"The return of {' and '.join(titles)} from order {order.id} is registered. You get a "
        f"paid label by e-mail, and {back} within 5 working days after the parcel is back.",
        facts(order) | {"status": status, "refund": back, "returned": titles},
    )


def _change_address(db: Connection, order: Order, address: str) -> Outcome:
    if len(address) not in ADDRESS_CHARS:
        return Outcome(False, "That does not look like a whole address.", facts(order))
    _set(db, order, address=address)
    return Outcome(
        True, f"Order {order.id} will be sent to {address}.", facts(order) | {"address": address}
    )


def _set(db: Connection, order: Order, **values: str) -> None:
    db.execute(update(_orders).where(_orders.c.id == order.id).values(values))


def _write_order(db: Connection, order: Order) -> None:
    row = asdict(order)
    items = row.pop("items")
    row |= {"shipping": cents(order.shipping), "total": cents(order.total)}
    db.execute(insert(_orders).values(row))
    for place, item in enumerate(items):
        item |= {"order_id": order.id, "place": place, "price": cents(item["price"])}
        db.execute(insert(_items).values(item))


def _read_order(db: Connection, order_id: str) -> Order | None:
    row = db.execute(select(_orders).where(_orders.c.id == order_id)).first()
    return _order(db, row) if row else None


def _order(db: Connection, row: sql.Row) -> Order:
    lines = db.execute(select(_items).where(_items.c.order_id == row.id).order_by(_items.c.place))
    items = tuple(
        OrderItem(line.product, line.title, line.quantity, line.price / 100, line.returned)
        for line in lines
    )
    sums = {"shipping": row.shipping / 100, "total": row.total / 100}
    return Order(**{**row._mapping, **sums, "items": items})
