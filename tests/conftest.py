"""What every test shares: the network shut off, and the real models loaded once."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agent.agent import Agent
    from agent.shop import SqlShop
    from agent.types import Reply

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

SAMPLES = Path(__file__).parent / "samples"
_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: object) -> None:
    host = address[0] if isinstance(address, tuple) else "local"  # a path is a Unix socket
    if host not in ("127.0.0.1", "::1", "localhost", "local"):
        raise OSError(f"a test tried to reach {address!r}: only loopback is allowed")
    _connect(self, address)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", _loopback_only)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def text_encoder():
    from fusion.text import load_text

    return load_text()


@pytest.fixture(scope="session")
def photo_encoder():
    from fusion.vision import load_vision

    return load_vision()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of this run's own, without the database's name."""
    pytest.importorskip("psycopg", reason="needs psycopg (deskhand[postgres])")
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not tools:
        pytest.skip("needs Debian's postgresql")
    folder = Path(tempfile.mkdtemp(prefix="deskhand-pg-"))
    become = []
    if os.geteuid() == 0:  # PostgreSQL runs for no root
        shutil.chown(folder, "postgres", "postgres")
        become = ["runuser", "-u", "postgres", "--"]

    def run(tool: str, *arguments: str) -> None:
        command = [*become, str(tools[-1].with_name(tool)), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)

    run("initdb", "--auth=trust", "--username=deskhand", "--no-sync", "--encoding=UTF8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
    run("pg_ctl", "--wait", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql+psycopg://deskhand@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "--wait", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new database of each kind that conversations may be kept in."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/conversations.db"
    from sqlalchemy import create_engine, text

    server, name = request.getfixturevalue("postgres"), f"t{secrets.token_hex(6)}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the demo shop's index and orders. Copy it (`new_home`); never open it."""
    from agent.build import index_demo
    from agent.config import Settings
    from fusion.perceive import load_encoders

    home = tmp_path_factory.mktemp("demo")
    report = index_demo(Settings(home=home), load_encoders(speech="off"))
    assert report.added and not report.skipped
    return home


@pytest.fixture(scope="module")
def new_home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the module's own, with the demo shop in it."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(demo_home, home, dirs_exist_ok=True)
    return home


@pytest.fixture(scope="module")
def agent(new_home: Path) -> Iterator[Agent]:
    """The demo shop's agent, with the models that ship."""
    from agent.build import open_agent
    from agent.config import Settings

    with closing(open_agent(Settings(home=new_home, speech="pocketsphinx", llm=None))) as agent:
        yield agent


@pytest.fixture
def grounded_talk(agent: Agent) -> Callable[[str], Reply]:
    """Say something in one new conversation, and again; every answer in English stands in its
    evidence."""
    from agent.grounding import grounded
    from fusion.types import Turn

    conversation = agent.store.new_conversation()

    def say(text: str) -> Reply:
        *_, done = agent.reply(Turn(text), conversation)
        reply = done.reply
        if reply.decision.kind == "answer" and reply.language == "en":
            assert grounded(reply.text, reply.decision.hits) == []
        return reply

    return say


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlShop]:
    """The demo shop's orders, on the first of October 2026."""
    from agent.rules import shipped_rules
    from agent.shop import SqlShop
    from agent.shop_file import read_shop
    from knowledge.demo import folder

    path = tmp_path_factory.mktemp("shop") / "orders.db"
    with closing(SqlShop(f"sqlite:///{path}", today=lambda: date(2026, 10, 1))) as shop:
        shop.load(read_shop(folder() / "orders.json"), shipped_rules("demo"))
        yield shop


@pytest.fixture(scope="session")
def customer_photos() -> dict[str, list[Path]]:
    """Photos of demo products that no training has seen, by product id."""
    photos: dict[str, list[Path]] = {}
    for path in sorted((SAMPLES / "photos" / "customer").glob("*.jpg")):
        photos.setdefault(path.stem.rsplit("_", 1)[0], []).append(path)
    return photos
