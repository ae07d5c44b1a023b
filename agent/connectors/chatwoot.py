"""Chatwoot, as an agent bot or a webhook: https://developers.chatwoot.com

Answered is what is pending: so conversations begin in an inbox that an agent bot is connected to. A
hand-off opens the conversation for the people (status open) and leaves them a private note; while
they have it, its messages are theirs. Deliveries are signed since webhooks and bots have secrets of
their own.

After "Supported webhook events in Chatwoot", its API reference ("Toggle status", "Create new
message") and what its own code sends (attachments, signatures).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from agent.config import Helpdesk
from agent.connectors.types import Incoming, check_signature, check_time, header, post
from agent.store.boxes import Message

FILES = ("image", "audio", "video", "file")  # not places, not contacts


def verify(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str], now: float) -> None:
    at = header(headers, "x-chatwoot-timestamp")
    check_time(at, now)
    sent = header(headers, "x-chatwoot-signature").removeprefix("sha256=")
    check_signature(f"{at}.".encode() + raw, sent, secrets, "sha256")


def parse(headers: Mapping[str, str], raw: bytes) -> list[Incoming]:
    sent: Any = json.loads(raw)
    if sent["event"] != "message_created" or sent["message_type"] not in ("incoming", 0):
        return []
    conversation = sent["conversation"]
    if sent.get("private") or conversation.get("status") not in (None, "pending"):
        return []
    account, id = sent["account"]["id"], conversation["id"]
    return [
        Incoming(
            delivery=header(headers, "x-chatwoot-delivery") or f"{account}/{sent['id']}",
            message=f"{account}/{sent['id']}",
            conversation=f"{account}/{id}",
            text=sent.get("content") or "",
            files=tuple(
                one["data_url"]
                for one in sent.get("attachments") or ()
                if one["file_type"] in FILES
            ),
        )
    ]


def send(http: httpx.Client, helpdesk: Helpdesk, message: Message) -> None:
    account, _, id = message.there.partition("/")
    at = f"{helpdesk.url.rstrip('/')}/api/v1/accounts/{account}/conversations/{id}"
    private = message.kind == "handoff"
    said = {"content": message.body, "message_type": "outgoing", "private": private}
    if private:
        post(http, f"{at}/toggle_status", {"status": "open"}, api_access_token=helpdesk.token)
        said["content"] = message.body or "A person is asked for."
    post(http, f"{at}/messages", said, api_access_token=helpdesk.token)
