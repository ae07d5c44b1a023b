"""How a turn is described to those who read /openapi.json: its two forms, and both its answers."""

from __future__ import annotations

from typing import Any

from agent.sent import CHOICE, CHOICES
from agent.types import Reply

_NOTHING = {"type": "null"}
_ID = {"type": "string", "maxLength": CHOICE}
_TEXT = {
    "type": ["string", "null"],
    "maxLength": 8_000,
    "description": "What the customer writes.",
}
_IDS = {
    "anyOf": [{"type": "array", "maxItems": CHOICES, "items": _ID}, _ID, _NOTHING],
    "description": "Ids of the choices that the last question offered.",
}
_BASE64 = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}


def _turn(file: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "text": _TEXT,
            "choices": _IDS,
            "photos": {"anyOf": [{"type": "array", "maxItems": 6, "items": file}, _NOTHING]},
            "audio": {"anyOf": [file, _NOTHING], "description": "A recording, of any common kind."},
            "video": {"anyOf": [file, _NOTHING], "description": "A short video."},
        },
    }


TURN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": _turn(_BASE64),
                "examples": {
                    "words": {"value": {"text": "How much is the blue Aster mug?"}},
                    "choice": {"value": {"choices": ["K1001"]}},
                },
            },
            "multipart/form-data": {"schema": _turn({"type": "string", "format": "binary"})},
        },
    }
}

TURN_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Reply,
        "description": "The reply, or its events as they happen (Accept: text/event-stream): "
        "heard, understood, found, decided, token, ..., done.",
        "content": {
            "application/json": {
                "example": {
                    "id": "4d0e9b72c8f1a653be07d41c92f86a35",
                    "conversation": "9f1c4be07d3a52e86c10f7b4a9d2e358",
                    "text": "The Aster mug, blue, costs 16.90 EUR.",
                    "citations": [],
                    "decision": {
                        "kind": "answer",
                        "hits": [],
                        "topic": "product_question",
                        "photo": False,
                    },
                    "intent": "product_question",
                    "attributions": {"intent": {"text": 0.4}},
                    "products": [],
                    "done": [],
                    "notes": [],
                    "mood": 0.0,
                    "seconds": {"understand": 0.01},
                }
            },
            "text/event-stream": {
                "example": 'event: token\ndata: {"kind": "token", "text": "The "}\n\n'
            },
        },
    }
}
