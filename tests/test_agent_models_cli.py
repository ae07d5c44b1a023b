"""`deskhand models`: from a loopback server that speaks as much of the hub as a download needs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"model_type": "clip"}',
    "model.safetensors": b"weights" * 100,
    "pytorch_model.bin": b"a pickle",
}


class Hub(BaseHTTPRequestHandler):
    """One model, someone/tower."""

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(None)

    def log_message(self, *args: object) -> None: ...

    def _answer(self, body: bytes | None) -> None:
        path, headers = self.path.split("?")[0], {}
        name = path.rpartition("/")[2]
        if path.startswith("/api/models/someone/tower/tree"):
            tree = [
                {"type": "file", "path": n, "size": len(d), "oid": hashlib.sha1(d).hexdigest()}
                for n, d in FILES.items()
            ]
            data = json.dumps(tree).encode()
        elif path.startswith("/api/models/someone/tower"):
            siblings = [{"rfilename": n} for n in FILES]
            data = json.dumps({"id": "someone/tower", "sha": COMMIT, "siblings": siblings}).encode()
        elif path.startswith("/someone/tower/resolve/") and name in FILES:
            data = FILES[name]
            headers = {"ETag": hashlib.sha1(data).hexdigest(), "X-Repo-Commit": COMMIT}
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body is None:
            self.wfile.write(data)


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def models(tmp_path: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: the hub's address is read once, on import."""
    said = ["deskhand", "models", *words]
    code = f"import sys; from agent.cli import main; sys.argv = {said!r}; main()"
    kept = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    places = {"HF_HOME": str(tmp_path / "hf"), "DESKHAND_HOME": str(tmp_path / "home")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **places, "HF_HUB_ETAG_TIMEOUT": "3", **environment},
        capture_output=True,
        text=True,
    )


def test_a_model_is_fetched_once_without_its_pickles_and_listed(hub, tmp_path: Path) -> None:
    pulled = models(tmp_path, "pull", "hub:someone/tower", HF_ENDPOINT=hub)
    assert pulled.returncode == 0, pulled.stderr
    folder = Path(pulled.stdout.strip())
    assert {p.name for p in folder.iterdir()} == {"config.json", "model.safetensors"}
    assert (folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    again = models(tmp_path, "pull", "hub:someone/tower", HF_HUB_OFFLINE="1")
    assert again.returncode == 0 and again.stdout == pulled.stdout
    listed = models(tmp_path, "list", DESKHAND_VISION="hub:someone/tower").stdout
    assert "DESKHAND_VISION=hub:someone/tower" in listed and "\nhub:someone/tower  0.0 MB" in listed


@pytest.mark.parametrize(
    ("name", "offline", "code", "sentence"),
    [
        ("hub:someone/absent", "", 2, "The hub has no model 'someone/absent'"),
        ("hub:not a name", "", 2, "The hub has no model 'not a name'"),
        ("hub:someone/tower", "1", 2, "the hub cannot be reached"),
        ("someone/tower", "", 1, "give hub:NAME"),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(
    hub, tmp_path: Path, name: str, offline: str, code: int, sentence: str
) -> None:
    asked = models(tmp_path, "pull", name, HF_ENDPOINT=hub, HF_HUB_OFFLINE=offline)
    assert asked.returncode == code
    assert sentence in asked.stderr and "Traceback" not in asked.stderr


def test_no_network_is_one_sentence(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    asked = models(tmp_path, "pull", "hub:someone/tower", HF_ENDPOINT=nowhere)
    assert asked.returncode == 2 and "the hub cannot be reached" in asked.stderr
