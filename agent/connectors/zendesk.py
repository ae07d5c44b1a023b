"""Zendesk, by a webhook of a trigger and the Tickets API: https://developer.zendesk.com

The trigger ("comment is public", "updated by end user") sends this body, in Zendesk's placeholders:

    {"ticket": "{{ticket.id}}", "comment": "{{ticket.latest_public_comment.id}}",
     "text": "{{ticket.latest_public_comment_rich}}"}

with `files` as a list of addresses where the shop adds one. A hand-off opens the ticket and leaves
a private comment.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import httpx

from agent.config import Helpdesk
from agent.connectors.types import WINDOW, Forged, Incoming, header, post
from agent.store.boxes import Message


def verify(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str], now: float) -> None:
    at = header(headers, "x-zendesk-webhook-signature-timestamp")
    try:
        signed_at = datetime.fromisoformat(at)
    except ValueError:
        raise Forged("There is no time of signing.") from None
    if signed_at.tzinfo is None or abs(now - signed_at.timestamp()) > WINDOW:
        raise Forged(f"It was signed more than {WINDOW} seconds ago, or is of the future.")
    sent = header(headers, "x-zendesk-webhook-signature").encode()
    for secret in secrets:
        digest = hmac.new(secret.encode(), at.encode() + raw, sha256).digest()
        if hmac.compare_digest(b64encode(digest), sent):
            return
    raise Forged("The signature is not ours.")


def parse(headers: Mapping[str, str], raw: bytes) -> list[Incoming]:
    sent: Any = json.loads(raw)
    ticket, comment = str(sent["ticket"]), str(sent["comment"])
    return [
        Incoming(
            delivery=header(headers, "x-zendesk-webhook-invocation-id") or comment,
            message=f"{ticket}/{comment}",
            conversation=ticket,
            text=sent.get("text") or "",
            files=tuple(sent.get("files") or ()),
        )
    ]


def send(http: httpx.Client, helpdesk: Helpdesk, message: Message) -> None:
    private = message.kind == "handoff"
    words = message.body or "A person is asked for."
    ticket: dict[str, Any] = {"comment": {"body": words, "public": not private}}
    if private:
        ticket["status"] = "open"
    post(
        http,
        f"{helpdesk.url.rstrip('/')}/api/v2/tickets/{message.there}.json",
        {"ticket": ticket},
        method="PUT",
        Authorization=f"Bearer {helpdesk.token}",
        **{"Idempotency-Key": message.id},
    )
