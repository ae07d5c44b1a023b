"""A generic signed webhook, after the Standard Webhooks specification, both ways.

In:  {"type": "message", "message": ID, "conversation": ID, "text": ..., "files": [URL, ...]}
Out: {"type": "reply" | "handoff", "message": ID, "conversation": ID, "text": ...}

Both carry `webhook-id`, `webhook-timestamp` and `webhook-signature` ("v1," and the base64 of
HMAC-SHA256 over "ID.TIMESTAMP.BODY"). What is sent again has the same `webhook-id`.
"""

from __future__ import annotations

import hmac
import json
import time
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import httpx

from agent.config import Helpdesk
from agent.connectors.types import Forged, Incoming, Refused, check_time, header
from agent.store.boxes import Message


def verify(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str], now: float) -> None:
    at = header(headers, "webhook-timestamp")
    check_time(at, now)
    signed = f"{header(headers, 'webhook-id')}.{at}.".encode() + raw
    sent = header(headers, "webhook-signature").split()
    for secret in secrets:
        expected = f"v1,{_signature(secret, signed)}".encode()
        if any(hmac.compare_digest(expected, one.encode()) for one in sent):
            return
    raise Forged("The signature is not ours.")


def parse(headers: Mapping[str, str], raw: bytes) -> list[Incoming]:
    sent: Any = json.loads(raw)
    if sent["type"] != "message":
        return []
    return [
        Incoming(
            delivery=header(headers, "webhook-id"),
            message=sent["message"],
            conversation=sent["conversation"],
            text=sent.get("text") or "",
            files=tuple(sent.get("files") or ()),
        )
    ]


def send(http: httpx.Client, helpdesk: Helpdesk, message: Message) -> None:
    body = {
        "type": message.kind,
        "message": message.id,
        "conversation": message.there,
        "text": message.body,
    }
    raw, at = json.dumps(body).encode(), str(int(time.time()))
    signature = _signature(helpdesk.secrets[0], f"{message.id}.{at}.".encode() + raw)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{signature}",
    }
    answered = http.post(helpdesk.url, content=raw, headers=headers)
    if answered.status_code in (408, 429) or answered.status_code >= 500:
        answered.raise_for_status()
    if answered.status_code >= 300:
        raise Refused(f"It answered {answered.status_code}.")


def _signature(secret: str, signed: bytes) -> str:
    return b64encode(hmac.new(_key(secret), signed, sha256).digest()).decode()


def _key(secret: str) -> bytes:
    """As the specification writes secrets: whsec_ and base64; any other is its own bytes."""
    if secret.startswith("whsec_"):
        try:
            return b64decode(secret.removeprefix("whsec_"), validate=True)
        except (NotBase64, ValueError):
            pass
    return secret.encode()
