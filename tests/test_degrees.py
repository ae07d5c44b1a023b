"""Degrees of comparison: "the cheapest lamp", "a bigger one", by what products state."""

from __future__ import annotations

import re

import pytest

from agent.degrees import superlative_in
from agent.relations import relation_in
from agent.types import Related
from knowledge import relations
from knowledge.scales import ordered, stated
from knowledge.types import Document


def _thing(id: str, price: float | None = 9.0, **more: str | int) -> Document:
    stock, group = more.pop("stock", 1), more.pop("group", "")
    return Document(
        id, "product", id, "", price=price, currency="EUR", stock=stock, group=group,
        attributes=more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "degree"),
    [
        ("what is your cheapest lamp?", "cheapest"),
        ("the least expensive one", "cheapest"),
        ("most expensive vase", "dearest"),
        ("highest-rated mug", "best_rated"),
        ("which one has the best reviews?", "best_rated"),
        ("the largest planter", "biggest"),
        ("which of them weighs the least", "lightest"),
        ("a big vase", None),
        ("a bigger vase", None),
    ],
)
def test_superlatives_are_read_from_the_words(words, degree) -> None:
    assert (superlative_in(words) or (None,))[0] == degree


@pytest.mark.parametrize(
    ("words", "degree"),
    [
        ("larger", "bigger"),
        ("it is too big for me", "smaller"),
        ("something lighter", "lighter"),
        ("do you sell a lighter?", None),
        ("planters bigger than 20 cm", None),
    ],
)
def test_comparatives_are_read_from_the_words(words, degree) -> None:
    assert relation_in(words) == degree


@pytest.mark.parametrize(
    ("attributes", "scale", "amount", "unit"),
    [
        ({"dimensions": "Ø 20 x 20 cm"}, "size", 0.2, "m"),
        ({"dimensions": "40 x 20 x 10 cm"}, "size", 0.2, "m"),
        ({"width": "90 cm", "depth": "90 cm"}, "size", 0.9, "m"),
        ({"size": "30 cm"}, "size", 0.3, "m"),
        ({"size": "M"}, "size", 3, "name"),
        ({"size": "42"}, "size", 42, "number"),
        ({"dimensions": "Ø 48 x 150 cm"}, "height", 1.5, "m"),
        ({"seat_height": "45 cm", "dimensions": "50 x 50 x 80 cm"}, "height", 0.45, "m"),
        ({"weight": "390 g"}, "weight", 0.39, "kg"),
        ({"rating": "4.5"}, "rating", 4.5, "stars"),
    ],
)
def test_what_is_stated_is_read_from_the_fields(attributes, scale, amount, unit) -> None:
    found = stated(_thing("a", **attributes), scale)
    assert found.amount == pytest.approx(amount) and found.unit == unit


@pytest.mark.parametrize("scale", ["rating", "size", "height", "weight"])
def test_what_is_not_stated_is_not_made_up(scale) -> None:
    silent = _thing("a", color="red", size="M, L", max_load="50 kg")
    assert stated(silent, scale) is None and ordered([silent], scale, True) == []


def test_products_are_ordered_by_what_most_of_them_state() -> None:
    things = [
        _thing("s", size="S", group="shirt"),
        _thing("l", size="L", group="shirt"),
        _thing("l-gone", size="L", group="shirt", stock=0),
        _thing("rug", size="2 m"),
    ]
    assert [thing.id for thing in ordered(things, "size", True)] == ["l", "s"]
    assert [thing.id for thing in ordered(things[::-1], "size", False)] == ["s", "l"]


@pytest.mark.parametrize(
    ("words", "opening", "first"),
    [
        ("cheapest vase", "The cheapest", "vase-fjord-blue-small"),
        ("what is your cheapest lamp?", "The cheapest", "table-lamp-lumi-white"),
        ("most expensive vase", "The most expensive", "vase-onda-black"),
        ("the cheapest white mug", "The cheapest", "mug-aster-white"),
        ("highest rated mug", "The best rated", "mug-tove-yellow"),
        ("which mug has the best reviews?", "The best rated", "mug-tove-yellow"),
        ("the biggest planter", "The biggest", "planter-moss-terracotta-large"),
        ("the biggest planter in white", "The biggest", "planter-moss-white"),
        ("smallest Fjord vase", "The smallest", "vase-fjord-blue-small"),
        ("what is the tallest lamp you have?", "The tallest", "floor-lamp-alder-oak"),
        ("heaviest planter", "The heaviest", "planter-moss-terracotta-large"),
        ("lightest mug", "The lightest", "mug-aster-blue-small"),
        ("the cheapest thing for my plants", "The cheapest", "planter-moss-terracotta"),
        ("what is your cheapest product?", "The cheapest", "tumbler-rill-amber"),
        ("a cheaper vase", "The cheapest", "vase-fjord-blue-small"),
    ],
)
def test_the_utmost_comes_first(grounded_talk, words, opening, first) -> None:
    reply = grounded_talk(words)
    assert reply.text.startswith(f"{opening} I find: ")
    assert reply.products[0].id == first


