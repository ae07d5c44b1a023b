"""A conversation over one WebSocket: turns in, events out, and what a person writes as it comes.

    WS /v1/conversations/{id}/live

The customer sends turns as JSON, as to `.../turns`, with an `id` of their own if they like, by
which a turn that is sent again is not answered again. What comes are events, and `{"kind": "error",
"problem": ...}`; a reply of a person is a `done` that no turn asked for.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, WebSocket, WebSocketDisconnect
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool

from agent.api.access import Access, Caller
from agent.api.errors import problem
from agent.api.photos import public
from agent.api.stream import Turns
from agent.brief import by_person
from agent.errors import NotFound
from agent.sent import SentTurn, sentence
from agent.store import Store
from agent.types import Done, Event, Reply
from fusion.types import BadInput

LOOK = 1.0  # seconds between two looks for what a person wrote
PROTOCOL = "deskhand"


class LiveTurn(SentTurn):
    id: Annotated[str | None, Field(min_length=1, max_length=200)] = None


def live_routes(store: Store, access: Access, turns: Turns) -> APIRouter:
    asks = Depends(access.may("chat"))
    routes = APIRouter()

    @routes.websocket("/v1/conversations/{conversation}/live")
    async def live(
        socket: WebSocket,
        conversation: str,
        caller: Caller = asks,
    ) -> None:
        await run_in_threadpool(access.enter, caller, conversation)
        told = len(await run_in_threadpool(store.replies, conversation))
        offered = socket.headers.get("sec-websocket-protocol", "")
        await socket.accept(PROTOCOL if PROTOCOL in offered else None)
        talking = asyncio.Lock()  # what one turn says is not mixed with anything else

        async def listen() -> None:
            while True:
                try:
                    text = await socket.receive_text()
                except KeyError:  # bytes
                    text = ""
                async with talking:
                    await answer(text)

        async def answer(text: str) -> None:
            try:
                sent = _read(text)
                events = turns.events(caller.names, sent.turn(), conversation, sent.id)
                async for event in events:
                    await say(event)
            except WebSocketDisconnect:
                raise
            except Exception as error:
                await fail(error)

        async def fail(error: Exception) -> None:
            await socket.send_json({"kind": "error", "problem": problem(error, conversation)})

        async def say(event: Event) -> None:
            await socket.send_json(public(event.model_dump(mode="json")))

        async def watch() -> None:
            seen = told
            while True:
                await asyncio.sleep(LOOK)
                async with talking:
                    replies = await run_in_threadpool(store.replies, conversation)
                    for reply in _written(replies[seen:]):
                        await say(Done(reply=reply))
                    seen = len(replies)

        listening, watching = asyncio.create_task(listen()), asyncio.create_task(watch())
        done, open_ = await asyncio.wait({listening, watching}, return_when="FIRST_COMPLETED")
        for task in open_:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for task in done:
            error = task.exception()
            if isinstance(error, NotFound):  # it was erased
                await fail(error)
                await socket.close()
            elif error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError):
                raise error

    return routes


def _read(text: str) -> LiveTurn:
    try:
        return LiveTurn.model_validate_json(text)
    except ValidationError as error:
        raise BadInput(sentence(error.errors())) from error


def _written(replies: list[Reply]) -> list[Reply]:
    return [reply for reply in replies if by_person(reply)]
