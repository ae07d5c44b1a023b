"""The HTTP door for the people of the shop: take a conversation over, write in it, give it back.

    GET  /v1/handoffs                             those that wait for a person or have one
    GET  /v1/conversations/{id}/handoff           who, what was tried, the transcript -> Brief
    POST /v1/conversations/{id}/handoff           {"person"}: has it from now on; without one, a
                                                  person is asked for
    POST /v1/conversations/{id}/human             {"person", "text"}: what they write -> Reply
    POST /v1/conversations/{id}/resolve           the agent answers again
    GET  /v1/conversations/{id}/attachments/{n}   what came along, counted from 0

The scope is desk; a person may be asked for with chat, too.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from agent.api.access import Access, Caller
from agent.api.errors import problems
from agent.api.once import OnceRoute, once
from agent.api.photos import public
from agent.attachments import suffix
from agent.brief import Brief, brief
from agent.errors import NotFound
from agent.store import Store
from agent.types import Frozen, Reply

Person = Annotated[str, Field(min_length=1, max_length=100, examples=["Ann"])]


class Waits(Frozen):
    """A hand-off that is not resolved; `person` "": nobody has it yet."""

    conversation: str
    reason: str
    summary: str
    since: str
    priority: int
    person: str


class Handing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    person: Person | None = Field(None, description="Who has it from now on; null: anybody.")


class Handed(Frozen):
    """`state`: open (waits for a person) or taken (by `person`)."""

    conversation: str
    state: Literal["open", "taken"]
    person: str


class Writing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    person: Person
    text: str = Field(min_length=1, max_length=8_000, examples=["This is Ann. I look into it."])


def staff_routes(store: Store, access: Access) -> APIRouter:
    desk, asks = access.may("desk"), Depends(access.may("chat", "desk"))
    repeated = Depends(once(store))
    staff = [Depends(desk)]
    routes = APIRouter(
        prefix="/v1",
        tags=["people"],
        responses=problems(400, 401, 403, 404, 422, 429),
        route_class=OnceRoute,
    )

    @routes.get("/handoffs", dependencies=staff)
    def waiting() -> list[Waits]:
        """The conversations that wait for a person or have one; the most urgent first."""
        return [Waits(**asdict(one)) for one in store.waiting()]

    @routes.get("/conversations/{conversation}/handoff", dependencies=staff)
    def read(conversation: str) -> Brief:
        """What a person needs to go on."""
        return brief(store, conversation)

    @routes.post(
        "/conversations/{conversation}/handoff",
        dependencies=[asks, repeated],
        responses=problems(409),
    )
    def hand_over(conversation: str, handing: Handing, caller: Caller = asks) -> Handed:
        """Ask for a person, or (desk) be the person."""
        access.enter(caller, conversation)
        if handing.person:
            if not caller.scopes & {"desk", "admin"}:
                raise HTTPException(403, "Only a key with the scope desk takes conversations.")
            store.take_over(conversation, handing.person)
        elif not store.handed_off(conversation):
            store.hand_off(conversation, "asked", "A person was asked for.", 1)
        state = store.handed_off(conversation)
        return Handed(
            conversation=conversation,
            state="taken" if state == "taken" else "open",
            person=handing.person or "",
        )

    @routes.post(
        "/conversations/{conversation}/human",
        dependencies=[*staff, repeated],
        responses=problems(409),
        response_model=Reply,
    )
    def write(conversation: str, writing: Writing) -> Response:
        """What a person writes to the customer; the agent is silent until it is resolved."""
        reply = store.human_reply(conversation, writing.person, writing.text)
        return JSONResponse(public(reply.model_dump(mode="json")))

    @routes.post(
        "/conversations/{conversation}/resolve",
        status_code=204,
        dependencies=[*staff, repeated],
        responses=problems(409),
    )
    def resolve(conversation: str) -> None:
        """The agent answers again."""
        store.resolve(conversation)

    @routes.get(
        "/conversations/{conversation}/attachments/{n}",
        dependencies=staff,
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}, "application/octet-stream": {}}}},
    )
    def attachment(conversation: str, n: Annotated[int, Path(ge=0)]) -> Response:
        """What came along in the conversation, in order."""
        kept = store.attached(conversation)
        if n >= len(kept):
            raise NotFound("There is no such attachment.")
        kind, data = kept[n].kind, kept[n].data
        return Response(
            data,
            media_type="image/jpeg" if kind == "photo" else "application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{n}{suffix(kind, data)}"',
                "Cache-Control": "no-store",
            },
        )

    return routes
