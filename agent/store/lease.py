"""One turn at a time in a conversation, whichever process answers it.

Whoever answers holds the conversation by a name of its own until a time. A name tells the machine
and the process, so that what a killed process held is free at once for the next on that machine;
one that died elsewhere holds it until the time is over. What a turn leaves behind is stored only
while it still holds the conversation (`agent.store.Store.append`).
"""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from agent.errors import Busy, NotFound
from agent.store.sql import Engine, writing

SECONDS = 180.0  # longer than any turn takes
_LIFE = secrets.token_hex(6)  # of this process: its number may have been another's before


def hold(engine: Engine, conversation: str) -> str:
    """The name under which the conversation is held now. Raises Busy or NotFound."""
    name = holder()
    now = datetime.now(UTC)
    values = {
        "id": conversation,
        "name": name,
        "now": now.isoformat(),
        "until": (now + timedelta(seconds=SECONDS)).isoformat(),
    }
    with writing(engine) as db:
        taken = text(
            "UPDATE conversations SET holder = :name, held_until = :until WHERE id = :id"
            " AND (holder = '' OR held_until < :now OR holder = :dead)"
        )
        if db.execute(taken, values | {"dead": ""}).rowcount:
            return name
        by = db.scalar(text("SELECT holder FROM conversations WHERE id = :id"), values)
        if by is None:
            raise NotFound("There is no such conversation.")
        if is_dead(by) and db.execute(taken, values | {"dead": by}).rowcount:
            return name
    raise Busy("Your last message is still being answered. Please wait a moment.")


def release(engine: Engine, conversation: str, name: str) -> None:
    """Nothing happens when somebody else holds it by now."""
    with writing(engine) as db:
        db.execute(
            text("UPDATE conversations SET holder = '' WHERE id = :id AND holder = :name"),
            {"id": conversation, "name": name},
        )


def holder() -> str:
    """A new name: the machine since it was started, the process, its life, and a number."""
    return f"{_machine()}/{os.getpid()}/{_LIFE}/{secrets.token_hex(6)}"


def is_dead(name: str) -> bool:
    """Whether the process that goes by it has ended, as far as can be seen from this machine."""
    machine, pid, life, _ = name.split("/")
    if machine != _machine():
        return False
    if int(pid) == os.getpid():
        return life != _LIFE
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _machine() -> str:
    """Also tells containers apart: each counts its processes from 1."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # not Linux
        return "machine-" + os.uname().nodename.replace("/", "-")
