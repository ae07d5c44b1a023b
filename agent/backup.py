"""Everything that is kept, in one file, taken while Deskhand runs, and put back.

SQLite files are copied by SQLite itself, so that each is whole. What can be made again from them
(the index's generations) is left out.
"""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.errors import SetupError

DATABASES = ("conversations.db", "orders.db", "index/documents.sqlite")
FOLDERS = ("photos", "index")  # photos that were fetched; the map of a pretrained photo tower


def back_up(home: Path, file: Path) -> list[str]:
    """The names of what was written into the new tar `file`, which only its owner can read.

    Raises SetupError when there is nothing, or `file` cannot be written.
    """
    with TemporaryDirectory() as folder:
        names = [name for name in DATABASES if (home / name).is_file()]
        if not names:
            raise SetupError(f"There is nothing to back up in {home}.")
        for name in names:
            copy = Path(folder) / name
            copy.parent.mkdir(exist_ok=True)
            with (
                closing(sqlite3.connect(home / name)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
        try:
            file.touch(mode=0o600, exist_ok=False)
            with tarfile.open(file, "w:gz") as tar:
                for name in names:
                    tar.add(Path(folder) / name, name)
                for kept in _files(home):
                    names.append(kept)
                    tar.add(home / kept, kept)
        except OSError as error:
            raise SetupError(f"{file} cannot be written ({error.strerror}).") from error
    return names


def restore(file: Path, home: Path) -> list[str]:
    """Put a backup into a home that has nothing yet; the names of its files. Raises SetupError."""
    if home.is_dir() and any(path.name != ".writable" for path in home.iterdir()):
        raise SetupError(f"{home} is not empty: a backup is put into a new home.")
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tarfile.open(file) as tar:
            names = tar.getnames()
            tar.extractall(home, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise SetupError(f"{file} cannot be restored ({error}).") from error
    return names


def _files(home: Path) -> list[str]:
    """Small files beside the databases: not what SQLite keeps of its own, nor generations."""
    paths = [path for folder in FOLDERS for path in sorted((home / folder).glob("*"))]
    return [
        str(path.relative_to(home))
        for path in paths
        if path.is_file() and ".sqlite" not in path.name and path.name not in _TRANSIENT
    ]


_TRANSIENT = frozenset({"lock", "holder.json"})
