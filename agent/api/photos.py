"""Photos of the shop's documents: served by address, so that no path of this machine leaves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse

from agent.agent import Agent
from agent.api.errors import problems
from agent.errors import NotFound
from agent.markup import photo_address

IMAGES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
"""Photos that are served: none of these kinds can carry a script."""


def photo_routes(agent: Agent) -> APIRouter:
    routes = APIRouter()

    @routes.get(
        "/photos/{document:path}",
        tags=["knowledge"],
        response_class=FileResponse,
        responses={200: {"content": {kind: {} for kind in IMAGES.values()}}, **problems(404, 422)},
    )
    def photo(document: str) -> FileResponse:
        """The photo of a document."""
        found = agent.knowledge.document(document)
        path = Path(found.photos[0]) if found and found.photos else Path()
        if path.suffix.lower() not in IMAGES or not path.is_file():
            raise NotFound("There is no such photo.")
        headers = {"Cache-Control": "public, max-age=3600"}
        return FileResponse(path, media_type=IMAGES[path.suffix.lower()], headers=headers)

    return routes


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
    return shown
