"""What a customer sent along, as it is kept: for the person who takes over, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fusion.photo import encode_photo
from fusion.types import InputLimits, Percept, Turn


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo as JPEG without metadata, long side <= 1600; a recording or video as it came."""

    kind: Literal["photo", "audio", "video"]
    data: bytes


def attachments(turn: Turn, percept: Percept, limits: InputLimits) -> Iterator[Attachment]:
    """What of the turn is kept: the photos that could be read, and what is not too large."""
    for picture in percept.pictures:
        yield Attachment("photo", encode_photo(picture))
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
