"""The HTTP door: conversations as JSON or as a stream of events, search, photos, health.

    POST /v1/conversations               a new conversation -> {"id"}
    POST /v1/conversations/{id}/turns    one turn, JSON (attachments in base64) or a form with
                                         files -> Reply, or events (Accept: text/event-stream)
    GET  /v1/conversations/{id}          every turn so far
    GET  /v1/search?q=&k=&kind=          what the shop knows about these words
    GET  /photos/{document}              the photo of an indexed document
    GET  /healthz  /readyz               the process runs; it can answer

The people of the shop come in by agent/api_staff.py.

Errors are RFC 9457 problems (`application/problem+json`); `STATUS` says which error is which
status. Paths of this machine never leave it: photos go out as addresses.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import Receive, Scope, Send

from agent.agent import Agent
from agent.api_staff import staff_routes
from agent.config import Settings
from agent.errors import CUSTOMER_ERRORS, Busy, NotFound, SetupError, ShopError
from agent.markup import photo_address
from agent.sent import CHOICES, SentTurn, sentence
from agent.types import Done, Event
from fusion.types import BadInput, InputLimits, Turn, WeightsError
from knowledge.parse import parse_filters
from knowledge.types import KINDS, Hit, Kind, KnowledgeError

log = logging.getLogger(__name__)

STATUS: dict[type[Exception], tuple[int, str]] = {
    BadInput: (422, "The turn cannot be used"),
    NotFound: (404, "Not found"),
    Busy: (409, "Not now"),
    KnowledgeError: (503, "The index cannot be used"),
    WeightsError: (503, "The models cannot be used"),
    ShopError: (502, "The shop cannot be reached"),
    SetupError: (503, "Deskhand is not set up"),
}
"""Every error raised on purpose -> HTTP status and title. Anything else is 500 and logged."""

IMAGES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
"""Photos that are served: none of these kinds can carry a script."""

REQUEST_BYTES = 80_000_000
"""One turn as it is sent, base64 included; the attachments have limits of their own."""


def create_app(agent: Agent, settings: Settings) -> FastAPI:
    """The HTTP door of one agent. Whoever serves it closes the agent afterwards."""
    # No documentation pages: they load scripts from another host. /openapi.json stays.
    app = FastAPI(title="Deskhand", docs_url=None, redoc_url=None)
    for error in (*STATUS, StarletteHTTPException, RequestValidationError, Exception):
        app.add_exception_handler(error, _on_error)

    app.include_router(staff_routes(agent.store, settings.staff_token))

    @app.post("/v1/conversations", status_code=201)
    def begin() -> dict[str, str]:
        return {"id": agent.store.new_conversation()}

    @app.post("/v1/conversations/{conversation}/turns", response_model=None)
    async def answer(conversation: str, request: Request) -> Response:
        turn = await read_turn(request, settings.input_limits)
        streamed = "text/event-stream" in request.headers.get("accept", "")
        return await run_in_threadpool(stream if streamed else reply, turn, conversation)

    def reply(turn: Turn, conversation: str) -> Response:
        with closing(agent.reply(turn, conversation)) as events:
            done = next(event for event in events if isinstance(event, Done))
        return JSONResponse(public(done.reply.model_dump(mode="json")))

    def stream(turn: Turn, conversation: str) -> Response:
        events = agent.reply(turn, conversation)
        first = next(events)  # what fails before the first event still has a status of its own
        return EventStream(first, events, conversation)

    @app.get("/v1/conversations/{conversation}")
    def read(conversation: str) -> dict[str, Any]:
        turns = agent.store.transcript(conversation)
        said = [{"words": words, "reply": reply.model_dump(mode="json")} for words, reply in turns]
        return {"id": conversation, "turns": public(said)}

    @app.get("/v1/search")
    def search(
        q: Annotated[str, Query(min_length=1, max_length=1_000)],
        k: Annotated[int, Query(ge=1, le=50)] = 10,
        kind: Annotated[tuple[Kind, ...], Query()] = KINDS,
        grouped: bool = False,
    ) -> dict[str, Any]:
        filters = parse_filters(q, agent.knowledge.vocabulary)
        vector = agent.encoders.text.encode([q])[0]
        hits = agent.knowledge.search(q, vector, filters or None, k, kind, grouped)
        dumped = TypeAdapter(list[Hit]).dump_python(hits, mode="json")
        return {"filters": filters.describe(), "hits": public(dumped)}

    @app.get("/photos/{document:path}")
    def photo(document: str) -> FileResponse:
        found = agent.knowledge.document(document)
        path = Path(found.photos[0]) if found and found.photos else Path()
        if path.suffix.lower() not in IMAGES or not path.is_file():
            raise NotFound("There is no such photo.")
        return FileResponse(
            path,
            media_type=IMAGES[path.suffix.lower()],
            headers={"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"},
        )

    @app.get("/healthz")
    def healthy() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def ready() -> dict[str, Any]:
        if not agent.knowledge.count():
            raise HTTPException(503, "The index is empty: `deskhand index PATH...` fills it.")
        agent.store.waiting()  # the database answers
        return {"status": "ready", "documents": agent.knowledge.count()}

    return app


async def read_turn(request: Request, limits: InputLimits) -> Turn:
    """The turn in a request's JSON or form. Raises BadInput, or HTTPException 411, 413, 415."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise HTTPException(411, "Say how long the request is (Content-Length).")
    if int(length) > REQUEST_BYTES:
        raise HTTPException(413, f"A turn has at most {REQUEST_BYTES} bytes, base64 included.")
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


