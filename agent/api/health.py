"""How it goes: alive, ready, and figures for Prometheus.

GET /healthz    the process runs
GET /readyz     it can answer: the index has documents, the database answers
GET /metrics    requests, turns and their stages, what waits (scope admin)
"""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as exposition
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.agent import Agent
from agent.api.access import Access
from agent.api.errors import problems
from agent.store.boxes import counts
from agent.types import Frozen, Reply

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds


class Figures:
    """What is counted of one served agent."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "deskhand_requests", "Answered requests.", ["method", "route", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "deskhand_request_seconds", "Seconds until an answer was sent.", ["route"],
            buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.turns = Counter(
            "deskhand_turns", "Answered turns.", ["decision", "intent"], registry=self.registry
        )
        self.stages = Histogram(
            "deskhand_stage_seconds", "Seconds spent in one stage of a turn.", ["stage"],
            buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.waiting = Gauge(
            "deskhand_handoffs", "Conversations with a person, or that wait for one.",
            registry=self.registry,
        )  # fmt: skip
        self.posts = Gauge(
            "deskhand_messages", "Messages of helpdesks, by box and state.", ["box", "state"],
            registry=self.registry,
        )  # fmt: skip

    def answered(self, reply: Reply) -> None:
        self.turns.labels(reply.decision.kind, reply.intent or "none").inc()
        for stage, seconds in reply.seconds.items():
            self.stages.labels(stage).observe(seconds)


class Counted:
    """Counts requests by the route that answered them: never by what was asked for."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self.app, self.figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.perf_counter(), 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.figures.requests.labels(scope["method"], route, str(status)).inc()
            self.figures.seconds.labels(route).observe(time.perf_counter() - began)


class Health(Frozen):
    status: str


class Ready(Health):
    documents: int


def health_routes(agent: Agent, access: Access, figures: Figures) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz")
    def healthy() -> Health:
        """The process runs."""
        return Health(status="ok")

    @routes.get("/readyz", responses=problems(503))
    def ready() -> Ready:
        """It can answer."""
        documents = agent.knowledge.count()
        if not documents:
            raise HTTPException(503, "The index is empty: `deskhand index PATH...` fills it.")
        agent.store.waiting()  # the database answers
        return Ready(status="ready", documents=documents)

    @routes.get(
        "/metrics",
        dependencies=[Depends(access.may("admin"))],
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **problems(401, 403, 429)},
    )
    def metrics() -> Any:
        """Figures for Prometheus."""
        figures.waiting.set(len(agent.store.waiting()))
        for (box, state), count in counts(agent.store).items():
            figures.posts.labels(box, state).set(count)
        return Response(exposition(figures.registry), media_type=CONTENT_TYPE_LATEST)

    return routes
