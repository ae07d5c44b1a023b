"""The shop in a database. Whoever asks, an order is changed only by its own customer, only as the
rules allow (agent/rules.py, agent/changes.py), and only once for a key.

Customers, products and orders stand there as the JSON they were read from, so that what is exported
is what was imported, with what was done since.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.changes import Refused, change
from agent.errors import ShopError
from agent.lookup import not_yours
from agent.orders import Customer, Order, Product, Shop, facts, fold, moved
from agent.rules import Rules, shipped_rules
from agent.shop_file import ShopFile
from agent.store.sql import connect, writing
from agent.telling import TOLD, last_order, profile, summary, tell
from agent.types import Act, Action, Outcome

BASKETS = 1000  # orders looked through, the latest

_tables = sql.MetaData()
_customers = sql.Table(
    "shop_customers",
    _tables,
    sql.Column("id", sql.String(200), primary_key=True),
    sql.Column("place", sql.Integer, nullable=False),
    sql.Column("email", sql.String(320), nullable=False, unique=True),  # lower case
    sql.Column("name", sql.String(400), nullable=False, index=True),  # folded
    sql.Column("zip", sql.String(40), nullable=False),  # folded
    sql.Column("data", sql.JSON, nullable=False),
)
_products = sql.Table(
    "shop_products",
    _tables,
    sql.Column("id", sql.String(200), primary_key=True),
    sql.Column("place", sql.Integer, nullable=False),
    sql.Column("data", sql.JSON, nullable=False),
)
_orders = sql.Table(
    "shop_orders",
    _tables,
    sql.Column("id", sql.String(200), primary_key=True),
    sql.Column("place", sql.Integer, nullable=False),
    sql.Column("customer", sql.ForeignKey("shop_customers.id"), nullable=False, index=True),
    sql.Column("data", sql.JSON, nullable=False),
)
_acts = sql.Table(
    "shop_acts",
    _tables,
    sql.Column("key", sql.String(64), primary_key=True),
    sql.Column("customer", sql.String(200), nullable=False),
    sql.Column("order_id", sql.String(200)),
    sql.Column("action", sql.String(40), nullable=False),
    sql.Column("arguments", sql.JSON, nullable=False),
    sql.Column("facts", sql.JSON),
    sql.Column("message", sql.Text),
    sql.Column("at", sql.DateTime, nullable=False),
)
_rules = sql.Table(
    "shop_rules",
    _tables,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("data", sql.JSON, nullable=False),
)


class SqlShop(Shop):
    """Customers, products, orders and rules in a database; `today` tells the date by which days
    after delivery are judged.

    Arguments of an act: order_id, and what the rules ask for: reason, items and new_items (item
    ids), payment_method (id), address (fields). Only what was done is recorded under its key: a
    refusal changes nothing and is judged anew the next time.

    Raises SetupError when the database cannot be opened or written.
    """

    def __init__(self, url: str, today: Callable[[], date] = date.today) -> None:
        self._today = today
        self._engine = connect(url)
        with writing(self._engine) as db:
            _tables.create_all(db)
        self.rules = self._read_rules()

    def close(self) -> None:
        self._engine.dispose()

    def _read_rules(self) -> Rules:
        with self._engine.begin() as db:
            stored = db.scalar(select(_rules.c.data))
        return Rules.model_validate(stored) if stored else shipped_rules("demo")

    def load(self, file: ShopFile, rules: Rules, anew: bool = False) -> int:
        """Add the customers, products and orders that are not there yet; how many orders.

        What is there stays as it is, unless the shop is to be filled `anew`: then it holds what the
        file holds, and nothing else. An example's dates are moved so that `as_of` is today.
        Raises ShopError when the file contradicts what is there: nothing is added then.
        """
        later = self._today() - file.as_of if file.as_of else timedelta()
        try:
            with writing(self._engine) as db:
                if anew:
                    for table in (_acts, _orders, _customers, _products):
                        db.execute(delete(table))
                db.execute(delete(_rules))
                db.execute(insert(_rules).values(id=1, data=rules.model_dump(mode="json")))
                orders = file.orders
                if later:
                    orders = {id: moved(order, later) for id, order in orders.items()}
                _add(db, _customers, file.users, _customer_row)
                _add(db, _products, file.products, lambda product: {})
                new = _add(db, _orders, orders, lambda order: {"customer": order.customer})
        except IntegrityError as error:
            raise ShopError(
                f"The file contradicts itself or what is there: {error.orig}"
            ) from error
        self.rules = rules
        return new

    def export(self) -> dict[str, Any]:
        """Everything as it stands now, in the format of agent/shop_file.py."""
        with self._engine.begin() as db:
            return {
                name: {
                    row.id: row.data for row in db.execute(select(table).order_by(table.c.place))
                }
                for name, table in (
                    ("products", _products),
                    ("users", _customers),
                    ("orders", _orders),
                )
            }

    def identify(self, email: str) -> Customer | None:
        return self._customer(_customers.c.email == email.strip().lower())

    def identify_by_name(self, name: str, zip: str) -> Customer | None:
        return self._customer(_customers.c.name == fold(name), _customers.c.zip == fold(zip))

    def customer(self, customer_id: str) -> Customer | None:
        return self._customer(_customers.c.id == customer_id)

    def _customer(self, *where: Any) -> Customer | None:
        with self._engine.begin() as db:
            found = db.scalars(select(_customers.c.data).where(*where)).all()
        return Customer.model_validate(found[0]) if len(found) == 1 else None

    def order(self, order_id: str) -> Order | None:
        with self._engine.begin() as db:
            return _read(db, _orders, order_id, Order)

    def orders(self, customer: Customer) -> list[Order]:
        with self._engine.begin() as db:
            rows = db.scalars(select(_orders.c.data).where(_orders.c.customer == customer.id)).all()
        own = [Order.model_validate(row) for row in rows]
        return sorted(own, key=lambda order: order.placed_at or datetime.min, reverse=True)

    def product(self, product_id: str) -> Product | None:
        with self._engine.begin() as db:
            return _read(db, _products, product_id, Product)

    def baskets(self, articles: Collection[str]) -> list[frozenset[str]]:
        said = sql.cast(_orders.c.data, sql.Text)
        holds = [said.contains(json.dumps(id), autoescape=True) for id in articles]
        query = select(_orders.c.data).where(sql.or_(False, *holds))
        with self._engine.begin() as db:
            rows = db.scalars(query.order_by(_orders.c.place.desc()).limit(BASKETS)).all()
        orders = map(Order.model_validate, rows)
        bought = (frozenset(item.id for item in order.items) for order in orders)
        return [basket.difference(articles) for basket in bought if basket & set(articles)]

    def refusal(self, action: Action, order: Order) -> str | None:
        return self.rules.refusal(action, order, self._today())

    def perform(self, act: Act, customer: Customer) -> Outcome:
        order_id = act.arguments.get("order_id")
        if act.action in TOLD:
            return self._tell(act.action, order_id, customer)
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
                db.execute(
                    update(_acts)
                    .where(_acts.c.key == act.key)
                    .values(message=outcome.message, facts=dict(outcome.facts))
                )
                return outcome
        except Refused as refused:
            order = self.order(order_id) if order_id else None
            own = order is not None and order.customer == customer.id
            known = facts(order, self.rules.currency) if order and own else {}
            return Outcome(False, str(refused), known)
        except IntegrityError:
            return self._recorded(act, customer, order_id)

    def _tell(self, action: Action, order_id: str | None, customer: Customer) -> Outcome:
        if action == "orders":
            return Outcome(True, summary(self.orders(customer)))
        if action == "last_order":
            return Outcome(True, last_order(self.orders(customer), self.rules))
        if action == "profile":
            return Outcome(True, profile(customer, self.rules.currency))
        order = self.order(order_id or "")
        if order is None or order.customer != customer.id:
            return Outcome(False, not_yours(order_id or "").strip())
        said = tell(action, order, customer, self.rules, self._today())
        return Outcome(True, said, facts(order, self.rules.currency))

    def _recorded(self, act: Act, customer: Customer, order_id: str | None) -> Outcome:
        """What was done under the act's key, for the customer who had it done."""
        with self._engine.begin() as db:
            row = db.execute(
                select(_acts).where(_acts.c.key == act.key, _acts.c.customer == customer.id)
            ).first()
        if row is None or row.order_id != order_id:
            return Outcome(False, not_yours(order_id or "").strip())
        return Outcome(True, row.message, row.facts)

    def _change(
        self, db: Connection, act: Act, customer: Customer, order_id: str | None
    ) -> Outcome:
        """Read afresh inside the transaction, change, and write. Raises Refused."""
        current = _read(db, _customers, customer.id, Customer, locked=True)
        order = _read(db, _orders, order_id, Order, locked=True) if order_id else None
        if current is None or (order_id and (order is None or order.customer != current.id)):
            raise Refused(not_yours(order_id or "").strip())
        if order is None and act.action != "change_default_address":
            raise Refused("The order is not named.")
        changed = change(
            act,
            order,
            current,
            lambda id: _read(db, _products, id, Product),
            self.rules,
            self._today(),
        )
        if changed.order is not None:
            _write(db, _orders, changed.order.id, {"data": changed.order.dump()})
        if changed.customer is not None:
            row = {"data": changed.customer.dump(), **_customer_row(changed.customer)}
            _write(db, _customers, changed.customer.id, row)
        known = facts(changed.order, self.rules.currency) if changed.order else {}
        return Outcome(True, changed.message, {**known, **(changed.facts or {})})


def _add(
    db: Connection,
    table: sql.Table,
    records: Mapping[str, Any],
    row: Callable[[Any], dict[str, str]],
) -> int:
    """Add the records that are not there yet; how many."""
    known = set(db.scalars(select(table.c.id)))
    new = [(id, record) for id, record in records.items() if id not in known]
    rows = [
        {"id": id, "place": len(known) + n, "data": record.dump(), **row(record)}
        for n, (id, record) in enumerate(new)
    ]
    if rows:
        db.execute(insert(table), rows)
    return len(rows)


def _customer_row(customer: Customer) -> dict[str, str]:
    return {
        "email": customer.email.lower(),
        "name": fold(str(customer.name)),
        "zip": fold(customer.address.zip),
    }


def _read(db: Connection, table: sql.Table, id: str, kind: Any, locked: bool = False) -> Any:
    query = select(table.c.data).where(table.c.id == id)
    found = db.scalar(query.with_for_update() if locked else query)
    return None if found is None else kind.model_validate(found)


def _write(db: Connection, table: sql.Table, id: str, row: Mapping[str, Any]) -> None:
    db.execute(update(table).where(table.c.id == id).values(**row))
