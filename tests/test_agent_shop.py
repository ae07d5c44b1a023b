"""The built-in shop: its rules as a table, and each change at most once."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

import knowledge
from agent.errors import SetupError, ShopError
from agent.orders import Customer, Order, facts
from agent.rules import shipped_rules
from agent.shop import SqlShop
from agent.shop_file import read_shop
from agent.telling import describe
from agent.types import Act, Outcome

LAW = shipped_rules("demo")
ORDERS = Path(knowledge.__file__).parent / "demo" / "orders.json"
TODAY = date(2026, 10, 1)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/orders.db"


@pytest.fixture
def shop(url: str):
    shop = SqlShop(url, today=lambda: TODAY)
    assert shop.load(read_shop(ORDERS), LAW) == 40
    yield shop
    shop.close()


def who(shop: SqlShop, email: str) -> Customer:
    customer = shop.identify(email)
    assert customer is not None
    return customer


def act(action, order_id: str, key: str = "key", confirmed: bool = True, **more) -> Act:
    return Act(action, {"order_id": order_id, **more}, key, confirmed)


def order(status: str, delivered: date | None = None) -> Order:
    items = [
        {"name": "Aster mug, blue", "product_id": "mug", "item_id": "mug", "price": 16.9},
        {"name": "Brook jug", "product_id": "jug", "item_id": "jug", "price": 32.0},
    ]
    items[0]["quantity"] = 2
    sent = [{"tracking_id": ["BP1"], "item_ids": ["mug", "jug"]}]
    return Order.model_validate(
        {
            "order_id": "K1",
            "user_id": "C1",
            "status": status,
            "address": {"address1": "Dok Noord 12"},
            "items": items,
            "fulfillments": [] if status == "pending" else sent,
            "delivered_at": datetime.combine(delivered, datetime.min.time()) if delivered else None,
        }
    )


ON_THE_LAST_DAY = TODAY - timedelta(days=30)
A_DAY_LATE = TODAY - timedelta(days=31)

RULES = [
    ("status", "cancelled", None, None),
    ("cancel", "pending", None, None),
    ("cancel", "shipped", None, "already on its way"),
    ("cancel", "delivered", TODAY, "already delivered"),
    ("cancel", "cancelled", None, "already cancelled"),
    ("cancel", "returned", TODAY, "registered for a return"),
    ("change_address", "pending", None, None),
    ("change_address", "shipped", None, "cannot get another address"),
    ("change_address", "delivered", TODAY, "cannot get another address"),
    ("return", "pending", None, "not sent yet"),
    ("return", "shipped", None, "already on its way"),
    ("return", "delivered", TODAY, None),
    ("return", "delivered", ON_THE_LAST_DAY, None),
    ("return", "delivered", A_DAY_LATE, "ended on 30 September 2026"),
    ("return", "delivered", None, "within 30 days"),
    ("return", "cancelled", None, "already cancelled"),
    ("return", "returned", TODAY, "registered for a return"),
    ("exchange", "delivered", TODAY, None),
    ("exchange", "delivered", A_DAY_LATE, "no longer be exchanged"),
]


@pytest.mark.parametrize(("action", "status", "delivered", "reason"), RULES)
def test_rules(action, status, delivered, reason) -> None:
    said = LAW.refusal(action, order(status, delivered), TODAY)
    if reason is None:
        assert said is None
    else:
        assert said is not None and reason in said


def test_refund_counts_delivery_only_for_a_whole_order(shop: SqlShop) -> None:
    both = order("delivered", TODAY)
    assert LAW.refund(both, list(both.items[:1])) == 33.8
    assert LAW.refund(both, list(both.items)) == 65.8
    express = shop.order("K1022")
    assert express is not None and express.shipping == 9.9
    assert LAW.refund(express, list(express.items)) == express.total - 5.0


@pytest.mark.parametrize("status", ["pending", "shipped", "delivered", "cancelled", "returned"])
def test_every_state_is_described_with_its_own_figures(status: str) -> None:
    delivered = TODAY if status in ("delivered", "returned") else None
    said = describe(order(status, delivered), LAW, TODAY)
    assert said.startswith("Order K1") and "2 × Aster mug, blue" in said and "65.80 EUR" in said
    assert ("BP1" in said) == (status != "pending")
    assert ("31 October 2026" in said) == (status == "delivered")
    assert facts(order(status, TODAY), "EUR")["delivered_on"] == "2026-10-01"


def test_a_file_is_loaded_once_and_read_back_as_written(shop: SqlShop) -> None:
    assert shop.load(read_shop(ORDERS), LAW) == 0
    written = json.loads(ORDERS.read_text("utf-8"))
    assert written.pop("as_of") == TODAY.isoformat()
    assert shop.export() == written


def test_an_examples_dates_follow_the_calendar(url: str) -> None:
    shop = SqlShop(url, today=lambda: TODAY + timedelta(days=100))
    shop.load(read_shop(ORDERS), LAW)
    moved = shop.order("K1040")
    assert moved is not None and moved.placed_at.date() == TODAY + timedelta(days=100)
    shop.close()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "cannot be read"),
        ("not json", "cannot be read"),
        ('{"users": {}, "orders": {"K1": {"order_id": "K1"}}}', "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_refused(shop, tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ShopError, match=problem):
        shop.load(read_shop(path), LAW)


def test_a_total_that_does_not_add_up_is_refused_whole(url: str, tmp_path: Path) -> None:
    raw = json.loads(ORDERS.read_text("utf-8"))
    raw["orders"]["K1040"]["payment_history"][0]["amount"] += 1
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(raw))
    shop = SqlShop(url)
    with pytest.raises(ShopError, match="K1040 does not add up"):
        shop.load(read_shop(path), LAW)
    assert shop.identify("marta.claes@example.com") is None
    shop.close()


def test_customers_are_found_by_their_address_in_any_case(shop: SqlShop) -> None:
    assert who(shop, " Marta.Claes@Example.com ").name.first == "Marta"
    assert shop.identify("nobody@example.com") is None
    assert shop.identify("' OR 1=1 --") is None
    own = shop.orders(who(shop, "marta.claes@example.com"))
    assert [o.id for o in own] == ["K1036", "K1008", "K1001"]


def test_cancelling(shop: SqlShop) -> None:
    sanne = who(shop, "sanne.de.vries@example.com")
    outcome = shop.perform(act("cancel", "K1037"), sanne)
    assert outcome.ok and "69.80 EUR" in outcome.message
    assert outcome.facts["refund"] == "69.80 EUR" and outcome.facts["status"] == "cancelled"
    stored = shop.order("K1037")
    assert stored is not None and stored.status == "cancelled"
    again = shop.perform(act("cancel", "K1037", key="another"), sanne)
    assert not again.ok and "already cancelled" in again.message


def test_returning_in_parts(shop: SqlShop) -> None:
    jonas = who(shop, "jonas.peeters@example.com")
    whole = shop.order("K1028")
    assert whole is not None
    first, *rest = [item.id for item in whole.items]
    outcome = shop.perform(act("return", "K1028", "a", items=[first]), jonas)
    assert outcome.ok and outcome.facts["status"] == "delivered"
    twice = shop.perform(act("return", "K1028", "b", items=[first]), jonas)
    assert not twice.ok and "still to be returned" in twice.message
    assert (
        shop.perform(act("return", "K1028", "c", items=rest), jonas).facts["status"] == "returned"
    )


def test_another_address(shop: SqlShop) -> None:
    sanne = who(shop, "sanne.de.vries@example.com")
    outcome = shop.perform(
        act(
            "change_address",
            "K1037",
            address={"address1": "Neude 5", "zip": "3512 AE", "city": "Utrecht"},
        ),
        sanne,
    )
    assert outcome.ok and "Neude 5, 3512 AE Utrecht" in outcome.message
    stored = shop.order("K1037")
    assert stored is not None and str(stored.address) == "Neude 5, 3512 AE Utrecht"
    assert not shop.perform(act("change_address", "K1037", "k2", address="here"), sanne).ok


def test_nothing_is_changed_without_a_yes_nor_by_an_exchange(shop: SqlShop) -> None:
    sanne = who(shop, "sanne.de.vries@example.com")
    assert not shop.perform(act("cancel", "K1037", confirmed=False), sanne).ok
    jonas = who(shop, "jonas.peeters@example.com")
    assert "colleague" in shop.perform(act("exchange", "K1028"), jonas).message
    stored = shop.order("K1037")
    assert stored is not None and stored.status == "pending"


@pytest.mark.parametrize("action", ["status", "cancel", "return", "exchange", "change_address"])
def test_somebody_elses_order_is_like_none_at_all(shop: SqlShop, action) -> None:
    marta = who(shop, "marta.claes@example.com")
    theirs = shop.perform(act(action, "K1037", address="Dok Noord 12, Ghent"), marta)
    none = shop.perform(act(action, "K9999", address="Dok Noord 12, Ghent"), marta)
    assert not theirs.ok and not theirs.facts
    assert theirs.message.replace("K1037", "K9999") == none.message
    stored = shop.order("K1037")
    assert stored is not None and stored.status == "pending"


def test_a_key_of_somebody_else_tells_nothing(shop: SqlShop) -> None:
    shop.perform(act("cancel", "K1037"), who(shop, "sanne.de.vries@example.com"))
    outcome = shop.perform(act("cancel", "K1037"), who(shop, "marta.claes@example.com"))
    assert not outcome.ok and not outcome.facts


def test_a_refusal_is_judged_anew(url: str) -> None:
    now = [TODAY + timedelta(days=90)]
    shop = SqlShop(url, today=lambda: now[0])
    now[0] = TODAY
    shop.load(read_shop(ORDERS), LAW)
    now[0] = TODAY + timedelta(days=90)
    jonas = who(shop, "jonas.peeters@example.com")
    assert not shop.perform(act("return", "K1028"), jonas).ok
    now[0] = TODAY
    assert shop.perform(act("return", "K1028"), jonas).ok
    shop.close()


def open_load_and_cancel(url: str) -> tuple[int, Outcome]:
    shop = SqlShop(url, today=lambda: TODAY)
    loaded = shop.load(read_shop(ORDERS), LAW)
    return loaded, shop.perform(act("cancel", "K1037"), who(shop, "sanne.de.vries@example.com"))


def test_processes_that_start_together_load_once_and_act_once(url: str) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(open_load_and_cancel, [url] * 3))
    assert sorted(loaded for loaded, _ in results) == [0, 0, 40]
    assert all(outcome.ok and outcome == results[0][1] for _, outcome in results)


def test_the_same_key_acts_once_across_connections_and_restarts(shop: SqlShop, url: str) -> None:
    sanne = who(shop, "sanne.de.vries@example.com")
    others = [SqlShop(url, today=lambda: TODAY) for _ in range(4)]  # connections of their own
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda one: one.perform(act("cancel", "K1037"), sanne), others))
    assert all(outcome == outcomes[0] and outcome.ok for outcome in outcomes)
    for other in others:
        other.close()
    later = SqlShop(url, today=lambda: TODAY)
    assert later.perform(act("cancel", "K1037"), sanne) == outcomes[0]
    later.close()


def test_two_keys_at_once_cancel_once(shop: SqlShop, url: str) -> None:
    sanne = who(shop, "sanne.de.vries@example.com")
    others = [SqlShop(url, today=lambda: TODAY) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(
            pool.map(lambda k: others[k].perform(act("cancel", "K1037", f"{k}"), sanne), range(2))
        )
    assert sorted(outcome.ok for outcome in outcomes) == [False, True]
    for other in others:
        other.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="DESKHAND_HOME"):
        SqlShop(f"sqlite:///{tmp_path}/file/orders.db")
