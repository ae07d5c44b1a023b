"""What a file is, told by its bytes and never by its name, and its sound and pictures opened.

Bytes are hostile: the demuxer is chosen here from an allow-list. Left to itself, FFmpeg would take
a playlist for a recording and open the files and addresses that it names.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from fusion.types import BadInput

SAMPLE_RATE = 16_000  # Hz, of every wave in this package
THREADS = 4  # of one decoder: each holds frames of its own

DEMUXERS = {
    "WAV": "wav",
    "MP3": "mp3",
    "AAC": "aac",
    "AMR": "amr",
    "FLAC": "flac",
    "Ogg": "ogg",
    "WebM": "matroska",
    "MP4": "mp4",
}

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"OggS", "Ogg"),
    (b"fLaC", "FLAC"),
    (b"\x1a\x45\xdf\xa3", "WebM"),
    (b"ID3", "MP3"),
    (b"#!AMR\n", "AMR"),
    (b"#!AMR-WB\n", "AMR"),
)
_RIFF = {b"WAVE": "WAV", b"WEBP": "WebP", b"AVI ": "AVI"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"}


def kind_of(data: bytes) -> str:
    """The kind of file, as people call it ("JPEG", "HEIC", "Ogg", ...); "" when not known."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return "HEIC" if brand in _HEIC_BRANDS else "AVIF" if brand in (b"avif", b"avis") else "MP4"
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:
        # An MPEG frame: layer 0 is AAC in ADTS, layer III is MP3.
        return {0x00: "AAC", 0x02: "MP3"}.get(data[1] & 0x06, "")
    if b"<svg" in data[:1024].lower():
        return "SVG"
    return ""


def open_media(data: bytes, thing: str) -> InputContainer:
    """Open a recording or video; BadInput, calling it `thing`, when the bytes are neither."""
    if not data:
        raise BadInput(f"The {thing} is empty (0 bytes). Please send it again.")
    kind = kind_of(data)
    if kind not in DEMUXERS:
        wanted = "WAV, MP3, M4A, Ogg or WebM" if thing == "recording" else "MP4 or WebM"
        raise wrong_kind(thing, kind, wanted)
    try:
        container = av.open(io.BytesIO(data), "r", format=DEMUXERS[kind], metadata_errors="ignore")
    except (av.FFmpegError, ValueError) as error:
        raise BadInput(
            f"The {thing} is damaged or incomplete and could not be read. Please send it again."
        ) from error
    for stream in (*container.streams.video, *container.streams.audio):
        if stream.codec_context is None:  # FFmpeg knows no decoder for it
            container.close()
            raise BadInput(f"The {thing} is in a format inside {kind} that I cannot read.")
    return container


def seconds_of(container: InputContainer) -> float:
    """Length by the header, in seconds; 0 when the header does not say."""
    return max(0.0, (container.duration or 0) / av.time_base)


def frames_of(container: InputContainer, stream: AudioStream | VideoStream) -> Iterator[Any]:
    """AudioFrames or VideoFrames of one stream, passing over damaged packets."""
    stream.codec_context.thread_type = "AUTO"
    stream.codec_context.thread_count = THREADS
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.InvalidDataError:
                continue
    except av.FFmpegError:
        return  # cut off here; what came before is judged by its length


def sound_of(container: InputContainer, thing: str, longest: float) -> np.ndarray:
    """The first sound track as a wave (n,), float32, mono, 16 kHz, |x| <= 1.

    BadInput when it lasts longer than `longest` seconds, whatever the header says.
    """
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    parts, samples = [], 0
    stream = container.streams.audio[0]
    try:
        for frame in chain(frames_of(container, stream), (None,)):
            for part in resampler.resample(frame):
                parts.append(part.to_ndarray()[0])
                samples += len(parts[-1])
            if samples > longest * SAMPLE_RATE:
                raise too_long(thing, longest)
    except BadInput:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise BadInput(f"The sound of the {thing} is damaged. Please send it again.") from error
    wave = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    return np.clip(np.nan_to_num(wave), -1, 1)


def wrong_kind(thing: str, kind: str, wanted: str) -> BadInput:
    looks = f"the file is {kind}" if kind else "I do not know this kind of file"
    return BadInput(f"The {thing} could not be read: {looks}. Please send {wanted}.")


def _size(count: int) -> str:
    """A number of bytes as a customer reads it: "15 MB"."""
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def too_large(thing: str, count: int, most: int) -> BadInput:
    return BadInput(
        f"The {thing} is {_size(count)}; at most {_size(most)} can be read. "
        "Please send a smaller one."
    )


def too_long(thing: str, longest: float) -> BadInput:
    return BadInput(f"The {thing} is longer than {longest:.0f} seconds. Please send a shorter one.")
