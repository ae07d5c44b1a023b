"""The shop behind a small REST contract of its own (agent/shops/openapi.yaml).

Every address is asked with `Authorization: Bearer TOKEN` when a token is set. An act carries its
key, so the shop does it once however often it is sent; that is why one that got no answer may be
sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from agent.errors import ShopError
from agent.orders import Customer, Order, Product, Shop
from agent.rules import Rules
from agent.types import Act, Action, Outcome

SECONDS = 10.0  # for one request
TRIES = 2


class HttpShop(Shop):
    """Raises ShopError when the shop cannot be reached, or answers something else than agreed."""

    def __init__(
        self, url: str, token: str | None = None, today: Callable[[], date] = date.today
    ) -> None:
        self._today = today
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=SECONDS)
        try:
            self.rules = self._get("/rules", Rules)
        except ShopError:
            self._http.close()
            raise

    def close(self) -> None:
        self._http.close()

    def identify(self, email: str) -> Customer | None:
        return self._one(email=email.strip().lower())

    def identify_by_name(self, name: str, zip: str) -> Customer | None:
        return self._one(name=name, zip=zip)

    def _one(self, **query: str) -> Customer | None:
        """The customer that is found; None when there is none, or more than one."""
        found = self._get("/customers", list[Customer], query)
        return found[0] if len(found) == 1 else None

    def customer(self, customer_id: str) -> Customer | None:
        return self._get(f"/customers/{quote(customer_id, safe='')}", Customer | None)

    def order(self, order_id: str) -> Order | None:
        return self._get(f"/orders/{quote(order_id, safe='')}", Order | None)

    def orders(self, customer: Customer) -> list[Order]:
        return self._get(f"/customers/{quote(customer.id, safe='')}/orders", list[Order])

    def product(self, product_id: str) -> Product | None:
        return self._get(f"/products/{quote(product_id, safe='')}", Product | None)

    def baskets(self, articles: Collection[str]) -> list[frozenset[str]]:
        """None when the shop does not offer them."""
        asked = {"article": sorted(articles)}
        return self._get("/baskets", list[frozenset[str]] | None, asked) or []

    def refusal(self, action: Action, order: Order) -> str | None:
        return self.rules.refusal(action, order, self._today())

    def perform(self, act: Act, customer: Customer) -> Outcome:
        body = {
            "key": act.key,
            "customer": customer.id,
            "action": act.action,
            "arguments": dict(act.arguments),
            "confirmed": act.confirmed,
        }
        return self._ask("POST", "/acts", Outcome, json=body)

    def _get(self, path: str, kind: Any, query: dict[str, Any] | None = None) -> Any:
        return self._ask("GET", path, kind, params=query)

    def _ask(self, method: str, path: str, kind: Any, **sent: Any) -> Any:
        """The answer as `kind`; None when the shop does not know it (404)."""
        for tries_left in reversed(range(TRIES)):
            try:
                answer = self._http.request(method, path, **sent)
                if answer.status_code < 500 or not tries_left:
                    break
            except httpx.TransportError as error:
                if not tries_left:
                    raise ShopError(f"The shop cannot be reached ({error}).") from error
        if answer.status_code == 404 and method == "GET":
            return None
        if answer.status_code != 200:
            raise ShopError(f"The shop answered {method} {path} with {answer.status_code}.")
        try:
            return TypeAdapter(kind).validate_json(answer.content)
        except ValidationError as error:
            said = str(error).splitlines()[:3]
            raise ShopError(f"The shop's answer to {method} {path} is unusable: {said}") from error
