"""Thousands of broken files through the real door: each is read or named, nothing else happens."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_fusion_audio import encoded, tone, wav
from test_fusion_photo import NOISE, SCENES, halves, huge_png, saved, video

from fusion.decoder import Decoder
from fusion.perceive import _decode
from fusion.types import InputLimits, Turn

LIMITS = InputLimits(photo_pixels=4_000_000, audio_seconds=10.0, decode_seconds=5.0)
GROWTH = 64  # MB


def gps() -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def whole() -> dict[str, list[bytes]]:
    """Small real files, by the attachment they are sent as."""
    small = NOISE.resize((96, 64))
    frames = {"save_all": True, "append_images": [halves((96, 64))], "duration": 100}
    return {
        "photo": [
            saved(small, "JPEG", exif=gps(), comment=b"here"),
            saved(small, "JPEG", progressive=True, icc_profile=bytes(3000)),
            saved(small, "PNG"),
            saved(small.quantize(16), "PNG", transparency=3),
            saved(small, "PNG", **frames),
            saved(small, "WEBP"),
            saved(small, "WEBP", lossless=True, exif=gps()),
            saved(small, "WEBP", **frames),
            saved(small, "GIF", **frames),
            huge_png(9_000),
        ],
        "audio": [
            wav(tone(1)),
            encoded(tone(1), "mp3", "libmp3lame", 44_100),
            encoded(tone(1), "ogg", "libopus", 48_000),
            encoded(tone(1), "flac", "flac", 44_100),
            encoded(tone(1), "mp4", "aac", 48_000),
        ],
        "video": [
            video(SCENES, 0.4),
            video(SCENES, 0.4, "webm", "libvpx"),
        ],
    }


def mutated(data: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """One file, broken in one of the ways in which files are broken or forged."""
    other = others[rng.integers(len(others))]
    at = int(rng.integers(1, len(data)))
    match rng.integers(7):
        case 0:  # truncated
            return data[:at]
        case 1:  # some bits flipped, anywhere
            out = bytearray(data)
            for place in rng.integers(len(data), size=rng.integers(1, 30)):
                out[place] ^= 1 << int(rng.integers(8))
            return bytes(out)
        case 2:  # the header, where sizes and counts are, set to extremes
            out = bytearray(data)
            for place in rng.integers(min(len(data), 200), size=rng.integers(1, 6)):
                out[place] = int(rng.choice([0, 1, 127, 128, 254, 255]))
            return bytes(out)
        case 3:  # the header of another kind
            return other[: min(at, 64)] + data[min(at, 64) :]
        case 4:  # two files in one
            return data + other if rng.integers(2) else data[:at] + other
        case 5:  # a piece taken out, or doubled
            end = min(len(data), at + int(rng.integers(1, 2_000)))
            return data[:at] + data[end:] if rng.integers(2) else data[:end] + data[at:]
        case _:  # its right beginning, then noise
            return data[: min(at, 40)] + rng.bytes(int(rng.integers(10, 5_000)))


def memory() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def files_under(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("count", [200, pytest.param(2_000, marks=pytest.mark.slow)])
def test_broken_files(count, tmp_path, monkeypatch):
    for name in ("HOME", "TMPDIR", "DESKHAND_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(7)
    kinds = whole()
    others = [data for datas in kinds.values() for data in datas]
    read = refused = 0
    early = 0.0
    with closing(Decoder()) as decoder:
        for number in range(count):
            kind = ("photo", "photo", "photo", "audio", "video")[number % 5]
            data = mutated(kinds[kind][rng.integers(len(kinds[kind]))], others, rng)
            problems: list[str] = []
            attachment = {kind + "s": (data,)} if kind == "photo" else {kind: data}
            photos, waves, _ = _decode(Turn(**attachment), decoder, LIMITS, problems)
            assert bool(photos or waves) != bool(problems)
            for problem in problems:
                assert problem[0].isupper() and problem.endswith(".") and len(problem) < 300
            read, refused = read + (not problems), refused + bool(problems)
            if number == count // 4:
                early = memory()
        assert decoder.photo(saved(halves(), "PNG"), LIMITS).shape == (48, 64, 3)
    assert read > count / 10 and refused > count / 10  # both happen, or nothing is tested
    assert memory() - early < GROWTH
    assert not files_under(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_hides_behind_a_picture_is_left_out(kind):
    hidden = b"PK\x03\x04" + io.BytesIO(b"<script>alert(1)</script>" * 50).read()
    with closing(Decoder()) as decoder:
        photo = decoder.photo(saved(halves(), kind, exif=gps()) + hidden, LIMITS)
    assert photo.shape == (48, 64, 3) and photo.nbytes == 48 * 64 * 3  # pixels and nothing else
