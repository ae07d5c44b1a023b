"""Conversations by HTTP: begin one, take turns in it, read it, rate its replies.

POST /v1/conversations                  a new conversation -> {"id"}
POST /v1/conversations/{id}/turns       one turn, JSON (attachments in base64) or a form with
                                        files -> Reply, or events (Accept: text/event-stream)
GET  /v1/conversations/{id}             every turn so far, and who answers
GET  /v1/conversations/{id}/events      what was understood, found and decided, turn by turn
POST /v1/conversations/{id}/feedback    whether a reply helped
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from agent.agent import Agent
from agent.api.access import Access, Caller
from agent.api.describe import TURN_BODY, TURN_RESPONSES
from agent.api.errors import problems
from agent.api.once import IdempotencyKey, OnceRoute, once
from agent.api.photos import public
from agent.api.stream import EventStream, Turns, frame, frames
from agent.sent import CHOICES, SentTurn, sentence
from agent.store.feedback import rate, ratings
from agent.types import Event, Frozen, Reply
from fusion.types import BadInput, InputLimits, Turn

LOOK = 1.0  # seconds between two looks for what is new, while somebody follows

After = Annotated[int, Query(ge=0, le=2**31 - 1, description="Only turns after this one.")]


class Begun(Frozen):
    id: str = Field(examples=["9f1c4be07d3a52e86c10f7b4a9d2e358"])


class Said(Frozen):
    words: str
    reply: Reply
    rating: Literal["up", "down"] | None = None


class Conversation(Frozen):
    """`answers`: the agent, nobody yet (a person is waited for), or a person."""

    id: str
    answers: Literal["agent", "nobody", "person"]
    turns: tuple[Said, ...]


class TurnEvents(Frozen):
    turn: int
    events: tuple[Event, ...]


class Feedback(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"reply": "4d0e9b72c8f1a653be07d41c92f86a35", "rating": "up", "comment": ""}
            ]
        },
    )
    reply: str = Field(min_length=1, max_length=100, description="The id of the reply.")
    rating: Literal["up", "down"]
    comment: str = Field("", max_length=2_000)


def turn_routes(agent: Agent, access: Access, limits: InputLimits, turns: Turns) -> APIRouter:
    store = agent.store
    chat = access.may("chat")
    asks = Depends(chat)
    routes = APIRouter(
        prefix="/v1/conversations",
        tags=["conversations"],
        responses=problems(400, 401, 403, 404, 413, 422, 429),
        route_class=OnceRoute,
    )
    repeated = [asks, Depends(once(store))]

    @routes.post("", status_code=201, dependencies=repeated, responses=problems(409))
    def begin(caller: Caller = asks) -> Begun:
        """Begin a conversation. Whoever knows its id and may chat may go on with it, but for a
        customer's, which only that customer's token opens."""
        id = store.new_conversation()
        access.enter(caller, id)
        return Begun(id=id)

    @routes.post(
        "/{conversation}/turns",
        response_model=None,
        responses=TURN_RESPONSES | problems(408, 409, 415, 502, 503),
        openapi_extra=TURN_BODY,
    )
    async def answer(
        conversation: str, request: Request, caller: Caller = asks, key: IdempotencyKey = None
    ) -> Response:
        """Take one turn: words, a recording, photos, a video, in any combination."""
        turn = await read_turn(request, limits)
        await run_in_threadpool(access.enter, caller, conversation)
        if "text/event-stream" not in request.headers.get("accept", ""):
            reply = await turns.reply(caller.names, turn, conversation, key)
            return JSONResponse(public(reply.model_dump(mode="json")))
        events = turns.events(caller.names, turn, conversation, key)
        first = await anext(events)  # what fails before it still has a status of its own
        return EventStream(frames(_after(first, events), conversation))

    @routes.get("/{conversation}", response_model=Conversation)
    def read(conversation: str, caller: Caller = asks) -> Response:
        """Every turn so far."""
        access.enter(caller, conversation)
        said, rated = store.transcript(conversation), ratings(store, conversation)
        shown = Conversation(
            id=conversation,
            answers=_ANSWERS[store.handed_off(conversation)],
            turns=tuple(
                Said(words=words, reply=reply, rating=rated.get(reply.id)) for words, reply in said
            ),
        )
        return JSONResponse(public(shown.model_dump(mode="json")))

    @routes.get(
        "/{conversation}/events",
        response_model=list[TurnEvents],
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def events(
        conversation: str, request: Request, caller: Caller = asks, after: After = 0
    ) -> Response:
        """What happened in each turn. As text/event-stream it goes on: replies of a person come as
        they are written, and Last-Event-ID takes up where a reader was cut off."""
        await run_in_threadpool(access.enter, caller, conversation)
        if "text/event-stream" in request.headers.get("accept", ""):
            last = request.headers.get("last-event-id", "")
            start = int(last) if last.isdecimal() and len(last) < 10 else after
            await run_in_threadpool(store.events, conversation, start)  # it exists
            return EventStream(_followed(conversation, start))
        kept = await run_in_threadpool(store.events, conversation, after)
        shown = [TurnEvents(turn=n, events=tuple(found)) for n, found in kept]
        return JSONResponse([public(one.model_dump(mode="json")) for one in shown])

    async def _followed(conversation: str, after: int) -> AsyncIterator[str]:
        while True:
            for place, found in await run_in_threadpool(store.events, conversation, after):
                for event in found:
                    yield frame(event.kind, public(event.model_dump(mode="json")), str(place))
                after = place
            yield ": still here\n\n"
            await anyio.sleep(LOOK)

    @routes.post(
        "/{conversation}/feedback",
        status_code=204,
        dependencies=repeated,
        responses=problems(409),
    )
    def feedback(conversation: str, given: Feedback, caller: Caller = asks) -> None:
        """Whether a reply helped; the last word counts."""
        access.enter(caller, conversation)
        rate(store, conversation, given.reply, given.rating, given.comment)

    return routes


_ANSWERS: dict[str, Literal["agent", "nobody", "person"]] = {
    "": "agent",
    "open": "nobody",
    "taken": "person",
}


async def _after(first: Event, events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    try:
        yield first
        async for event in events:
            yield event
    finally:
        await events.aclose()


async def read_turn(request: Request, limits: InputLimits) -> Turn:
    """The turn in a request's JSON or form. Raises BadInput, or HTTPException 400, 413, 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json":
        return _turn(SentTurn.model_validate_json, await request.body())
    if kind != "multipart/form-data":
        raise HTTPException(415, "A turn is application/json or multipart/form-data.")
    async with request.form(max_files=limits.photos + 2, max_fields=CHOICES + 1) as form:
        sent: dict[str, Any] = {"photos": [], "choices": []}
        for name, value in form.multi_items():
            data = value if isinstance(value, str) else await value.read()
            if name in ("photos", "choices"):
                sent[name].append(data)
            elif name in sent:
                raise BadInput(f"There can be only one {name} in a turn.")
            else:
                sent[name] = data
        return _turn(SentTurn.model_validate, sent)


def _turn(validate: Callable[[Any], SentTurn], sent: Any) -> Turn:
    try:
        turn = validate(sent)
    except ValidationError as error:
        raise BadInput(sentence(error.errors())) from error
    return turn.turn()
