"""Hostile bytes are decoded in processes of their own, which may crash, hang or be killed.

A worker is this module run as a program (`python -m fusion.decoder`), not a fork: the service has
threads and models that a fork would copy, and `multiprocessing` would import the caller's main
program again and pickle. It knows no secrets (its environment is empty but for the search path),
has bounded memory, writes no files, and speaks over one socket:

    message = 4 bytes, the length of the head | head, JSON | the bytes the head announces

What a worker answers is data from a process that may have been taken over: shapes and sizes are
checked, nothing is unpickled. A worker that fails costs one sentence to one customer and is
replaced.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import resource
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import numpy as np

from fusion.audio import CUT_OFF, decode_audio
from fusion.media import SAMPLE_RATE, too_large
from fusion.photo import KEY_FRAMES, LONG_SIDE, LOOKS, Video, decode_photo, decode_video
from fusion.types import BadInput, InputLimits

log = logging.getLogger(__name__)

Thing = Literal["photo", "recording", "video"]

COMMAND = (sys.executable, "-B", "-P", "-m", "fusion.decoder")
WORKERS = 2
MEMORY = 1 << 30  # bytes a worker may hold; the largest photo allowed needs about 600 MB
DECODES = 500  # by one worker: what a decoder leaks is given back
STARTING = 60.0  # seconds a worker may take to come up, on a busy machine
WAITING = 30.0  # seconds for a free worker
HEAD = 65_536  # bytes at most of a message's head
SENTENCE = 500  # characters at most of a problem


class Decoder:
    """Photos, recordings and videos out of hostile bytes; many threads may share one.

    Workers start when they are first needed and then stay. BadInput, with a sentence for the
    customer, when the bytes cannot be used, exhaust a worker, or every worker stays busy;
    RuntimeError when no worker can be started.
    """

    def __init__(self, workers: int = WORKERS) -> None:
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._count = workers
        for _ in range(workers):
            self._idle.put(None)

    def photo(self, data: bytes, limits: InputLimits) -> np.ndarray:
        """As `fusion.photo.decode_photo`."""
        (photo,) = self._decode("photo", data, limits)
        return photo

    def recording(self, data: bytes, limits: InputLimits) -> np.ndarray:
        """As `fusion.audio.decode_audio`."""
        (wave,) = self._decode("recording", data, limits)
        return wave

    def video(self, data: bytes, limits: InputLimits) -> Video:
        """As `fusion.photo.decode_video`."""
        arrays = self._decode("video", data, limits)
        frames = tuple(array for array in arrays if array.ndim == 3)
        return Video(frames, arrays[-1] if arrays[-1].ndim == 1 else None)

    def close(self) -> None:
        """End the workers, those at work when they are done. A later decode starts new ones."""
        for _ in range(self._count):
            worker = self._idle.get()
            if worker:
                worker.end()
        for _ in range(self._count):
            self._idle.put(None)

    def _decode(self, thing: Thing, data: bytes, limits: InputLimits) -> list[np.ndarray]:
        bounds = {
            "photo": limits.photo_bytes,
            "recording": limits.audio_bytes,
            "video": limits.video_bytes,
        }
        if len(data) > bounds[thing]:
            raise too_large(thing, len(data), bounds[thing])
        try:
            worker = self._idle.get(timeout=WAITING)
        except queue.Empty:
            raise BadInput(
                f"Too many files are being read just now. Please send the {thing} again in a "
                "minute."
            ) from None
        try:
            worker = worker or _Worker()
            return worker.decode(thing, data, limits)
        finally:
            if worker and not worker.usable():
                worker.end()
                worker = None
            self._idle.put(worker)


class _Worker:
    """One process and our end of the socket to it. Only one thread uses it at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        home = str(Path(__file__).parent.parent)
        with theirs:
            self._process = subprocess.Popen(
                COMMAND,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join([home, *sys.path]), "OPENBLAS_NUM_THREADS": "1"},
                process_group=0,  # Ctrl-C is for the service, which then ends its workers
            )
        self._decoded = 0
        self._at_rest = True  # no half message is on the socket

    def usable(self) -> bool:
        return self._at_rest and self._decoded < DECODES and self._process.poll() is None

    def decode(self, thing: Thing, data: bytes, limits: InputLimits) -> list[np.ndarray]:
        """The arrays that `thing` is made of. Raises BadInput; then ask whether it is usable."""
        if not self._decoded:
            self._wait_until_ready()
        self._decoded += 1
        self._at_rest = False
        wire = _Wire(self._socket, limits.decode_seconds)
        try:
            wire.send({"thing": thing, "limits": asdict(limits)}, [data])
            head = wire.receive()
            arrays = [] if "problem" in head else _read_arrays(wire, head, thing, limits)
        except TimeoutError as error:
            raise BadInput(
                f"The {thing} took too long to read. Please send a shorter or smaller one."
            ) from error
        except (OSError, EOFError, LookupError, TypeError, ValueError) as error:
            self.end()
            log.warning(
                "A worker failed on a %s of %d bytes and is replaced (exit status %s, %r).",
                *(thing, len(data), self._process.returncode, error),
            )
            raise BadInput(
                f"The {thing} is damaged and could not be read. Please send another one."
            ) from error
        self._at_rest = True
        if not arrays:
            raise BadInput("".join(filter(str.isprintable, str(head["problem"])))[:SENTENCE])
        return arrays

    def end(self) -> None:
        """Kill the process, however it is, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _wait_until_ready(self) -> None:
        try:
            _Wire(self._socket, STARTING).receive()
        except (OSError, EOFError, ValueError) as error:
            self._at_rest = False
            raise RuntimeError(
                f"The decoder did not start ; `{' '.join(COMMAND)}` says why."
            ) from error


class _Wire:
    """Messages over a socket, all of them within so many seconds (None: for ever)."""

    def __init__(self, end: socket.socket, seconds: float | None = None) -> None:
        self._socket = end
        self._stop = None if seconds is None else monotonic() + seconds

    def send(self, head: dict[str, Any], parts: Sequence[bytes | memoryview] = ()) -> None:
        body = json.dumps({**head, "bytes": sum(memoryview(part).nbytes for part in parts)})
        for part in (struct.pack("<I", len(body)), body.encode(), *parts):
            self._hurry()
            self._socket.sendall(part)

    def receive(self) -> dict[str, Any]:
        """The head of a message. Raises ValueError for what is none, EOFError, TimeoutError."""
        (length,) = struct.unpack("<I", self.body(4))
        if length > HEAD:
            raise ValueError(f"a head of {length} bytes")
        head = json.loads(self.body(length))
        if not isinstance(head, dict):
            raise ValueError("a head that is no object")
        return head

    def body(self, count: int) -> bytearray:
        room, done = bytearray(count), 0
        while done < count:
            self._hurry()
            got = self._socket.recv_into(memoryview(room)[done:])
            if not got:
                raise EOFError("the other end is gone")
            done += got
        return room

    def _hurry(self) -> None:
        if self._stop is None:
            return
        left = self._stop - monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)


def _read_arrays(
    wire: _Wire, head: dict[str, Any], thing: Thing, limits: InputLimits
) -> list[np.ndarray]:
    """What a worker answers, when it is what can be asked of it; else ValueError."""
    shapes = head["shapes"]
    pictures = [shape for shape in shapes if len(shape) == 3]
    waves = shapes[len(pictures) :]
    counts = {"photo": (1, 0), "recording": (0, 1)}.get(thing)
    if counts and counts != (len(pictures), len(waves)):
        raise ValueError(f"a {thing} of {shapes}")
    if thing == "video" and not (0 < len(pictures) <= KEY_FRAMES and len(waves) < 2):
        raise ValueError(f"a video of {shapes}")
    longest = {"recording": limits.audio_seconds + CUT_OFF, "video": limits.video_seconds + LOOKS}
    arrays: list[np.ndarray] = []
    for shape in shapes:
        match shape:
            case [int(height), int(width), 3] if min(height, width) > 0:
                if max(height, width) > LONG_SIDE:
                    raise ValueError(f"a picture of {shape}")
                picture = np.frombuffer(wire.body(height * width * 3), np.uint8)
                arrays.append(picture.reshape(height, width, 3))
            case [int(count)] if 0 <= count <= longest[thing] * SAMPLE_RATE:
                wave = np.frombuffer(wire.body(count * 4), np.float32)
                if not (np.abs(wave) <= 1).all():  # so that NaN fails too
                    raise ValueError("a wave out of bounds")
                arrays.append(wave)
            case _:
                raise ValueError(f"an array of {shape}")
    return arrays


def _arrays_of_video(data: bytes, limits: InputLimits) -> list[np.ndarray]:
    video = decode_video(data, limits)
    return [*video.frames, *([] if video.wave is None else [video.wave])]


Decode = Callable[[bytes, InputLimits], list[np.ndarray]]
DECODERS: dict[str, Decode] = {
    "photo": lambda data, limits: [decode_photo(data, limits)],
    "recording": lambda data, limits: [decode_audio(data, limits)],
    "video": _arrays_of_video,
}


def serve(decoders: dict[str, Decode]) -> None:
    """Be a worker: answer the messages on standard input, a socket, until it is closed."""
    for limit, value in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_FSIZE, 0),  # nothing is left behind
        (resource.RLIMIT_CORE, 0),  # nor a picture of the memory
    ):
        resource.setrlimit(limit, (value, value))
    wire = _Wire(socket.socket(fileno=os.dup(sys.stdin.fileno())))
    wire.send({"ready": True})
    while True:
        try:
            head = wire.receive()
        except EOFError:
            return
        thing, limits = head["thing"], InputLimits(**head["limits"])
        data = bytes(wire.body(head["bytes"]))
        # Should the service be gone when this hangs, nobody else would end it.
        signal.setitimer(signal.ITIMER_REAL, limits.decode_seconds + 1)
        arrays: list[np.ndarray] = []
        answer: dict[str, Any]
        try:
            arrays = decoders[thing](data, limits)
            answer = {"shapes": [array.shape for array in arrays]}
        except BadInput as error:
            answer = {"problem": str(error)}
        except MemoryError:
            answer = {"problem": f"The {thing} is too large to be read. Please send a smaller one."}
        except Exception:  # a door: whatever a decoder raises, the bytes are at fault
            answer = {
                "problem": f"The {thing} is damaged and could not be read. Please send another one."
            }
        wire.send(answer, [np.ascontiguousarray(array).data for array in arrays])
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    serve(DECODERS)
