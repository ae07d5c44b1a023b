"""Zendesk, by webhooks and the Tickets API: https://developer.zendesk.com

A webhook that subscribes to the ticket event "comment added" delivers words; one of a trigger
("comment is public", "updated by end user") delivers files too, with this body:

    {"ticket": "{{ticket.id}}", "text": "{{ticket.latest_public_comment_rich}}", "files": [
     {% for file in ticket.latest_public_comment.attachments %}"{{file.url}}"
     {% unless forloop.last %},{% endunless %}{% endfor %}]}

Set up one of the two. A hand-off opens the ticket and leaves a private comment. The token is an
OAuth access token.

After "Anatomy of a webhook request", "Verifying webhook authenticity", "Ticket events" and "Zendesk
placeholders reference".
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

COMMENT_ADDED = "zen:event-type:ticket.comment_added"


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
    if "zendesk_event_version" in sent:
        return _event(sent)
    ticket = str(sent["ticket"])
    invocation = header(headers, "x-zendesk-webhook-invocation-id")  # the same when sent again
    return [
        Incoming(
            delivery=invocation,
            message=f"{ticket}/{invocation}",
            conversation=ticket,
            text=sent.get("text") or "",
            files=tuple(sent.get("files") or ()),
        )
    ]


def _event(sent: Any) -> list[Incoming]:
    if sent["type"] != COMMENT_ADDED:
        return []
    ticket, comment = str(sent["detail"]["id"]), sent["event"]["comment"]
    if not comment["is_public"] or comment["author"]["is_staff"]:
        return []
    return [
        Incoming(
            delivery=sent["id"],
            message=f"{ticket}/{comment['id']}",
            conversation=ticket,
            text=comment["body"] or "",
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
