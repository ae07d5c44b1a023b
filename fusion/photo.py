"""Photos and short videos into checked RGB pixels, without their metadata."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import av
import numpy as np
from PIL import Image, ImageOps

from fusion.media import (
    frames_of,
    kind_of,
    open_media,
    seconds_of,
    sound_of,
    too_large,
    too_long,
    wrong_kind,
)
from fusion.quality import sharpness
from fusion.types import BadInput, InputLimits

LONG_SIDE = 1600  # px; larger photos are made smaller
KEY_FRAMES = 8
LOOKS = 0.2  # seconds between the frames of a video that are looked at
NEW_SCENE = 28  # mean difference of two 32 x 32 thumbnails, in grey levels, that ends a scene

_FORMATS = {"JPEG": "JPEG", "PNG": "PNG", "WebP": "WEBP", "GIF": "GIF"}
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error)


@dataclass(frozen=True, slots=True)
class Video:
    """The sharpest frame of each scene, in order, and the sound track."""

    frames: tuple[np.ndarray, ...]  # 1 to 8 of uint8 RGB (h, w, 3)
    wave: np.ndarray | None  # (n,) float32, mono, 16 kHz; None without a sound track


def decode_photo(data: bytes, limits: InputLimits) -> np.ndarray:
    """A photo as uint8 RGB (h, w, 3): long side <= 1600, upright, transparency on white.

    JPEG, PNG, WebP and GIF (first frame), told apart by content. The size is checked in the header,
    before a pixel is decoded. BadInput, with a sentence for the customer, for everything else.
    """
    if not data:
        raise BadInput("The photo is empty (0 bytes). Please send it again.")
    if len(data) > limits.photo_bytes:
        raise too_large("photo", len(data), limits.photo_bytes)
    kind = kind_of(data)
    if kind not in _FORMATS:
        raise wrong_kind("photo", kind, "a JPEG, PNG, WebP or GIF picture")
    try:
        with Image.open(io.BytesIO(data), formats=(_FORMATS[kind],)) as image:
            width, height = image.size
            if width * height > limits.photo_pixels:
                raise _too_many_pixels("photo", width, height, limits)
            image.draft("RGB", (LONG_SIDE, LONG_SIDE))  # a large JPEG is decoded at a fraction
            return np.asarray(_upright_rgb(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput(
            f"The photo has too many pixels; at most {limits.photo_pixels / 1e6:.0f} million can "
            "be read. Please send a smaller one."
        ) from error
    except BadInput:
        raise
    except _BROKEN as error:
        raise BadInput(
            "The photo is damaged or incomplete and could not be read. Please send it again."
        ) from error


def encode_photo(photo: np.ndarray) -> bytes:
    """A checked photo as a JPEG of its pixels alone: no place, time, camera or hidden data."""
    out = io.BytesIO()
    Image.fromarray(photo).save(out, "JPEG", quality=92)
    return out.getvalue()


def decode_video(data: bytes, limits: InputLimits) -> Video:
    """A short video as at most 8 key frames, the sharpest of each scene, and its sound.

    MP4/MOV and WebM, told apart by content. BadInput, with a sentence for the customer, when it is
    empty, too large, too long, damaged or not a video.
    """
    thing = "video"
    if len(data) > limits.video_bytes:
        raise too_large(thing, len(data), limits.video_bytes)
    longest = limits.video_seconds + LOOKS
    with open_media(data, thing) as container:
        if not container.streams.video:
            raise BadInput("There are no pictures in the video. Please send it again.")
        if seconds_of(container) > longest:
            raise too_long(thing, limits.video_seconds)
        context = container.streams.video[0].codec_context
        if context.width * context.height > limits.photo_pixels:
            raise _too_many_pixels(thing, context.width, context.height, limits)
        frames = _key_frames(container, longest, limits)
        sound = bool(container.streams.audio)
    if not frames:
        raise BadInput("The video is damaged and could not be read. Please send it again.")
    if not sound:
        return Video(frames, None)
    with open_media(data, thing) as container:  # anew: a container is read through only once
        return Video(frames, sound_of(container, thing, longest))


def _upright_rgb(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):  # 16 bits of grey, which Pillow would clip to white
        upright = Image.fromarray((np.asarray(upright, np.float32) / 257).clip(0, 255).astype("u1"))
    transparent = upright.has_transparency_data
    upright = upright.convert("RGBA" if transparent else "RGB")
    upright.thumbnail((LONG_SIDE, LONG_SIDE))
    if not transparent:
        return upright
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def _key_frames(
    container: av.container.InputContainer, longest: float, limits: InputLimits
) -> tuple[np.ndarray, ...]:
    stream = container.streams.video[0]
    scenes: list[tuple[float, np.ndarray]] = []  # the sharpest frame of each, with its sharpness
    opening = np.zeros(0, np.float32)  # thumbnail of the frame that opened the scene
    start: float | None = None
    looked = -LOOKS
    for frame in frames_of(container, stream):
        shown = frame.time or 0.0
        start = shown if start is None else start  # a clip cut from a longer video starts late
        if shown - start > longest:
            raise too_long("video", limits.video_seconds)
        if shown < looked + LOOKS:
            continue
        looked = shown
        scale = min(1.0, LONG_SIDE / max(frame.width, frame.height))
        size = {
            "width": round(frame.width * scale) or 1,
            "height": round(frame.height * scale) or 1,
        }
        photo = np.ascontiguousarray(
            np.rot90(frame.to_ndarray(format="rgb24", **size), frame.rotation // 90)
        )
        look = np.asarray(Image.fromarray(photo).resize((32, 32)), np.float32)
        sharp = sharpness(photo)
        if not scenes or np.abs(look - opening).mean() > NEW_SCENE:
            opening = look
            scenes.append((sharp, photo))
        elif sharp > scenes[-1][0]:
            scenes[-1] = (sharp, photo)
        if len(scenes) > KEY_FRAMES:  # the last scene is still going on, so it stays
            scenes.remove(min(scenes[:-1], key=lambda scene: scene[0]))
    return tuple(photo for _, photo in scenes)


def _too_many_pixels(thing: str, width: int, height: int, limits: InputLimits) -> BadInput:
    return BadInput(
        f"The {thing} is {width} x {height} pixels; at most {limits.photo_pixels / 1e6:.0f} "
        "million can be read. Please send a smaller one."
    )
