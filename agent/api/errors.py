"""What goes wrong, as RFC 9457 problems (`application/problem+json`)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from limits import RateLimitItem
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from agent.errors import CUSTOMER_ERRORS, Busy, NotFound, SetupError, ShopError
from agent.sent import sentence
from agent.types import Frozen
from fusion.types import BadInput, WeightsError
from knowledge.types import BadFeed, KnowledgeError

log = logging.getLogger(__name__)

STATUS: dict[type[Exception], tuple[int, str]] = {
    BadInput: (422, "The turn cannot be used"),
    BadFeed: (422, "The documents cannot be used"),
    NotFound: (404, "Not found"),
    Busy: (409, "Not now"),
    KnowledgeError: (503, "The index cannot be used"),
    WeightsError: (503, "The models cannot be used"),
    ShopError: (502, "The shop cannot be reached"),
    SetupError: (503, "Deskhand is not set up"),
}
"""Every error raised on purpose -> HTTP status and title. Anything else is 500 and logged."""

AGAIN = {409: "1", 502: "10", 503: "10"}
"""Seconds after which the same request may be answered (Retry-After)."""

PROBLEM = "application/problem+json"

OPENAI = ("/v1/chat/", "/v1/models")
"""Paths whose problems have a member `error` as well, where OpenAI's libraries look for it."""


class Problem(Frozen):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route answers when it cannot do what it is asked, for its description."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                PROBLEM: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": {
                        "type": "about:blank",
                        "title": _TITLES.get(status, "The request failed"),
                        "status": status,
                        "detail": _EXAMPLES.get(status, HTTPStatus(status).phrase),
                    },
                }
            },
        }
        for status in sorted(statuses)
    }


_TITLES = {status: title for status, title in reversed(STATUS.values())}
_EXAMPLES = {
    401: "Send a key: Authorization: Bearer dh_...",
    403: "This key does not open that: it needs one of admin.",
    404: "There is no such conversation.",
    409: "Your last message is still being answered. Please wait a moment.",
    413: "A request has at most 80000000 bytes.",
    415: "A turn is application/json or multipart/form-data.",
    422: "text: Input should be a valid string.",
    429: "Too many requests: at most 240 per 1 minute. Wait 12 seconds.",
    503: "The log says more.",
}


def problem(error: Exception, conversation: str = "-") -> dict[str, Any]:
    """An error as a problem. What is not the sender's fault is logged, not told."""
    if isinstance(error, StarletteHTTPException):
        status, title, detail = error.status_code, "The request failed", str(error.detail)
    elif isinstance(error, RequestValidationError):
        status, title, detail = 422, "The request cannot be used", sentence(error.errors())
    else:
        known = [answer for kind, answer in STATUS.items() if isinstance(error, kind)]
        status, title = known[0] if known else (500, "A fault in Deskhand")
        detail = str(error) if isinstance(error, CUSTOMER_ERRORS) else "The log says more."
        if status >= 500:
            log.error("Conversation %s: %s", conversation, error, exc_info=not known and error)
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


def problem_response(error: Exception, conversation: str = "-", path: str = "") -> Response:
    body = problem(error, conversation)
    if path.startswith(OPENAI):
        told = {"message": body["detail"], "type": body["title"], "code": str(body["status"])}
        body = body | {"error": told}
    headers = dict(getattr(error, "headers", None) or {})
    if after := AGAIN.get(body["status"]):
        headers.setdefault("Retry-After", after)
    return JSONResponse(body, body["status"], headers, PROBLEM)


def tell_problems(app: FastAPI) -> None:
    """Every error that leaves a route of the app is a problem."""

    async def on_error(request: Request, error: Exception) -> Response:
        conversation = request.path_params.get("conversation", "-")
        return problem_response(error, conversation, request.url.path)

    async def on_leaving(request: Request, error: Exception) -> Response:
        log.info("A caller left before the request had arrived.")
        return Response(status_code=400)  # for nobody

    app.add_exception_handler(ClientDisconnect, on_leaving)
    for error in (*STATUS, StarletteHTTPException, RequestValidationError, Exception):
        app.add_exception_handler(error, on_error)


def too_many(what: str, limit: RateLimitItem, seconds: int) -> HTTPException:
    """429, with when to come again."""
    return HTTPException(
        429,
        f"Too many {what}: at most {limit}. Wait {seconds} seconds.",
        {"Retry-After": str(seconds)},
    )
