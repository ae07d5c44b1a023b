"""Whisper's checkpoints: where they are kept, and how one is fetched."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from fusion.types import BadInput, WeightsError

ALIASES = {"large": "large-v3", "turbo": "large-v3-turbo"}  # of Whisper's names
CHUNK = 1 << 20  # bytes
SECONDS = 30.0  # without a byte, until the network counts as gone


def kept_at(name: str) -> Path:
    """Where Whisper itself keeps the checkpoint of that name."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"
    return root / f"{ALIASES.get(name, name)}.pt"


def kept() -> dict[str, int]:
    """Name -> bytes of the checkpoints on this machine."""
    return {path.stem: path.stat().st_size for path in sorted(kept_at("base").parent.glob("*.pt"))}


def address_of(name: str) -> str:
    """Where openai-whisper fetches it; the folder is its SHA-256. BadInput for an unknown name."""
    import whisper

    try:
        return str(whisper._MODELS[name])
    except KeyError:
        known = ", ".join(whisper.available_models())
        raise BadInput(f"There is no Whisper model {name!r}: expected one of {known}.") from None


def fetch(name: str, address: str | None = None) -> Path:
    """Download a checkpoint once, from `address` or where openai-whisper has it; its path.

    What an interrupted download left is gone on with, and the hash in the address is checked.
    Raises BadInput for an unknown name, WeightsError without a network or with other bytes.
    """
    address = address or address_of(name)
    expected = address.split("/")[-2]
    path = kept_at(name)
    if path.is_file() and _hash(path) == expected:
        return path
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(address, part)
    except (URLError, TimeoutError, ConnectionError) as error:
        kept_bytes = part.stat().st_size if part.is_file() else 0
        raise WeightsError(
            f"Whisper's {name} cannot be fetched: {address} cannot be reached "
            f"({getattr(error, 'reason', error)}). {kept_bytes / 1e6:.1f} MB are kept; the same "
            "command goes on from there. Or copy the file to "
            f"{path} by hand."
        ) from error
    except OSError as error:
        raise WeightsError(f"Whisper's {name} cannot be written to {part}: {error}.") from error
    if _hash(part) != expected:
        part.unlink()
        raise WeightsError(
            f"What came for Whisper's {name} is not what it should be (its SHA-256 is not "
            f"{expected[:12]}...) and was deleted. Try again."
        )
    part.replace(path)
    return path


def _download(address: str, part: Path) -> None:
    """Append to `part` what it lacks. Raises URLError, TimeoutError, ConnectionError, OSError."""
    have = part.stat().st_size if part.is_file() else 0
    request = Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urlopen(request, timeout=SECONDS)
    except HTTPError as error:
        if error.code != 416:  # all of it is there already
            raise
        return
    with answer, part.open("ab" if answer.status == 206 else "wb") as file:
        done = have if answer.status == 206 else 0
        left = int(answer.headers.get("Content-Length") or 0)
        with tqdm(
            total=done + left or None, initial=done, unit="B", unit_scale=True, desc=part.stem
        ) as bar:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        if left and file.tell() < done + left:
            raise ConnectionError("the connection was cut")


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