def test_what_is_utmost_is_said_as_the_fields_state_it(grounded_talk) -> None:
    assert grounded_talk("the biggest planter").text.startswith(
        "The biggest I find: Moss planter, terracotta, large (Ø 32 x 20 cm, 39.90 EUR). "
        "After that: Moss planter, "
    )
    said = grounded_talk("best rated gift under 20 euros").text  # two are equal
    assert "Tove mug, yellow (★ 4.9, 18.50 EUR) and Linden plate, terracotta (★ 4.9, " in said


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("günstigste Vase", "Am günstigsten: Fjord vase, blue, small (24,00\xa0€). Danach: "),
        ("le vase le plus cher ?", "Le plus cher que je trouve : Onda vase, black (45,00"),
        ("最便宜的花瓶", "最便宜的是：Fjord vase, blue, small (€24.00)。"),
        ("un vase moins cher", "Le moins cher que je trouve : Fjord vase, blue, small (24,00"),
        ("la tasse la mieux notée", "Le mieux noté que je trouve : Tove mug, yellow (★ 4,9, 18,50"),
        ("die größte Vase", "Am größten: Onda vase, black (Ø 21 x 20 cm, 45,00\xa0€)."),
    ],
)
def test_the_utmost_is_told_in_other_languages(grounded_talk, words, first) -> None:
    assert grounded_talk(words).text.startswith(first)


def test_what_the_utmost_is_of_may_have_been_shown(grounded_talk) -> None:
    grounded_talk("compare the Aster mug, blue, with the black Tove mug")
    reply = grounded_talk("which of these is the lightest?")
    assert [p.id for p in reply.products] == ["mug-tove-black", "mug-aster-blue"]
    assert grounded_talk("which is cheaper?").products[0].id == "mug-aster-blue"
    assert grounded_talk("which one is the cheapest?").products[0].id == "mug-aster-blue-small"


def test_a_superlative_about_anything_else_is_none(grounded_talk) -> None:
    reply = grounded_talk("What is the cheapest delivery option?")
    assert reply.decision.related is None and "Standard delivery" in reply.text
    grounded_talk("do you have the Moss planter?")
    for words in (
        "is shipping for larger items more expensive?",
        "the planter you sent me is too small",
    ):
        assert not re.match("The biggest|Like the", grounded_talk(words).text)
    assert grounded_talk("my biggest problem is that nobody answers").decision.kind != "answer"


def test_a_bigger_or_smaller_one_is_of_the_same_family_first(grounded_talk) -> None:
    grounded_talk("I need something for my plants")
    reply = grounded_talk("bigger")
    assert reply.decision.related == Related("bigger")
    assert reply.text.startswith(
        "Like the Moss planter, terracotta (Ø 17 x 16 cm) but bigger, I find "
        "Moss planter, terracotta, large (Ø 32 x 20 cm, 39.90 EUR)."
    )
    assert grounded_talk("a smaller one").products[0].id == "planter-moss-terracotta"
    grounded_talk("do you have the Pantry storage jar?")
    assert [p.id for p in grounded_talk("do you have a bigger one?").products] == [
        "storage-jar-pantry-clear-large",
        "storage-jar-cellar-white",
    ]


def test_nothing_bigger_is_said_to_be_nothing(grounded_talk) -> None:
    grounded_talk("How much is the black Tove mug?")
    assert grounded_talk("do you have a larger one?").text.startswith(
        "I find nothing like the Tove mug, black (Ø 7.5 x 13 cm) that is bigger."
    )


def test_a_bigger_one_in_german(grounded_talk) -> None:
    grounded_talk("ich suche einen Blumentopf")
    said = grounded_talk("eine größere").text
    assert ", aber größer, finde ich Moss planter, terracotta, large (Ø 32 x 20 cm, 39,90" in said


def test_more_of_what_a_product_does_not_state_is_unknown(agent) -> None:
    silent = _thing("a")
    assert relations.beyond(agent.knowledge, silent, "size", True) == []
