"""Wishes in words -> filters: a table of pairs."""

from __future__ import annotations

import pytest

from knowledge.filters import Filters
from knowledge.money import amount
from knowledge.parse import parse_filters
from knowledge.types import Document

VOCABULARY = {
    "color": {
        "blue",
        "green",
        "white",
        "black",
        "yellow",
        "red",
        "oak",
        "clear",
        "natural",
        "grey",
    },
    "material": {"stoneware", "oak", "glass and cork", "brass", "enamelled steel", "linen"},
    "size": {"small", "medium", "large"},
    "kind": {"mug", "table lamp", "storage jar", "vase", "tray", "planter", "cutting board"},
    "currency": {"EUR"},
}

CASES = [
    ("do you have wine glasses?", ""),
    # prices
    ("a mug under 40 euros", "under 40.00 EUR"),
    ("vases between 20 and 30 euros, blue please", "between 20.00 and 30.00 EUR, blue"),
    ("between 20 and 30", "between 20.00 and 30.00 EUR"),
    ("at most 25 €", "at most 25.00 EUR"),
    ("cheaper than 15", "under 15.00 EUR"),
    ("less than €12.50", "under 12.50 EUR"),
    ("under 25,50 €", "under 25.50 EUR"),
    ("under 1,200 euros", "under 1200.00 EUR"),
    ("lamps over 100 euros", "over 100.00 EUR"),
    ("lamps for 100 euros or more", "at least 100.00 EUR"),
    ("from 10 to 20", "between 10.00 and 20.00 EUR"),
    ("20-30 euros", "between 20.00 and 30.00 EUR"),
    ("30 euros or less", "at most 30.00 EUR"),
    ("30 euros max", "at most 30.00 EUR"),
    ("my budget is 50", "at most 50.00 EUR"),
    ("no more than 30 euros", "at most 30.00 EUR"),
    ("I want to order a mug under 40 euros", "under 40.00 EUR"),
    ("a lamp that costs more than 80", "over 80.00 EUR"),
    ("over 20 euros but under 30 euros", "over 20.00 EUR and under 30.00 EUR"),
    ("under 40 dollars", "under 40.00 USD"),
    ("a gift of around 40 euros", "between 30.00 and 50.00 EUR"),
    ("a mug for about €12", "between 9.00 and 15.00 EUR"),
    ("I want to spend about 40 euros", "at most 40.00 EUR"),
    ("does it cost around 40 euros?", ""),
    ("around 40", ""),
    # numbers that are no wish
    ("I paid 40 euros", ""),
    ("I paid less than 40 euros for the vase", ""),
    ("order 1042", ""),
    ("the order KL-1042 is under review", ""),
    ("is delivery free over 50 euros?", ""),
    ("free shipping on orders over 50 euros", ""),
    ("a shelf under 40 cm", "under 40 cm"),
    ("a jug of at least 2 litres, not plastic", "not plastic, at least 2 litres"),
    ("a kettle that holds 2 litres or more", "at least 2 litres"),
    ("something between 1 and 2 litres", "between 1 and 2 litres"),
    ("a shelf of at most 40 cm wide", "at most 40 cm in width"),
    ("can the stool carry at least 100 kg?", ""),
    ("do you deliver parcels over 20 kg", ""),
    ("a mug in size M", "size M"),
    ("delivered in less than 3 days", ""),
    ("can I return it within 30 days", ""),
    ("are you open from 9 to 5?", ""),
    ("between 10 and 12 May", ""),
    ("over 20", ""),
    ("I have a 5 year old lamp", ""),
    # colours and materials
    ("a blue mug", "blue"),
    ("gray planter", "grey"),
    ("something in green or yellow", "green or yellow"),
    ("wooden tray", "wood"),
    ("a purple vase", "purple"),
    ("a clear jar", "clear"),
    ("made of glass", "glass"),
    ("to be clear, I want a refund", ""),
    ("a glass of water", ""),
    ("black friday deals", ""),
    ("do you sell green tea?", ""),
    # exclusions
    ("not plastic", "not plastic"),
    ("no plastic or leather", "not plastic or leather"),
    ("without wood", "not wood"),
    ("anything but blue", "not blue"),
    ("in green instead of blue", "not blue, green"),
    ("a lamp, not brass", "not brass"),
    ("non-plastic storage jars", "not plastic"),
    ("not only blue", "blue"),
    # sizes
    ("a small blue mug", "blue, small"),
    ("big wooden cutting board", "wood, large"),
    ("something small", "small"),
    ("a small problem with my mug", ""),
    ("the vase is too small", ""),
    # stock and stars
    ("what do you have in stock", "in stock"),
    ("only mugs that are available", "in stock"),
    ("is the red mug in stock?", "red"),
    ("at least 4 stars", "4 stars or more"),
    ("rated over 4", "4 stars or more"),
    ("I gave it 2 stars", ""),
    ("", ""),
]


