"""A worker whose decoders do what hostile files make real ones do."""

import ctypes
import time

import numpy as np

from fusion import decoder
from fusion.types import InputLimits


def photo(data: bytes, limits: InputLimits) -> list[np.ndarray]:
    """Does what the bytes name."""
    match data:
        case b"crash":
            ctypes.string_at(0)
        case b"hang":
            time.sleep(1000)
        case b"eat":
            room = [np.zeros(50_000_000, np.uint8) for _ in range(1000)]
            return [room[0]]
        case b"write":
            with open(limits.__class__.__module__ + ".left", "w") as file:
                file.write("something")
        case b"raise":
            raise KeyError("something no decoder should raise")
        case b"vast":
            return [np.zeros((9000, 9000, 3), np.uint8)]
        case b"text":
            return [np.zeros(10, np.uint8)]
        case b"two":
            return [np.zeros((2, 2, 3), np.uint8)] * 2
        case b"babble":
            print("libraries print, too")
    return [np.full((2, 3, 3), 7, np.uint8)]


def recording(data: bytes, limits: InputLimits) -> list[np.ndarray]:
    return [np.full(4, np.nan if data == b"nan" else 2, np.float32)]


if __name__ == "__main__":
    decoder.serve({"photo": photo, "recording": recording})
