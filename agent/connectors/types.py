"""What every helpdesk has in common: what comes in, how it is signed, how it is sent to."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from pydantic import Field

from agent.types import Frozen

WINDOW = 300  # seconds that a signature's time may be off, either way


class Forged(Exception):
    """What came is not signed by the helpdesk, or was signed too long ago."""


class Refused(Exception):
    """The helpdesk understood and said no: sending it again is of no use."""


class Incoming(Frozen):
    """One message of a customer. `files` are addresses of what came along; `message` and
    `conversation` are the helpdesk's own names."""

    delivery: str = Field(min_length=1, max_length=300)
    message: str = Field(min_length=1, max_length=300)
    conversation: str = Field(min_length=1, max_length=300)
    text: str = Field(max_length=100_000)
    files: tuple[str, ...] = ()


def check_signature(signed: bytes, sent: str, secrets: Sequence[str], digest: str) -> None:
    """Compares hexadecimal HMACs under each secret in constant time. Raises Forged."""
    for secret in secrets:
        expected = hmac.new(secret.encode(), signed, digest).hexdigest()
        if hmac.compare_digest(expected.encode(), sent.encode(errors="surrogatepass")):
            return
    raise Forged("The signature is not ours.")


def check_time(sent: str, now: float) -> None:
    """`sent` in seconds since 1970. Raises Forged."""
    if not sent.isascii() or not sent.isdigit() or len(sent) > 12:
        raise Forged("There is no time of signing.")
    if abs(now - int(sent)) > WINDOW:
        raise Forged(f"It was signed more than {WINDOW} seconds ago, or is of the future.")


def header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "")


def post(http: httpx.Client, url: str, body: Any, method: str = "POST", **headers: str) -> Any:
    """The JSON that was answered. Raises Refused, or httpx.HTTPError when it may be sent again."""
    answered = http.request(method, url, json=body, headers=headers)
    if answered.status_code in (408, 429) or answered.status_code >= 500:
        answered.raise_for_status()
    if answered.status_code >= 300:
        raise Refused(f"It answered {answered.status_code}: {answered.text[:200]}")
    try:
        return answered.json()
    except ValueError:
        return {}