class EventStream(StreamingResponse):
    """Events as server-sent events; a failure on the way is the last one, of kind "error".

    A customer who leaves cancels the response wherever it is, so the events are closed here, not
    in the generator that nobody asks any more.
    """

    def __init__(self, first: Event, events: Generator[Event], conversation: str) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        frames = _frames(chain([first], events), conversation)
        super().__init__(frames, media_type="text/event-stream", headers=headers)
        self.events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.events.close()


def _frames(events: Iterable[Event], conversation: str) -> Iterator[str]:
    try:
        for event in events:
            yield frame(event.kind, public(event.model_dump(mode="json")))
    except Exception as error:
        yield frame("error", problem(error, conversation))


def frame(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def public(value: Any) -> Any:
    """Dumped events and replies, with the address of each photo in place of its path."""
    if isinstance(value, list):
        return [public(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {key: public(item) for key, item in value.items()}
    match shown:
        case {"id": str(document), "photos": [_, *_]}:  # a Document
            shown["photos"] = [f"/{photo_address(document)}"]
        case {"id": str(document), "photo": str()}:  # a ProductCard
            shown["photo"] = f"/{photo_address(document)}"
        case {"id": str(document), "picture": str()}:  # a Choice
            shown["picture"] = f"/{photo_address(document)}"
    return shown


def problem(error: Exception, conversation: str = "-") -> dict[str, Any]:
    """An error as an RFC 9457 problem. What is not the sender's fault is logged, not told."""
    if isinstance(error, StarletteHTTPException):
        status, title, detail = error.status_code, "The request failed", str(error.detail)
    elif isinstance(error, RequestValidationError):
        status, title, detail = 422, "The request cannot be used", sentence(error.errors())
    else:
        known = [answer for kind, answer in STATUS.items() if isinstance(error, kind)]
        status, title = known[0] if known else (500, "A fault in Deskhand")
        detail = str(error) if isinstance(error, CUSTOMER_ERRORS) else "The log says more."
        if status >= 500:
            log.error("Conversation %s: %s", conversation, error, exc_info=not known and error)
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


async def _on_error(request: Request, error: Exception) -> Response:
    body = problem(error, request.path_params.get("conversation", "-"))
    return JSONResponse(body, body["status"], media_type="application/problem+json")
