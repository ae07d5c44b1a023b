"""Slack, by the Events API and `chat.postMessage`: https://docs.slack.dev/apis/events-api

One conversation is one thread: a message that begins none begins its own. Threads of several
people are one conversation, so this is for a channel or app of the shop's customers. Its files want
the scope files:read.

After "Verifying requests from Slack", "message.file_share event", "Formatting message text" and
"chat.postMessage method".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape, unescape
from typing import Any

import httpx

from agent.config import Helpdesk
from agent.connectors.types import Incoming, Refused, check_signature, check_time, header, post
from agent.store.boxes import Message

AGAIN = frozenset({"ratelimited", "internal_error", "service_unavailable", "fatal_error"})
"""Errors of Slack after which the same may be sent again."""


def verify(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str], now: float) -> None:
    at = header(headers, "x-slack-request-timestamp")
    check_time(at, now)
    sent = header(headers, "x-slack-signature").removeprefix("v0=")
    check_signature(f"v0:{at}:".encode() + raw, sent, secrets, "sha256")


def challenge(raw: bytes) -> str | None:
    """What Slack wants to hear back when the address is set up."""
    sent: Any = json.loads(raw)
    return sent["challenge"] if sent.get("type") == "url_verification" else None


def parse(headers: Mapping[str, str], raw: bytes) -> list[Incoming]:
    sent: Any = json.loads(raw)
    event = sent.get("event") or {}
    if sent["type"] != "event_callback" or event.get("type") not in ("message", "app_mention"):
        return []
    if event.get("bot_id") or event.get("subtype") not in (None, "file_share"):
        return []
    channel, at = event["channel"], event["ts"]
    return [
        Incoming(
            delivery=sent["event_id"],
            message=f"{channel}/{at}",
            conversation=f"{channel}/{event.get('thread_ts') or at}",
            text=_plain(event.get("text") or ""),
            # a file that has no address yet is named, so that the customer hears of it
            files=tuple(
                one.get("url_private_download") or one["id"] for one in event.get("files") or ()
            ),
        )
    ]


def send(http: httpx.Client, helpdesk: Helpdesk, message: Message) -> None:
    channel, _, thread = message.there.partition("/")
    words = message.body
    if message.kind == "handoff":
        words = f"(for the people of the shop) {words or 'A person is asked for.'}"
    answered = post(
        http,
        f"{helpdesk.url.rstrip('/')}/api/chat.postMessage",
        {
            "channel": channel,
            "thread_ts": thread,
            "text": escape(words, quote=False),
            "mrkdwn": False,
        },
        Authorization=f"Bearer {helpdesk.token}",
    )
    if not answered.get("ok"):
        error = str(answered.get("error"))
        raise (httpx.HTTPError if error in AGAIN else Refused)(f"Slack says {error}")


def _plain(text: str) -> str:
    """Without whom it mentions, and with the words of its links."""
    text = re.sub(r"<[@#!][^<>]{0,200}>", "", text)
    text = re.sub(r"<[^<>|]{1,2000}\|([^<>]{0,2000})>", r"\1", text)
    text = re.sub(r"<([^<>]{1,2000})>", r"\1", text)
    return unescape(text).strip()
