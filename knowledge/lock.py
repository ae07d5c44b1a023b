"""One process at a time: the lock of an index folder, and who holds it."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from knowledge.types import IndexBusy


def take(folder: Path) -> FileLock:
    """Locks the folder for this process; Chroma breaks when two have it open.

    Raises:
        IndexBusy: Another has it; the message names it.
        OSError: The folder cannot be written.
    """
    lock = FileLock(folder / "lock", timeout=0, thread_local=False)
    holder = folder / "holder.json"
    try:
        lock.acquire()
    except Timeout:
        raise IndexBusy(f"The index in {folder} is in use {_holder(holder)}.") from None
    since = datetime.now().isoformat(sep=" ", timespec="seconds")
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    holder.write_text(json.dumps({"pid": os.getpid(), "command": command, "since": since}))
    return lock


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"by `{holder['command']}` (process {holder['pid']}, since {holder['since']})"
    except (OSError, ValueError, KeyError):  # it is just being written
        return "by another process"
