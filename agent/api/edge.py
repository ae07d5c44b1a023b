"""What every request passes first: its size and its patience, its headers, its count.

Plain ASGI, so that streams pass through as they come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from fastapi import FastAPI, HTTPException
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.api.errors import problem_response

REQUEST_BYTES = 80_000_000
"""One request as it is sent; a turn's attachments in base64 included, which have limits of their
own."""

REQUEST_SECONDS = 30.0
"""For a request to arrive, and a second more for every REQUEST_RATE bytes of it that did."""

REQUEST_RATE = 20_000

STAFF = ("/staff/", "/desk/", "/insights/", "/knowledge/")
"""Pages of the shop's people, which no other page may show in a frame."""

NO_FRAMES = "frame-ancestors 'none'"
NOTHING_ELSE = f"default-src 'none'; {NO_FRAMES}"


class Edge:
    """Bounds the requests, and puts the headers on every answer that keep it harmless.

    A request that arrives slowly is awaited here, in the event loop: it holds no thread and no
    connection to the database, and of its body no more than has arrived.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self.app = app
        self.frames = " ".join(["frame-ancestors 'self'", *origins])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        ours = scope["path"].startswith(("/v1/", "/metrics", "/healthz", "/readyz"))
        received = 0
        began = time.monotonic()
        whole = False

        async def bounded() -> Message:
            nonlocal received, whole
            if whole:
                return await receive()
            until = began + REQUEST_SECONDS + received / REQUEST_RATE
            try:
                async with asyncio.timeout(max(until - time.monotonic(), 0.01)):
                    message = await receive()
            except TimeoutError:
                raise _ended(408, "The request did not arrive in time.") from None
            received += len(message.get("body", b""))
            if ours and received > REQUEST_BYTES:
                raise _too_large()
            whole = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "same-origin")
                frames = NO_FRAMES if scope["path"].startswith(STAFF) else self.frames
                headers.setdefault("Content-Security-Policy", NOTHING_ELSE if ours else frames)
                if ours:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        length = _header(scope, b"content-length")
        if ours and length.isdecimal() and int(length) > REQUEST_BYTES:
            return await problem_response(_too_large())(scope, receive, guarded)
        await self.app(scope, bounded, guarded)


def add_edge(app: FastAPI, origins: Sequence[str]) -> None:
    """`origins`: whose pages may call and frame."""
    app.add_middleware(Edge, origins=origins)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Customer-Token"],
            expose_headers=["Retry-After", "Idempotent-Replayed"],
        )


def _too_large() -> HTTPException:
    return _ended(413, f"A request has at most {REQUEST_BYTES} bytes.")


def _ended(status: int, detail: str) -> HTTPException:
    """What is still on its way is not waited for: the connection is closed."""
    return HTTPException(status, detail, {"Connection": "close"})


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
