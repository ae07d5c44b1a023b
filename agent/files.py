"""A turn from files that a page has stored, and these files without what a camera wrote there."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path

from agent.agent import Agent
from fusion.photo import encode_photo
from fusion.types import BadInput, Turn


def read_turn(text: str, files: Sequence[str], recording: str | None) -> Turn:
    """The turn as it was sent, from the files stored. Raises BadInput."""
    kinds = [(mimetypes.guess_type(path)[0] or "").split("/")[0] for path in files]
    if kinds.count("video") > 1:
        raise BadInput("Please send one video at a time.")
    read = [(kind, Path(path).read_bytes()) for kind, path in zip(kinds, files, strict=True)]
    return Turn(
        text=text,
        audio=Path(recording).read_bytes() if recording else None,
        photos=tuple(data for kind, data in read if kind != "video"),
        video=next((data for kind, data in read if kind == "video"), None),
    )


def without_metadata(files: Sequence[str], agent: Agent) -> list[bool]:
    """Replace the photos among `files` by their pixels alone: a phone notes where it took them.

    Which files are now such photos; videos, and what cannot be read, are not.
    """

    def replaced(path: Path) -> bool:
        try:
            photo = agent.encoders.decoder.photo(path.read_bytes(), agent.input_limits)
        except BadInput:
            return False
        path.write_bytes(encode_photo(photo))
        return True

    return [replaced(Path(path)) for path in files]
