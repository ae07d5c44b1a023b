"""Idempotency-Key: a POST that comes again is answered as it was, and done once.

Turns keep their key with the reply, in one transaction (`Agent.reply(..., delivery)`); what else is
posted keeps its answer here for a day.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from agent.api.access import bearer
from agent.store import Store
from agent.store.once import Claim, claim, drop, settle

REPLAYED = {"Idempotent-Replayed": "true"}

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="A name of your own for this request: sent again, it is not done again.",
    ),
]


class Replayed(Exception):
    """Carries the answer that the same request had."""

    def __init__(self, claim: Claim) -> None:
        super().__init__()
        self.response = Response(claim.body, claim.status or 200, REPLAYED, "application/json")


def once(store: Store) -> Callable[..., Coroutine[Any, Any, None]]:
    """A dependency for the routes of a router of `OnceRoute`, after the one that lets in."""

    async def claimed(request: Request, key: IdempotencyKey = None) -> None:
        if request.method != "POST" or key is None:
            return
        whose = sha256(f"{bearer(request)}\n{request.url.path}\n{key}".encode()).hexdigest()
        sent = sha256(await request.body()).hexdigest()
        conversation = request.path_params.get("conversation", "")
        ours = await run_in_threadpool(claim, store, whose, sent, conversation)
        if ours.status is not None:
            raise Replayed(ours)
        request.state.claim = ours

    return claimed


class OnceRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            store: Store = request.app.state.store
            try:
                response = await handle(request)
            except Replayed as replayed:
                return replayed.response
            except BaseException:
                if ours := getattr(request.state, "claim", None):
                    await run_in_threadpool(drop, store, ours)
                raise
            if ours := getattr(request.state, "claim", None):
                body = bytes(response.body).decode()
                await run_in_threadpool(settle, store, ours, response.status_code, body)
            return response

        return handle_once
