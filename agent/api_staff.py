"""The HTTP door for the people of the shop: take a conversation over, write in it, give it back.

    GET  /v1/handoffs                             those that wait for a person or have one
    GET  /v1/conversations/{id}/handoff           who, what was tried, the transcript -> Brief
    POST /v1/conversations/{id}/handoff           {"person"}: has it from now on -> Brief
    POST /v1/conversations/{id}/human             {"person", "text"}: what they write -> Reply
    POST /v1/conversations/{id}/resolve           the agent answers again
    GET  /v1/conversations/{id}/attachments/{n}   what came along, counted from 0

Only who sends `DESKHAND_STAFF_TOKEN` gets in; where none is set, only a program on this machine.
"""

from __future__ import annotations

from dataclasses import asdict
from ipaddress import ip_address
from secrets import compare_digest
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from agent.attachments import suffix
from agent.brief import Brief, brief
from agent.errors import NotFound
from agent.store import Store
from agent.types import Reply

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""A request with one of these came through a proxy on this machine, from anywhere."""

PAGE = "origin"
"""A request with this was made by a page in a browser here, which may be anybody's."""

Person = Annotated[str, Field(min_length=1, max_length=100)]


class Taking(BaseModel):
    model_config = ConfigDict(extra="forbid")
    person: Person


class Writing(Taking):
    text: str = Field(min_length=1, max_length=8_000)


def staff_routes(store: Store, token: str | None) -> APIRouter:
    def staff(request: Request) -> None:
        """Raises HTTPException 401 or 403."""
        if token:
            sent = request.headers.get("authorization", "").encode()
            if not compare_digest(sent, f"Bearer {token}".encode()):
                raise HTTPException(401, "Send the token of DESKHAND_STAFF_TOKEN.")
        elif not _from_here(request):
            raise HTTPException(403, "Set DESKHAND_STAFF_TOKEN to reach this from elsewhere.")

    routes = APIRouter(prefix="/v1", dependencies=[Depends(staff)])

    @routes.get("/handoffs")
    def waiting() -> list[dict[str, Any]]:
        return [asdict(one) for one in store.waiting()]

    @routes.get("/conversations/{conversation}/handoff")
    def read(conversation: str) -> Brief:
        return brief(store, conversation)

    @routes.post("/conversations/{conversation}/handoff")
    def take_over(conversation: str, taking: Taking) -> Brief:
        store.take_over(conversation, taking.person)
        return brief(store, conversation)

    @routes.post("/conversations/{conversation}/human")
    def write(conversation: str, writing: Writing) -> Reply:
        return store.human_reply(conversation, writing.person, writing.text)

    @routes.post("/conversations/{conversation}/resolve", status_code=204)
    def resolve(conversation: str) -> None:
        store.resolve(conversation)

    @routes.get("/conversations/{conversation}/attachments/{n}")
    def attachment(conversation: str, n: int) -> Response:
        kept = store.attached(conversation)
        if not 0 <= n < len(kept):
            raise NotFound("There is no such attachment.")
        kind, data = kept[n].kind, kept[n].data
        name = f"{n}{suffix(kind, data)}"
        return Response(
            data,
            media_type="image/jpeg" if kind == "photo" else "application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            },
        )

    return routes


def _from_here(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in (*FORWARDED, PAGE)):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:  # a test's client has a name
        return False
