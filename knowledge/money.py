"""Amounts of money as people write them."""

from __future__ import annotations

import re

CURRENCIES = {
    "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "quid": "GBP",
    "$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD",
    "yuan": "CNY", "yen": "JPY", "¥": "JPY", "chf": "CHF", "francs": "CHF",
    "sek": "SEK", "dkk": "DKK", "nok": "NOK", "pln": "PLN",
}  # fmt: skip


def amount(text: str) -> float | None:
    """The number in "40", "16,90 €", "EUR 1.299,00" or "1,299.00"; None when there is not one."""
    numbers = re.findall(r"-?\d[\d.,]*", text, re.ASCII)
    if len(numbers) != 1:
        return None
    number = numbers[0].rstrip(".,")
    comma, dot = number.rfind(","), number.rfind(".")
    if comma > dot:  # a decimal comma, unless it groups thousands: 1,299 but 16,90
        grouped = re.fullmatch(r"-?\d{1,3}(,\d{3})+", number)
        number = number.replace(",", "") if grouped else number.replace(".", "").replace(",", ".")
    else:
        number = number.replace(",", "")
    try:
        return float(number)
    except ValueError:
        return None
