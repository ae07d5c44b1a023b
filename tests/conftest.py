"""What every test shares: the network shut off, and the real models loaded once."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from agent.agent import Agent

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


@pytest.fixture(scope="session")
def customer_photos() -> dict[str, list[Path]]:
    """Photos of demo products that no training has seen, by product id."""
    photos: dict[str, list[Path]] = {}
    for path in sorted((SAMPLES / "photos" / "customer").glob("*.jpg")):
        photos.setdefault(path.stem.rsplit("_", 1)[0], []).append(path)
    return photos
