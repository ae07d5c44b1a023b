"""The demo shop is one shop: its texts, orders and products agree with each other."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import knowledge

DEMO = Path(knowledge.__file__).parent / "demo"


def lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (DEMO / name).read_text("utf-8").splitlines()]


FAQS = lines("faqs.jsonl")
PRODUCTS = {product["id"]: product for product in lines("products.jsonl")}
SHOP = json.loads((DEMO / "orders.json").read_text("utf-8"))
POLICIES = {path.stem: path.read_text("utf-8") for path in (DEMO / "policies").glob("*.md")}


def answer(faq: str) -> str:
    return next(row["answer"] for row in FAQS if row["id"] == faq)


def test_faqs_are_complete_and_unique() -> None:
    assert len(FAQS) >= 60
    for row in FAQS:
        assert set(row) == {"id", "topic", "question", "answer"}
        assert all(value.strip() for value in row.values())
        assert row["id"].startswith("faq-")
    for column in ("id", "question", "answer"):
        assert max(Counter(row[column] for row in FAQS).values()) == 1


def test_policies_have_headings_and_a_readable_length() -> None:
    assert set(POLICIES) == {"returns", "shipping", "warranty", "payment", "privacy"}
    for text in POLICIES.values():
        assert text.startswith("# ")
        assert text.count("\n## ") >= 5
        assert 250 <= len(text.split()) <= 600


def test_figures_agree_between_faqs_and_policies() -> None:
    pairs = [
        ("faq-returns-window", "returns", "30 days"),
        ("faq-returns-shipping-refunded", "returns", "up to the 4.90 EUR of standard delivery"),
        ("faq-damaged-item", "returns", "within 14 days of delivery"),
        ("faq-cancel-refund", "returns", "within 5 working days"),
        ("faq-delivery-time", "shipping", "2 to 4 working days"),
        ("faq-delivery-cost", "shipping", "orders over 60 EUR"),
        ("faq-delivery-cost", "shipping", "9.90 EUR"),
        ("faq-warranty", "warranty", "2 years"),
        ("faq-lamp-ip", "warranty", "IP20"),
        ("faq-privacy-photos", "privacy", "not kept"),
        ("faq-payment-methods", "payment", "Visa, Mastercard, PayPal and Klarna"),
    ]
    for faq, policy, words in pairs:
        assert words in answer(faq), faq
        assert words in POLICIES[policy], policy
    countries = re.search(r"deliver to (Belgium.*?Czechia)", answer("faq-delivery-countries"))
    assert countries is not None
    assert countries[1] in POLICIES["shipping"]


def test_product_facts_in_the_faqs_are_those_of_the_products() -> None:
    def care(family: str) -> str:
        return next(
            p["attributes"]["care"] for p in PRODUCTS.values() if p["family"] == family
        ).lower()

    for family in ("aster-mug", "tove-mug", "linden-bowl", "linden-plate", "brook-jug"):
        assert "dishwasher and microwave safe" in care(family)
    for family in ("fjord-vase", "bruno-kettle", "grind-pepper-mill"):
        assert "dishwasher safe" not in care(family)
    assert "40 °c" in care("nappe-cushion") and "40 °C" in answer("faq-care-cushions")


def test_customers_are_unique_and_fictional() -> None:
    customers = list(SHOP["users"].values())
    assert len(customers) == 25
    for column in ("user_id", "email", "name"):
        assert len({str(row[column]) for row in customers}) == 25
    for row in customers:
        assert re.fullmatch(r"[a-z.]+@example\.com", row["email"])
        assert row["address"]["country"] in answer("faq-delivery-countries")


def test_orders_refer_to_things_that_exist() -> None:
    orders = SHOP["orders"]
    assert len(orders) == 40
    for id, order in orders.items():
        assert re.fullmatch(r"K\d{4}", id) and id == order["order_id"]
        customer = SHOP["users"][order["user_id"]]
        assert id in customer["orders"]
        paid = customer["payment_methods"][order["payment_history"][0]["payment_method_id"]]
        assert paid.get("brand", "PayPal") in answer("faq-payment-methods")
        for item in order["items"]:
            assert item["name"] == PRODUCTS[item["item_id"]]["title"]
            assert item["quantity"] >= 1
    states = Counter(order["status"] for order in orders.values())
    assert set(states) == {"pending", "shipped", "delivered", "cancelled", "returned"}
    assert min(states.values()) >= 3


def test_totals_add_up_and_delivery_costs_what_the_policy_says() -> None:
    for id, order in SHOP["orders"].items():
        articles = sum(item["quantity"] * round(item["price"] * 100) for item in order["items"])
        standard = 0 if articles > 6000 else 490
        cost = 990 if order["delivery"] == "express" else standard
        assert round(order["shipping"] * 100) == cost, id
        assert round(order["payment_history"][0]["amount"] * 100) == articles + cost, id


def test_dates_of_an_order_fit_its_state() -> None:
    for order in SHOP["orders"].values():
        sent = order["status"] in ("shipped", "delivered", "returned")
        arrived = order["status"] in ("delivered", "returned")
        assert ("shipped_at" in order) == bool(order["fulfillments"]) == sent
        assert ("delivered_at" in order) == arrived
        names = ("placed_at", "shipped_at", "delivered_at")
        dates = [order[name] for name in names if name in order]
        assert dates == sorted(dates)
        assert all("2026-01-01" <= date[:10] <= SHOP["as_of"] for date in dates)