@pytest.mark.parametrize(("words", "wishes"), CASES, ids=[words for words, _ in CASES])
def test_wishes(words: str, wishes: str) -> None:
    filters = parse_filters(words, VOCABULARY)
    assert filters.describe() == wishes
    assert bool(filters) == bool(wishes)


def mug(**changes) -> Document:
    fields = {
        "price": 16.9,
        "currency": "EUR",
        "stock": 3,
        "attributes": {"color": "blue"},
    } | changes
    return Document(id="mug", kind="product", title="Aster mug", text="A mug.", **fields)


@pytest.mark.parametrize(
    ("words", "product", "accepted"),
    [
        ("under 16.90 euros", mug(), False),
        ("at most 16.90 euros", mug(), True),
        ("over 16.90 euros", mug(), False),
        ("at least 16.90 euros", mug(), True),
        ("under 40 euros", mug(price=None), False),
        ("under 40 dollars", mug(), False),
        ("blue", mug(), True),
        ("not blue", mug(), False),
        ("blue", mug(attributes={}), False),
        ("wooden", mug(attributes={"color": "blue", "material": "oak and linen"}), True),
        ("without wood", mug(attributes={"color": "blue", "material": "oak and linen"}), False),
        ("a small mug", mug(attributes={"size": "large"}), False),
        ("a small mug", mug(), True),
        ("what is in stock", mug(stock=0), False),
        ("what is in stock", mug(stock=None), True),
        ("4 stars", mug(attributes={"rating": "4.4"}), True),
        ("4 stars", mug(), False),
        ("at least 0.5 litres", mug(attributes={"capacity": "500 ml"}), True),
        ("more than 0.5 litres", mug(attributes={"capacity": "500 ml"}), False),
        ("at least 2 litres", mug(attributes={"capacity": "1.8 l"}), False),
        ("at least 2 litres", mug(), False),
        ("at most 20 cm", mug(attributes={"dimensions": "12 x 30 cm"}), False),
        ("at most 20 cm wide", mug(attributes={"width": "12 cm", "height": "30 cm"}), True),
        ("under 1 kg", mug(attributes={"weight": "390 g"}), True),
        ("at least 1 tb", mug(attributes={"storage": "2 TB"}), True),
        ("in size M", mug(attributes={"size": "S, M, L"}), True),
        ("in size M", mug(attributes={"size": "medium"}), True),
        ("in size M", mug(attributes={"size": "XL"}), False),
    ],
)
def test_accepts(words: str, product: Document, accepted: bool) -> None:
    assert parse_filters(words, VOCABULARY).accepts(product) is accepted


def test_passages_always_pass() -> None:
    passage = Document(id="faq", kind="faq", title="?", text="!")
    assert parse_filters("blue, under 5 euros, in stock only", VOCABULARY).accepts(passage)


def test_relaxing_gives_up_one_wish_where_that_is_enough() -> None:
    filters = parse_filters("a small blue mug under 10 euros", VOCABULARY)
    assert [(fewer.describe(), fewer.dropped) for fewer in filters.relaxed()] == [
        ("under 10.00 EUR, blue", ("small",)),
        ("under 10.00 EUR, small", ("blue",)),
        ("blue, small", ("under 10.00 EUR",)),
        ("under 10.00 EUR", ("small", "blue")),
        ("", ("small", "blue", "under 10.00 EUR")),
    ]
    assert not list(Filters().relaxed())


def test_one_wish_is_taken_away_by_its_id() -> None:
    filters = parse_filters("a blue mug of at least 2 litres under 10 euros", VOCABULARY)
    assert filters.wishes() == {
        "volume": "at least 2 litres",
        "color": "blue",
        "price": "under 10.00 EUR",
    }
    left = filters.without("volume").without("price")
    assert left.wishes() == {"color": "blue"} and left.dropped == ()
    assert not left.without("color") and left.without("made-up") == left


def test_a_shop_without_colours_has_no_wishes_for_them() -> None:
    assert not parse_filters("a blue mug", {"kind": {"mug"}})


@pytest.mark.parametrize(
    ("text", "value"),
    [("40", 40), ("16,90 €", 16.9), ("EUR 1.299,00", 1299), ("1,299.00", 1299), ("1,299", 1299),
     ("-3.50", -3.5), ("free", None), ("", None), ("10 or 20", None), ("1.2.3", None)],
)  # fmt: skip
def test_amounts(text: str, value: float | None) -> None:
    assert amount(text) == value
