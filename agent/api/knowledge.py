"""What the shop knows, by HTTP: search it, add to it, take out of it.

GET    /v1/search?q=&k=&kind=     what is known about these words
POST   /v1/documents              add documents, or change those of the same id
DELETE /v1/documents/{id}         take one out
"""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from agent.agent import Agent
from agent.api.access import Access
from agent.api.errors import problems
from agent.api.once import OnceRoute, once
from agent.api.photos import public
from agent.documents import put, take_out
from agent.types import Frozen
from knowledge.parse import parse_filters
from knowledge.types import KINDS, Document, Hit, Kind

DOCUMENTS = 100  # in one request; more come with `deskhand index`

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Short = Annotated[str, Field(max_length=200)]


class Found(Frozen):
    filters: str = Field(description="The structured wishes that were understood, as words.")
    hits: tuple[Hit, ...]


class SentDocument(BaseModel):
    """A document as it is sent. Photos come with `deskhand index`: those that are there stay."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "faq-gift-wrap",
                    "kind": "faq",
                    "title": "Do you wrap gifts?",
                    "text": "Yes, for 3 EUR an article, with a card of your own.",
                }
            ]
        },
    )
    id: Id
    kind: Kind
    title: str = Field(min_length=1, max_length=500)
    text: str = Field(min_length=1, max_length=20_000)
    url: str = Field("", max_length=2_000, pattern=r"^(https?://\S+)?$")
    price: float | None = Field(None, ge=0, le=1e9)
    currency: str = Field("", pattern=r"^([A-Z]{3})?$")
    stock: int | None = Field(None, ge=0, le=10**9)
    attributes: dict[Short, Short] = Field({}, max_length=50)
    language: str = Field("en", pattern=r"^[a-z]{2}$")
    updated_at: str = Field("", max_length=40)

    @field_validator("price")
    @classmethod
    def _finite(cls, price: float | None) -> float | None:
        if price is not None and not math.isfinite(price):
            raise ValueError("a price is a number")
        return price


class Upserted(Frozen):
    """Documents counted; `skipped` says which were kept without a part, and why."""

    added: int
    changed: int
    unchanged: int
    skipped: tuple[str, ...]


def knowledge_routes(agent: Agent, access: Access) -> APIRouter:
    knowledge = agent.knowledge
    write = access.may("knowledge")
    routes = APIRouter(
        prefix="/v1",
        tags=["knowledge"],
        responses=problems(400, 401, 403, 422, 429, 503),
        route_class=OnceRoute,
    )

    @routes.get(
        "/search",
        response_model=Found,
        dependencies=[Depends(access.may("chat", "knowledge", "desk"))],
    )
    def search(
        q: Annotated[str, Query(min_length=1, max_length=1_000, examples=["a blue mug"])],
        k: Annotated[int, Query(ge=1, le=50)] = 10,
        kind: Annotated[tuple[Kind, ...], Query()] = KINDS,
        grouped: Annotated[
            bool, Query(description="One hit a product, not one a variant.")
        ] = False,
    ) -> Response:
        """What the shop knows about these words, best first."""
        filters = parse_filters(q, knowledge.vocabulary)
        vector = agent.encoders.text.encode([q])[0]
        hits = knowledge.search(q, vector, filters or None, k, kind, grouped)
        dumped = TypeAdapter(list[Hit]).dump_python(hits, mode="json")
        return JSONResponse({"filters": filters.describe(), "hits": public(dumped)})

    @routes.post(
        "/documents",
        dependencies=[Depends(write), Depends(once(agent.store))],
        responses=problems(409, 413),
    )
    def upsert(
        documents: Annotated[list[SentDocument], Field(min_length=1, max_length=DOCUMENTS)],
    ) -> Upserted:
        """Add documents, or change those of the same id; the rest stays as it is."""
        if len({document.id for document in documents}) < len(documents):
            raise HTTPException(422, "Two documents have the same id.")
        report = put(agent, [_document(sent) for sent in documents])
        return Upserted(
            added=report.added,
            changed=report.changed,
            unchanged=report.unchanged,
            skipped=tuple(map(str, report.skipped)),
        )

    @routes.delete(
        "/documents/{document:path}",
        status_code=204,
        dependencies=[Depends(write)],
        responses=problems(404, 409),
    )
    def delete(document: str) -> None:
        """Take a document out of the index."""
        take_out(agent, document)

    def _document(sent: SentDocument) -> Document:
        before = knowledge.document(sent.id)
        fields: dict[str, Any] = sent.model_dump()
        return Document(**fields, photos=before.photos if before else ())

    return routes
