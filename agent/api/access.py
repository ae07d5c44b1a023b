"""Who may: API keys, customers' tokens, programs on this machine; and how much each may ask.

    Authorization: Bearer dh_...     an API key with its scopes (`deskhand keys create`)
    Authorization: Bearer eyJ...     a customer, from the shop's own page: signed by the shop
    X-Customer-Token: eyJ...         the same beside a key, from the shop's own back end

A WebSocket of a page, which can send no headers, offers the protocol `bearer.TOKEN` instead. While
there is no key, only programs on this machine get in, as if they had every scope.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import jwt
from fastapi import HTTPException
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from agent.api.errors import too_many
from agent.config import CALLERS, Rates
from agent.errors import NotFound
from agent.orders import Shop
from agent.store import Store
from agent.store.keys import PREFIX, SCOPES, Key, find_key, has_keys
from agent.store.personal import customers_of

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""A request with one of these came through a proxy on this machine, from anywhere."""

PAGE = "origin"
"""A request with this was made by a page in a browser here, which may be anybody's."""

HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine; a page of another name that resolves to it sends its own name."""

AUDIENCE = "deskhand"  # of customers' tokens


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `names` are what is counted under: kind of caller (`CALLERS`) -> who."""

    scopes: frozenset[str]
    names: dict[str, str]
    customer: str | None = None  # the shop's id, proven by a token


class Access:
    """Lets callers in. One object serves every thread; the counts are this process's own."""

    def __init__(
        self, store: Store, shop: Shop, secrets: Sequence[str] = (), rates: Rates | None = None
    ) -> None:
        self._store, self._shop, self._secrets = store, shop, secrets
        rates = rates or Rates()
        self._rates = {name: parse(getattr(rates, name)) for name in CALLERS}
        self._counts = MovingWindowRateLimiter(MemoryStorage())

    def may(self, *scopes: str) -> Callable[[HTTPConnection], Caller]:
        """A dependency that lets in who has one of these scopes, or admin.

        Raises HTTPException 401, 403 or 429.
        """

        def let_in(connection: HTTPConnection) -> Caller:
            caller = self._caller(connection)
            if not caller.scopes & {*scopes, "admin"}:
                raise HTTPException(
                    403, f"This key does not open that: it needs one of {', '.join(scopes)}."
                )
            return caller

        return let_in

    def enter_page(self, browser: str, address: str) -> dict[str, str]:
        """The names that a browser with the chat page open is counted under, as if it were a
        customer; what it sends is counted once more.

        Raises HTTPException 429.
        """
        names = {"address": address}
        if browser:  # it keeps the page's cookie
            names["customer"] = browser
        for kind, name in names.items():
            self._count(kind, name)
        return names

    def enter(self, caller: Caller, conversation: str) -> None:
        """A customer with a token is in their own conversations only, and known in them: one that
        is nobody's yet becomes theirs.

        Raises NotFound, and HTTPException 401 when the shop does not know the customer.
        """
        if caller.customer is None:
            return
        owners = customers_of(self._store, conversation)
        if caller.customer in owners:
            return
        state = self._store.flow(conversation)
        if owners or state.customer is not None:
            raise NotFound("There is no such conversation.")
        customer = self._shop.customer(caller.customer)
        if customer is None:
            raise _unknown("The shop knows no customer of this token.")
        self._store.save_flow(conversation, state.but(customer=customer))

    def _caller(self, connection: HTTPConnection) -> Caller:
        address = connection.client.host if connection.client else ""
        sent = bearer(connection)
        if not sent and not has_keys(self._store) and not self._secrets:
            if not from_here(connection):
                raise HTTPException(
                    403,
                    "There is no API key yet, so only programs on this machine get in: "
                    "`deskhand keys create` makes one.",
                )
            token = connection.headers.get("x-customer-token")
            return Caller(frozenset(SCOPES), {}, self._customer(token) if token else None)
        names, scopes = {"address": address}, frozenset({"chat"})
        token = connection.headers.get("x-customer-token", "")
        if sent.startswith(PREFIX):
            key = self._key(sent, address)
            names, scopes = {"key": key.id}, key.scopes
        else:
            self._count("address", address)
            token = sent
            if not sent:
                raise _unknown("Send a key: Authorization: Bearer dh_...")
        if not token:
            return Caller(scopes, names)
        customer = self._customer(token)
        self._count("customer", customer)
        return Caller(scopes & {"chat"}, names | {"customer": customer}, customer)

    def key(self, connection: HTTPConnection, sent: str) -> Key:
        """The key that somebody gives to log in. Raises HTTPException 401 or 429."""
        return self._key(sent, connection.client.host if connection.client else "")

    def _key(self, sent: str, address: str) -> Key:
        """What a key asks is counted under it, wrong ones under the address they come from."""
        key = find_key(self._store, sent)
        if key is None:
            self._count("address", address)
            raise _unknown("This key opens nothing: it is unknown or revoked.")
        self._count("key", key.id)
        return key

    def _customer(self, token: str) -> str:
        """Whom the shop says it is. Raises HTTPException 401."""
        for secret in self._secrets:
            try:
                claims = jwt.decode(
                    token,
                    secret,
                    algorithms=["HS256"],
                    audience=AUDIENCE,
                    options={"require": ["exp", "sub", "aud"]},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise _unknown(f"The customer's token cannot be used: {error}.") from error
            return claims["sub"]
        raise _unknown("The customer's token is not signed by this shop.")

    def _count(self, kind: str, name: str) -> None:
        limit = self._rates[kind]
        if not self._counts.hit(limit, kind, name):
            until = self._counts.get_window_stats(limit, kind, name).reset_time
            raise too_many("requests", limit, max(1, math.ceil(until - time.time())))


def bearer(connection: HTTPConnection) -> str:
    """What was sent to be let in; "" for nothing."""
    kind, _, sent = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return sent.strip()
    for offered in connection.headers.get("sec-websocket-protocol", "").split(","):
        if offered.strip().startswith("bearer."):
            return offered.strip().removeprefix("bearer.")
    return ""


def from_here(connection: HTTPConnection) -> bool:
    """Whether a program on this machine asks, no page in a browser and no proxy."""
    headers = connection.headers
    if connection.client is None or any(name in headers for name in (*FORWARDED, PAGE)):
        return False
    try:
        if urlsplit(f"//{headers.get('host', '')}").hostname not in HERE:
            return False
        return ip_address(connection.client.host).is_loopback
    except ValueError:  # a test's client has a name
        return False


def _unknown(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
