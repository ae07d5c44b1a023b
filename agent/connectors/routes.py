"""The door of the helpdesks: verified, parsed and kept, then acknowledged.

POST /v1/helpdesks/{name}    a delivery
HEAD /v1/helpdesks/{name}    whether it is set up
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from agent.config import Helpdesk
from agent.connectors import chatwoot, intercom, slack, telegram, webhook, zendesk
from agent.connectors.types import Forged, Incoming
from agent.store import Store
from agent.store.boxes import receive
from fusion.types import BadInput

log = logging.getLogger(__name__)

VERIFY = {
    "webhook": webhook.verify,
    "chatwoot": chatwoot.verify,
    "slack": slack.verify,
    "telegram": telegram.verify,
    "zendesk": zendesk.verify,
    "intercom": intercom.verify,
}
PARSE = {
    "webhook": webhook.parse,
    "chatwoot": chatwoot.parse,
    "slack": slack.parse,
    "telegram": telegram.parse,
    "zendesk": zendesk.parse,
    "intercom": intercom.parse,
}


def helpdesk_routes(
    store: Store,
    helpdesks: Mapping[str, Helpdesk],
    arrived: Callable[[], None],
    now: Callable[[], float] = time.time,
) -> APIRouter:
    """`arrived` is called when something was kept."""
    routes = APIRouter(include_in_schema=False)  # the helpdesks describe it

    @routes.head("/v1/helpdesks/{name}")
    def there(name: str) -> Response:
        """Intercom looks whether the address exists before it takes it."""
        return Response(status_code=200 if name in helpdesks else 404)

    @routes.post("/v1/helpdesks/{name}")
    async def deliver(name: str, request: Request) -> Response:
        helpdesk = helpdesks.get(name)
        if helpdesk is None:
            raise HTTPException(404, "There is no such helpdesk.")
        raw = await request.body()
        try:
            VERIFY[name](request.headers, raw, helpdesk.secrets, now())
        except Forged as error:
            raise HTTPException(401, str(error)) from error
        try:
            if name == "slack" and (asked := slack.challenge(raw)) is not None:
                return JSONResponse({"challenge": asked})
            came = PARSE[name](request.headers, raw)
        except (ValidationError, ValueError, KeyError, TypeError, AttributeError, IndexError) as e:
            log.warning("%s delivered what it does not document: %s", name, type(e).__name__)
            raise BadInput(f"This is no delivery of {name} as it is documented.") from e
        if await run_in_threadpool(keep, name, came):
            arrived()
        return JSONResponse({})

    def keep(name: str, came: list[Incoming]) -> bool:
        new = [
            receive(
                store,
                f"{name}:{one.delivery}",
                f"{name}:{one.message}",
                f"{name}:{one.conversation}",
                one.model_dump_json(),
            )
            for one in came
        ]
        return any(new)

    return routes
