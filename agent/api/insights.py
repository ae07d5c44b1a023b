"""What customers want and how well they are served, by HTTP.

GET /v1/insights?since=&until=     JSON, or CSV (Accept: text/csv)

The scope is desk.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from agent.agent import Agent
from agent.api.access import Access
from agent.api.errors import problems
from agent.insights import Insights, csv_of, make_insights

SPAN = 30  # days, when none are named


def insight_routes(agent: Agent, access: Access, region: str) -> APIRouter:
    insights = make_insights(agent, region)
    routes = APIRouter(
        prefix="/v1",
        tags=["insights"],
        dependencies=[Depends(access.may("desk"))],
        responses=problems(400, 401, 403, 422, 429),
    )

    @routes.get(
        "/insights",
        response_model=Insights,
        responses={200: {"content": {"text/csv": {"example": "section,name,value,detail\r\n"}}}},
    )
    def read(
        request: Request,
        since: Annotated[date, Query(description="First day, UTC.", default_factory=_month_ago)],
        until: Annotated[date, Query(description="Last day, UTC.", default_factory=_today)],
    ) -> Response:
        """What was asked for, not found, rated badly and handed over, and how quickly; of the last
        30 days unless others are named."""
        found = insights(since, until)
        if "text/csv" in request.headers.get("accept", ""):
            return csv_response(found)
        return Response(found.model_dump_json(), media_type="application/json")

    return routes


def _today() -> date:
    return datetime.now(UTC).date()


def _month_ago() -> date:
    return _today() - timedelta(days=SPAN - 1)


def csv_response(found: Insights) -> Response:
    name = f"insights-{found.since}-{found.until}.csv"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(csv_of(found), media_type="text/csv; charset=utf-8", headers=disposition)
