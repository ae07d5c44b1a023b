"""Events on their way out: made in threads, sent as they come, closed whoever leaves first."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import closing
from typing import Any, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import HTTPException
from fastapi.responses import StreamingResponse

from agent.agent import Agent
from agent.api.budget import Budgets, Spend
from agent.api.errors import problem
from agent.api.photos import public
from agent.types import Done, Event, Heard, Reply
from fusion.types import Turn

T = TypeVar("T")

WAITING = 256
"""Turns that may wait for a thread; more are sent away to come again."""


class Turns:
    """Answers turns in threads: as many at once as do not slow each other down. `names` are the
    caller's, under which budgets are counted."""

    def __init__(
        self, agent: Agent, budgets: Budgets, threads: int, answered: Callable[[Reply], None]
    ) -> None:
        self._agent, self._budgets = agent, budgets
        self._threads, self._answered = threads, answered
        self._limiter: CapacityLimiter | None = None  # made inside the running loop

    async def reply(
        self, names: Mapping[str, str], turn: Turn, conversation: str, delivery: str | None = None
    ) -> Reply:
        """The whole reply. Raises HTTPException 429 when a budget is spent, 503 when too many wait,
        and what the agent does."""
        with self._budgets.spending(names, turn) as spend:
            events = self._agent.reply(turn, conversation, delivery)
            reply = await self._run(lambda: _whole(events, spend))
        self._answered(reply)
        return reply

    async def events(
        self, names: Mapping[str, str], turn: Turn, conversation: str, delivery: str | None = None
    ) -> AsyncGenerator[Event]:
        """The events as they happen; the agent's stream is closed in any case. Raises as above."""
        with self._budgets.spending(names, turn) as spend:
            events = self._agent.reply(turn, conversation, delivery)
            try:
                while (event := await self._run(lambda: next(events, None))) is not None:
                    if isinstance(event, Heard):
                        spend(event.photos, event.sound)
                    elif isinstance(event, Done):
                        self._answered(event.reply)
                    yield event
            finally:
                with anyio.CancelScope(shield=True):
                    await to_thread.run_sync(events.close)

    async def _run(self, work: Callable[[], T]) -> T:
        limiter = self._limiter = self._limiter or CapacityLimiter(self._threads)
        if limiter.statistics().tasks_waiting >= WAITING:
            raise HTTPException(503, "Too many turns wait. Please try again.", {"Retry-After": "5"})
        return await to_thread.run_sync(work, limiter=limiter)


def _whole(events: Generator[Event], spend: Spend) -> Reply:
    with closing(events):
        for event in events:
            if isinstance(event, Heard):
                spend(event.photos, event.sound)
            elif isinstance(event, Done):
                return event.reply
    raise AssertionError("the last event of a turn is Done")


class EventStream(StreamingResponse):
    """Server-sent events; a failure on the way is the last one, of kind "error".

    A customer who leaves cancels the response wherever it is, and so closes the generator.
    """

    def __init__(self, frames: AsyncIterator[str]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(frames, media_type="text/event-stream", headers=headers)


async def frames(events: AsyncGenerator[Event], conversation: str) -> AsyncIterator[str]:
    try:
        async for event in events:
            yield frame(event.kind, public(event.model_dump(mode="json")))
    except Exception as error:
        yield frame("error", problem(error, conversation))
    finally:
        await events.aclose()


def frame(kind: str, data: Any, id: str = "") -> str:
    """One server-sent event."""
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
