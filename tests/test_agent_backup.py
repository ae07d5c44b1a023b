"""Backup and restore, by the very commands of deploy/README.md; the files of a deployment."""

from __future__ import annotations

import json
import logging
import re
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.agent import log
from agent.build import has_index
from agent.cli import app
from agent.config import Settings
from agent.errors import SetupError
from agent.logs import JsonFormatter
from agent.store import Store
from knowledge.index import open_index

ROOT = Path(__file__).parent.parent


def documented(word: str) -> tuple[dict[str, str], list[str]]:
    """The one command with this word in the operations guide: its variables and arguments."""
    guide = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^    (.*deskhand {word} .*)$", guide, re.M)
    before, _, arguments = line.partition("deskhand ")
    return dict(part.split("=", 1) for part in before.split()), arguments.split()


def test_a_backup_is_put_back(demo_home: Path, tmp_path: Path, text_encoder) -> None:
    home, new = tmp_path / "home", tmp_path / "new"
    shutil.copytree(demo_home, home)
    with closing(Store(Settings(home=home).conversations)) as store:
        conversation = store.new_conversation()
        store.human_reply(conversation, "Ann", "This is Ann.")
        _, arguments = documented("backup")
        file = tmp_path / Path(arguments[-1]).name
        ran = CliRunner().invoke(app, [arguments[0], str(file)], env={"DESKHAND_HOME": str(home)})
        assert ran.exit_code == 0, ran.output  # while the store is open
        store.human_reply(conversation, "Ann", "Said after the backup.")
    assert file.stat().st_mode & 0o077 == 0
    variables, arguments = documented("restore")
    assert list(variables) == ["DESKHAND_HOME"]
    for status in (0, 1):  # the second time, the home is not empty
        ran = CliRunner().invoke(app, [arguments[0], str(file)], env={"DESKHAND_HOME": str(new)})
        assert bool(ran.exit_code) == bool(status)
    settings = Settings(home=new)
    with closing(Store(settings.conversations)) as store:
        assert [reply.text for reply in store.replies(conversation)] == ["This is Ann."]
    assert has_index(settings)
    with (
        open_index(settings.index_folder, _encoder(settings)) as knowledge,
        open_index(demo_home / "index", _encoder(settings)) as before,
    ):
        assert knowledge.count() == before.count() > 0
        vector = text_encoder.encode(["a blue mug"])[0]
        found = [hit.document.id for hit in knowledge.search("a blue mug", vector)]
        assert "mug-aster-blue" in found


def _encoder(settings: Settings) -> str:
    import sqlite3

    with closing(sqlite3.connect(settings.index_folder / "documents.sqlite")) as db:
        return db.execute("SELECT value FROM meta WHERE key = 'encoder'").fetchone()[0]


def test_nothing_is_overwritten_and_nothing_to_keep_is_said(tmp_path: Path) -> None:
    from agent.backup import back_up, restore

    with pytest.raises(SetupError, match="nothing to back up"):
        back_up(tmp_path / "none", tmp_path / "out.tar.gz")
    (tmp_path / "bad.tar.gz").write_bytes(b"no tar")
    with pytest.raises(SetupError, match="cannot be restored"):
        restore(tmp_path / "bad.tar.gz", tmp_path / "new")


def test_a_line_of_json_has_ids_and_hides_people() -> None:
    line = log.makeRecord(
        log.name, logging.INFO, "f", 1, "mia@example.org called", (), None,
        extra={"conversation": "c1", "turn": "r1", "seconds": {"find": 0.1}, "other": "x"},
    )  # fmt: skip
    shown = json.loads(JsonFormatter("BE").format(line))
    assert shown["conversation"] == "c1" and shown["turn"] == "r1"
    assert shown["level"] == "INFO" and "mia" not in shown["message"] and "other" not in shown
