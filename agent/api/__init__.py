"""The HTTP door, put together: who may, what it answers, what leaves it.

    agent/api/turns.py      conversations, turns, events, feedback
    agent/api/live.py       a conversation over one WebSocket
    agent/api/staff.py      the people of the shop
    agent/api/knowledge.py  search, documents
    agent/api/insights.py   what customers want, and how well they are served
    agent/api/openai.py     the same agent for programs that speak OpenAI's protocol
    agent/api/photos.py     photos of documents
    agent/api/health.py     health, readiness, metrics
    agent/connectors/       helpdesks: what they deliver, and what is sent to them

Errors are RFC 9457 problems (agent/api/errors.py); who gets in, agent/api/access.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI

from agent.agent import Agent
from agent.api.access import Access
from agent.api.budget import Budgets
from agent.api.edge import add_edge
from agent.api.errors import Problem, tell_problems
from agent.api.health import Counted, Figures, health_routes
from agent.api.insights import insight_routes
from agent.api.knowledge import knowledge_routes
from agent.api.live import live_routes
from agent.api.openai import openai_routes
from agent.api.photos import photo_routes
from agent.api.staff import staff_routes
from agent.api.stream import Turns
from agent.api.turns import turn_routes
from agent.config import Settings
from agent.connectors.routes import helpdesk_routes

DESCRIPTION = """A customer-service agent for online shops: words, voice, photos and video in, a
grounded reply out. Send a key (`deskhand keys create`) as `Authorization: Bearer dh_...`; every
POST may carry an `Idempotency-Key`. Errors are `application/problem+json` (RFC 9457)."""


def create_app(
    agent: Agent, settings: Settings, arrived: Callable[[], None] = lambda: None
) -> FastAPI:
    """The HTTP door of one agent. Whoever serves it closes the agent afterwards.

    `arrived` is called when a helpdesk delivered something (agent/connectors/work.py answers it).
    """
    app = FastAPI(
        title="Deskhand",
        version=_version(),
        description=DESCRIPTION,
        docs_url="/docs" if settings.docs else None,
        redoc_url=None,
    )
    app.state.store = agent.store
    access = Access(agent.store, agent.shop, settings.customer_secrets, settings.rates)
    app.state.access = access  # the pages count with it as well, and spend from the budgets
    budgets = Budgets(settings.rates, settings.input_limits)
    app.state.budgets = budgets
    figures = Figures()
    turns = Turns(agent, budgets, 2 * (os.cpu_count() or 1), figures.answered)
    tell_problems(app)
    for routes in (
        turn_routes(agent, access, settings.input_limits, turns),
        live_routes(agent.store, access, turns),
        staff_routes(agent.store, access),
        knowledge_routes(agent, access),
        insight_routes(agent, access, settings.region),
        openai_routes(agent, access, turns),
        helpdesk_routes(agent.store, settings.helpdesks, arrived),
        photo_routes(agent),
        health_routes(agent, access, figures),
    ):
        app.include_router(routes)
    app.add_middleware(Counted, figures=figures)
    add_edge(app, settings.origins)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """The description says how to get in, and what an error looks like."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            parts = schema.setdefault("components", {})
            parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for path, methods in schema["paths"].items():
                for method in methods.values() if path.startswith(("/v1", "/metrics")) else ():
                    method["security"] = [{"key": []}]
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _version() -> str:
    try:
        return version("deskhand")
    except PackageNotFoundError:  # run from a checkout
        return "0"
