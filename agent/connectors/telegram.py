"""Telegram, by a bot's webhook: https://core.telegram.org/bots/api

Telegram signs nothing: it repeats the secret token that `setWebhook` was given. A hand-off is told
to nobody there; the people read it in `deskhand handoffs`.

After "Telegram Bot API": setWebhook, Update, Message, getFile, sendMessage.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from agent.config import Helpdesk
from agent.connectors.types import Forged, Incoming, Refused, header, post
from agent.store.boxes import Message

FILE = "telegram:"  # before the id of a file, whose address has to be asked for


def verify(headers: Mapping[str, str], raw: bytes, secrets: Sequence[str], now: float) -> None:
    sent = header(headers, "x-telegram-bot-api-secret-token").encode()
    if not any(hmac.compare_digest(secret.encode(), sent) for secret in secrets):
        raise Forged("The secret token is not ours.")


def parse(headers: Mapping[str, str], raw: bytes) -> list[Incoming]:
    sent: Any = json.loads(raw)
    message = sent.get("message")
    if not message or (message.get("from") or {}).get("is_bot"):
        return []
    photos = sorted(message.get("photo") or (), key=lambda one: one["width"])
    found = [photos[-1]] if photos else []
    kinds = ("voice", "audio", "video", "video_note", "document")
    found += [message[kind] for kind in kinds if message.get(kind)]
    chat = message["chat"]["id"]
    return [
        Incoming(
            delivery=str(sent["update_id"]),
            message=f"{chat}/{message['message_id']}",
            conversation=str(chat),
            text=message.get("text") or message.get("caption") or "",
            files=tuple(FILE + one["file_id"] for one in found),
        )
    ]


def send(http: httpx.Client, helpdesk: Helpdesk, message: Message) -> None:
    if message.kind == "handoff":
        return
    said = {"chat_id": int(message.there), "text": message.body[:4096]}
    answered = post(http, f"{_bot(helpdesk)}/sendMessage", said)
    if not answered.get("ok"):
        raise Refused(f"Telegram says {answered.get('description')}")


def address(http: httpx.Client, helpdesk: Helpdesk, file: str) -> str:
    """Where a file can be had for an hour."""
    found = post(http, f"{_bot(helpdesk)}/getFile", {"file_id": file.removeprefix(FILE)})
    path = found["result"]["file_path"]
    return f"{helpdesk.url.rstrip('/')}/file/bot{helpdesk.token}/{path}"


def _bot(helpdesk: Helpdesk) -> str:
    return f"{helpdesk.url.rstrip('/')}/bot{helpdesk.token}"
