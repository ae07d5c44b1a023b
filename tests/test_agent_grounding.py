"""What a reply may state: pairs of a sentence and what the evidence does not hold of it."""

import pytest

from agent.grounding import deeds, grounded
from agent.types import Outcome
from knowledge.types import Document, Hit

BLUE = Document(
    "mug-blue",
    "product",
    "Aster mug, blue",
    "A rounded stoneware mug with a thick lip.",
    url="https://kiln.example/mug-blue",
    price=16.9,
    currency="EUR",
    stock=42,
    attributes={"dimensions": "Ø 9 x 9 cm", "color": "blue", "rating": "4.4"},
)
SMALL = Document(
    "mug-small", "product", "Aster mug, blue, small", "Low.", price=11.9, currency="EUR", stock=27
)
RETURNS = Document(
    "returns", "policy", "Returns", "Send it back within thirty days. Return postage is 4.95 EUR."
)
HITS = [Hit(document, 0.8, {}) for document in (BLUE, SMALL, RETURNS)]


@pytest.mark.parametrize(
    "text",
    [
        "The Aster mug, blue, costs 16.90 EUR and is in stock (42 pieces).",
        "It costs 16,90 EUR.",
        "It costs €16.9.",
        "The Aster mug, blue, small, costs 11.90 EUR.",
        "It measures Ø 9 x 9 cm.",
        "You have 30 days to send it back.",
        "You have thirty days. Return postage is 4.95 EUR.",
        "The Aster mug, blue, can be returned for 4.95 EUR.",
        "Hello! What can I do for you?",
        "Read more at https://kiln.example/mug-blue.",
        "Aster mugs are rated 4.4.",
    ],
)
def test_grounded(text):
    assert grounded(text, HITS) == []


@pytest.mark.parametrize(
    ("text", "invented"),
    [
        ("It costs 14.90 EUR.", "14.90"),
        ("It costs $16.91.", "16.91"),
        ("It costs 42 EUR.", "42 EUR"),  # true of the stock only
        ("The Aster mug, blue, costs 11.90 EUR.", "11.90 EUR"),  # true of the small one only
        ("The Aster mug, blue, small, costs 16.90 EUR.", "16.90 EUR"),
        ("You have 14 days.", "14"),
        ("You have fourteen days.", "fourteen"),
        ("There are 7 left.", "7"),
        ("You may like the Luna mug.", "Luna"),
        ("Luna mugs are lovely.", "Luna"),
        ("It is made in Portugal.", "Portugal"),
        ("It arrives on Monday.", "Monday"),
        ("See https://evil.example/mug.", "https://evil.example/mug."),
        ("Write to boss@kiln.example.", "boss@kiln.example"),
    ],
)
def test_invented(text, invented):
    assert invented in grounded(text, HITS)


def test_what_the_shop_confirmed_is_evidence():
    outcome = Outcome(True, "Order KL-2041 is cancelled.", {"refund": 58.5, "lines": [{"n": 3}]})
    text = "Order KL-2041 is cancelled; 58.50 EUR for 3 pieces go back."
    assert grounded(text, [], outcome) == []
    assert set(grounded(text, [])) >= {"2041", "58.50", "3"}


def test_nothing_is_evidence_of_nothing():
    assert grounded("It costs 5 EUR.", []) == ["5", "5 EUR"]
    assert grounded("", []) == []


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("I have cancelled your order.", True),
        ("I've just refunded it.", True),
        ("We have already sent you another one.", True),
        ("Your order has been cancelled.", True),
        ("Your delivery address is now changed.", True),
        ("I will refund you.", True),
        ("I'll send you another one.", True),
        ("Orders are shipped within two days.", False),
        ("You can cancel your order until it is packed.", False),
        ("I can look up your order.", False),
        ("The mug is blue.", False),
    ],
)
def test_deeds(text, claims):
    assert bool(deeds(text)) is claims
