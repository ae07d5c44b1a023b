"""Intercom, by webhooks and the Conversations API: https://developers.intercom.com

Intercom signs the body alone, without a time; a delivery that is repeated is known by its id. A
hand-off opens the conversation and leaves a note.

After "Webhook models", "Set up webhooks" (signed notifications) and the API reference's "Reply to a
conversation" and "Manage a conversation".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

import httpx

from agent.config import Helpdesk
from agent.connectors.types import Incoming, check_signature, header, post
from agent.store.boxes import Message

CREATED, REPLIED = "conversation.user.created", "conversation.user.replied"


def verify(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str], now: float) -> None:
    sent = header(headers, "x-hub-signature").removeprefix("sha1=")
    check_signature(raw, sent, secrets, "sha1")


def parse(headers: Mapping[str, str], raw: bytes) -> list[Incoming]:
    sent: Any = json.loads(raw)
    if sent.get("topic") not in (CREATED, REPLIED):
        return []
    item = sent["data"]["item"]
    if sent["topic"] == CREATED:
        part = item["source"]
    else:  # the last is what was replied
        part = item["conversation_parts"]["conversation_parts"][-1]
    return [
        Incoming(
            delivery=sent["id"],
            message=f"{item['id']}/{part['id']}",
            conversation=str(item["id"]),
            text=_plain(part.get("body") or ""),
            files=tuple(one["url"] for one in part.get("attachments") or ()),
        )
    ]


def send(http: httpx.Client, helpdesk: Helpdesk, message: Message) -> None:
    at = f"{helpdesk.url.rstrip('/')}/conversations/{message.there}"
    said = {
        "type": "admin",
        "admin_id": helpdesk.account,
        "message_type": "note" if message.kind == "handoff" else "comment",
        "body": message.body or "A person is asked for.",
    }
    bearer = f"Bearer {helpdesk.token}"
    if message.kind == "handoff":
        opened = {"message_type": "open", "admin_id": helpdesk.account}
        post(http, f"{at}/parts", opened, Authorization=bearer)
    post(http, f"{at}/reply", said, Authorization=bearer)


def _plain(html: str) -> str:
    """Intercom's bodies are HTML of its own making."""
    text = re.sub(r"<(?:br|/p|/div|/li)\s*/?>", "\n", html)
    return unescape(re.sub(r"<[^>]{0,2000}>", "", text)).strip()
