"""What a customer sent along, as it is kept: for the person who takes over, and for nobody else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from fusion.photo import decode_photo
from fusion.types import BadInput, InputLimits, Turn

QUALITY = 85


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo as JPEG without metadata, long side <= 1600; a recording or video as it came."""

    kind: Literal["photo", "audio", "video"]
    data: bytes


def attachments(turn: Turn, limits: InputLimits) -> Iterator[Attachment]:
    """What of the turn is kept; a photo that cannot be read is not, nor what is too large."""
    for data in turn.photos[: limits.photos]:
        try:
            pixels = decode_photo(data, limits)
        except BadInput:
            continue
        jpeg = io.BytesIO()
        Image.fromarray(pixels).save(jpeg, "JPEG", quality=QUALITY)
        yield Attachment("photo", jpeg.getvalue())
    if turn.audio and len(turn.audio) <= limits.audio_bytes:
        yield Attachment("audio", turn.audio)
    if turn.video and len(turn.video) <= limits.video_bytes:
        yield Attachment("video", turn.video)


def suffix(kind: str, data: bytes) -> str:
    """What a file of it is named by, from its first bytes; ".bin" where they say nothing."""
    if kind == "photo":
        return ".jpg"
    signs = {b"RIFF": ".wav", b"OggS": ".ogg", b"\x1aE\xdf\xa3": ".webm", b"fLaC": ".flac"}
    known = signs.get(data[:4]) or (".mp3" if data[:3] == b"ID3" else "")
    return known or (".mp4" if data[4:8] == b"ftyp" else ".bin")
