"""A turn as it is sent: over HTTP, or as a line of `deskhand chat --jsonl`."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from fusion.types import Turn

CHOICE = 200  # characters of an id
CHOICES = 50  # ids in one turn


def _decoded(value: Any) -> Any:
    return b64decode(value, validate=True) if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """One id alone is a list of one; null is none."""
    ids = [] if value is None else [value] if isinstance(value, str) else value
    if isinstance(ids, list) and (len(ids) > CHOICES or any(len(str(id)) > CHOICE for id in ids)):
        raise ValueError(f"at most {CHOICES} ids of {CHOICE} characters")
    return ids


class SentTurn(BaseModel):
    """One turn as JSON; attachments are base64, choices the ids picked of those offered."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, BeforeValidator(lambda value: "" if value is None else value)] = ""
    choices: Annotated[list[str], BeforeValidator(_listed)] = []
    photos: Annotated[
        list[Annotated[bytes, BeforeValidator(_decoded)]],
        BeforeValidator(lambda value: [] if value is None else value),
    ] = []
    audio: Annotated[bytes | None, BeforeValidator(_decoded)] = None
    video: Annotated[bytes | None, BeforeValidator(_decoded)] = None

    def turn(self) -> Turn:
        photos, choices = tuple(self.photos), tuple(self.choices)
        return Turn(self.text, self.audio, photos, self.video, choices)


def sentence(errors: Sequence[Any]) -> str:
    """What pydantic found wrong, in one sentence."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'turn'}: {e['msg']}" for e in errors) + "."
