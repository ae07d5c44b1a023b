"""The same agent for programs that speak OpenAI's protocol: chat front ends, libraries.

    POST /v1/chat/completions    messages in, the reply out, whole or streamed
    GET  /v1/models              one model: deskhand

A request carries all that was said; the last message is the turn (its text, images as data URIs,
`input_audio`), what comes before tells which conversation it goes on with: the one of ours that has
said exactly that to the same caller. Otherwise a new one is begun, in which the earlier messages of
the customer are only context. `system` messages change nothing: the shop's rules are not a
caller's. What a reply has beyond words stands in the extra field `deskhand`:

    {"conversation", "reply", "decision", "intent", "citations", "products", "notes"}
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from agent.agent import Agent
from agent.api.access import Access, Caller
from agent.api.errors import problem, problems
from agent.api.once import IdempotencyKey
from agent.api.photos import public
from agent.api.stream import EventStream, Turns
from agent.store.openai import conversation_after, remember
from agent.types import Done, Event, Frozen, Reply, Token
from fusion.types import BadInput, Turn

MODEL = "deskhand"
_DATA = re.compile(r"data:image/[a-z.+-]{1,40};base64,", re.I)


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class ImageUrl(Strict):
    url: str = Field(description="A data URI: data:image/jpeg;base64,...")


class InputAudio(Strict):
    data: str = Field(description="Base64.")
    format: str = "wav"


class Part(Strict):
    type: Literal["text", "image_url", "input_audio"]
    text: str = ""
    image_url: ImageUrl | None = None
    input_audio: InputAudio | None = None


class ChatMessage(Strict):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class Completion(BaseModel):
    """What else OpenAI's protocol has (temperature, tools, ...) is taken and changes nothing."""

    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "model": MODEL,
                    "messages": [{"role": "user", "content": "How much is the blue Aster mug?"}],
                }
            ]
        },
    )
    model: str = Field(max_length=200)
    messages: list[ChatMessage] = Field(min_length=1, max_length=500)
    stream: bool = False


class Model(Frozen):
    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "deskhand"


class Models(Frozen):
    object: Literal["list"] = "list"
    data: tuple[Model, ...]


def openai_routes(agent: Agent, access: Access, turns: Turns) -> APIRouter:
    store = agent.store
    asks = Depends(access.may("chat"))
    routes = APIRouter(
        prefix="/v1", tags=["openai"], responses=problems(400, 401, 403, 413, 422, 429, 502, 503)
    )

    @routes.get("/models", dependencies=[asks])
    def models() -> Models:
        """The one model there is."""
        return Models(data=(Model(id=MODEL),))

    @routes.post(
        "/chat/completions",
        response_model=None,
        responses={200: {"content": {"text/event-stream": {}}}, **problems(404, 409)},
    )
    async def complete(
        asked: Completion, caller: Caller = asks, key: IdempotencyKey = None
    ) -> Response:
        """Answer the last message."""
        turn = _turn(asked.messages[-1])
        whose = "/".join(caller.names.values())
        said = _said(whose, asked.messages[:-1])
        conversation = await run_in_threadpool(begin, caller, said, key and f"{whose}/{key}")
        if not asked.stream:
            reply = await turns.reply(caller.names, turn, conversation, key)
            await run_in_threadpool(kept, reply, whose, asked.messages)
            return JSONResponse(_completion(reply))
        events = turns.events(caller.names, turn, conversation, key)
        first = await anext(events)  # what fails before it still has a status of its own
        return EventStream(chunks(first, events, whose, asked.messages))

    def begin(caller: Caller, said: str, request: str | None) -> str:
        conversation = conversation_after(store, said, request)
        access.enter(caller, conversation)
        return conversation

    def kept(reply: Reply, whose: str, messages: Sequence[ChatMessage]) -> None:
        answer = ChatMessage(role="assistant", content=reply.text)
        remember(store, reply.conversation, _said(whose, [*messages, answer]))

    async def chunks(
        first: Event, events: Any, whose: str, messages: Sequence[ChatMessage]
    ) -> AsyncIterator[str]:
        id, created = "", int(time.time())

        def chunk(delta: dict[str, Any], end: str | None = None, **more: Any) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": end}
            return _data(
                {
                    "id": id,
                    "object": "chat.completion.chunk",
                    "created": created,
                    "model": MODEL,
                    "choices": [choice],
                    **more,
                }
            )

        try:
            id = f"chatcmpl-{created}"
            yield chunk({"role": "assistant", "content": ""})
            async for event in _chained(first, events):
                if isinstance(event, Token):
                    yield chunk({"content": event.text})
                elif isinstance(event, Done):
                    await run_in_threadpool(kept, event.reply, whose, messages)
                    yield chunk({}, "stop", deskhand=_extra(event.reply))
        except Exception as error:
            yield _data({"error": _error(problem(error))})
        finally:
            await events.aclose()
        yield "data: [DONE]\n\n"

    return routes


async def _chained(first: Event, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    yield first
    async for event in events:
        yield event


def _turn(message: ChatMessage) -> Turn:
    """Raises BadInput."""
    if message.role != "user":
        raise BadInput("The last message must be the customer's (role user).")
    parts = message.content or ""
    if isinstance(parts, str):
        return Turn(parts)
    audio = [_bytes(part.input_audio.data, "audio") for part in parts if part.input_audio]
    if len(audio) > 1:
        raise BadInput("There can be only one recording in a turn.")
    photos = tuple(_photo(part.image_url.url) for part in parts if part.image_url)
    words = "\n".join(part.text for part in parts if part.type == "text")
    return Turn(words, audio[0] if audio else None, photos)


def _photo(url: str) -> bytes:
    found = _DATA.match(url)
    if not found:
        raise BadInput("Images come as data URIs (data:image/...;base64,...), never as addresses.")
    return _bytes(url[found.end() :], "image")


def _bytes(text: str, what: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError) as error:
        raise BadInput(f"The {what} is not base64.") from error


def _said(whose: str, messages: Sequence[ChatMessage]) -> str:
    """A digest of what both sides said, by which a conversation is found again; "" for nothing."""
    both = [
        [message.role, message.model_dump(mode="json")["content"]]
        for message in messages
        if message.role in ("user", "assistant")
    ]
    if not both:
        return ""
    return sha256(json.dumps([whose, both]).encode(errors="surrogatepass")).hexdigest()


def _extra(reply: Reply) -> dict[str, Any]:
    fields = ("conversation", "decision", "intent", "citations", "products", "notes")
    dumped = public(reply.model_dump(mode="json"))
    return {"reply": reply.id} | {name: dumped[name] for name in fields}


def _completion(reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        "deskhand": _extra(reply),
    }


def _error(told: dict[str, Any]) -> dict[str, Any]:
    return {"message": told["detail"], "type": told["title"], "code": told["status"]}


def _data(value: Any) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
