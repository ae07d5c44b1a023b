"""What is masked, and what an order needs and therefore stays: pairs of words and result."""

import logging

import pytest

from agent.privacy import MaskedFormatter, mask


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("My card is 4111 1111 1111 1111.", "My card is [card]."),
        ("amex 378282246310005", "amex [card]"),
        ("BE68 5390 0754 7034 please", "[IBAN] please"),
        ("pay to de89370400440532013000", "pay to [IBAN]"),
        ("call me on +32 475 12 34 56", "call me on [phone]"),
        ("0475123456", "[phone]"),
        ("write ann@example.com", "write [e-mail]"),
        ("ann at example dot com", "[e-mail]"),
        ("my password is hunter2", "my password is [password]"),
        ("PIN is 4411", "PIN is [password]"),
        ("to Korenmarkt 5, 9000 Ghent", "to [address]"),
        ("986 Sunset Drive, Suite 259, Denver, CO 80279", "[address]"),
        ("my zip is 80279", "my zip is [postcode]"),
    ],
)
def test_masked(words, shown):
    assert mask(words) == shown


@pytest.mark.parametrize(
    "words",
    [
        "card 4111 1111 1111 1112",  # a digit is wrong: no card
        "BE68 5390 0754 7035",
        "order #W7678072 and K1001, tracking 357962501027 and BP3179419893",
        "items 6469567736 and 8426249116",
        "EAN 4006381333931",
        "1,299.00 EUR or 16.90 EUR on 2026-11-25 at 10:30",
        "4 Linden plates for 17.50 each, 350 ml, size 38-40",
        "my password is wrong",
        "the 30 days begin 1 October 2026",
    ],
)
def test_what_an_order_needs_stays(words):
    assert mask(words) == words


def test_log_lines_are_masked_with_their_tracebacks():
    try:
        raise ValueError("no customer ann@example.com")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("agent", 40, "f.py", 1, "card %s", ("4111111111111111",), info)
    line = MaskedFormatter().format(record)
    assert "[card]" in line and "[e-mail]" in line
    assert "4111" not in line and "ann@" not in line
