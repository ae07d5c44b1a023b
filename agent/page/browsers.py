"""One browser told from the others by a cookie, and uploads that only their own browser may use.

Gradio serves an upload to whoever knows its path; here it must be the browser that sent it. Plain
ASGI, in front of the pages. What only Gradio's own hosting needs is closed.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import OrderedDict
from pathlib import Path

import gradio as gr
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fusion.languages import LANGUAGES

COOKIE = "deskhand"
CHOSEN = "deskhand_language"  # a cookie that chat.js sets
SECRET = 32  # characters of a browser's secret
KEPT = 30 * 86_400  # seconds that a browser knows its conversation
REMEMBERED = 10_000  # uploads whose browsers are known; Gradio deletes them after an hour or two

BY_LANGUAGE = {"Vary": "Accept-Language, Cookie", "Cache-Control": "no-store"}

GRADIO = "/gradio_api/"
UPLOAD = f"{GRADIO}upload"
FILES = (f"{GRADIO}file=", f"{GRADIO}file/")
CLOSED = (f"{GRADIO}proxy=", f"{GRADIO}component_server", f"{GRADIO}deep_link")

OWN_HOST = (
    "default-src 'self' data: blob:",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio writes and evaluates scripts
    "style-src 'self' 'unsafe-inline'",
)
"""The browser itself refuses what the page would ask of another host."""


class Uploads:
    """Which browser sent which file: stored path -> secrets of those who sent just this."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, set[str]] = OrderedDict()

    def add(self, browser: str, path: str) -> None:
        self._owners.setdefault(path, set()).add(browser)
        self._owners.move_to_end(path)
        while len(self._owners) > REMEMBERED:
            self._owners.popitem(last=False)

    def owned(self, browser: str, path: str) -> bool:
        return bool(browser) and browser in self._owners.get(path, ())

    def drop(self, browser: str, path: str) -> None:
        """The browser has no more use for it; once nobody has, it is deleted."""
        owners = self._owners.get(path, set())
        owners.discard(browser)
        if not owners:
            self._owners.pop(path, None)
            Path(path).unlink(missing_ok=True)


class Browsers:
    """Sends each browser from / to the page in its language, gives it its cookie there, and guards
    what it uploads.

    With `framed`, over https, the cookie is also kept in a shop's frame: one for each shop.
    """

    def __init__(self, app: ASGIApp, uploads: Uploads, framed: bool, most: int) -> None:
        self.app, self.uploads, self.framed, self.most = app, uploads, framed, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path, headers = scope["path"], Headers(scope=scope)
        browser = browser_of(headers)
        if not path.startswith(GRADIO):
            if path == "/":
                page = f"{language_of(headers)}?{scope['query_string'].decode()}".rstrip("?")
                return await RedirectResponse(page, headers=BY_LANGUAGE)(scope, receive, send)
            if path[1:] in LANGUAGES:
                cookie = "" if browser else self._cookie(scope["scheme"] == "https")
                send = _opening(send, cookie)
            return await self.app(scope, receive, send)
        refused = self._refused(scope["method"], path, headers, browser)
        if refused:
            return await PlainTextResponse(refused[1], refused[0])(scope, receive, send)
        if path == UPLOAD:
            send = self._noting(send, browser)
        await self.app(scope, receive, send)

    def _refused(
        self, method: str, path: str, headers: Headers, browser: str
    ) -> tuple[int, str] | None:
        """The status and the reason, where a request is not let through."""
        if path.startswith(CLOSED):
            return 404, "Not found."
        if path.startswith(FILES):
            file = path[len(FILES[0]) :]
            return None if self.uploads.owned(browser, file) else (403, "This is not yours.")
        if method != "POST":
            return None
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "Another site may not ask this."
        if path == UPLOAD:
            length = headers.get("content-length", "")
            if not browser:
                return 403, "Files can only be sent by a browser that keeps this page's cookie."
            if not length.isdecimal():
                return 411, "Say how much is sent."
            if int(length) > self.most:
                return 413, "This is too large."
        return None

    def _cookie(self, secure: bool) -> str:
        site = "SameSite=Lax"
        if secure:
            site = "Secure; SameSite=None; Partitioned" if self.framed else "Secure; SameSite=Lax"
        value = secrets.token_urlsafe(SECRET)[:SECRET]
        return f"{COOKIE}={value}; Path=/; Max-Age={KEPT}; HttpOnly; {site}"

    def _noting(self, send: Send, browser: str) -> Send:
        """Note whose the uploads are that an answer names."""
        body = bytearray()

        async def noting(message: Message) -> None:
            body.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                try:
                    paths = json.loads(bytes(body))
                except ValueError:  # a refusal
                    paths = []
                for path in paths if isinstance(paths, list) else []:
                    self.uploads.add(browser, path)
            await send(message)

        return noting


def browser_of(headers: Headers) -> str:
    """The secret of the browser that asks; "" when it has none of ours."""
    found = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
    return found if len(found) == SECRET and found.isascii() else ""


def language_of(headers: Headers) -> str:
    """The language chosen on the page, else the first of the browser's that there is."""
    chosen = cookie_parser(headers.get("cookie", "")).get(CHOSEN, "")
    wished = re.findall(r"(?:^|,)\s*([a-z]+)", headers.get("accept-language", "").lower())
    return next((one for one in (chosen, *wished) if one in LANGUAGES), LANGUAGES[0])


def asking(request: gr.Request | None) -> str:
    """The same inside an event of Gradio's."""
    return browser_of(Headers(dict(request.headers))) if request else ""


def _opening(send: Send, cookie: str) -> Send:
    """Send the page with its cookie, if it needs one, and held to its own server."""

    async def opening(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            framing = headers.get("Content-Security-Policy", "")
            headers["Content-Security-Policy"] = "; ".join(filter(None, [framing, *OWN_HOST]))
            if cookie:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return opening
