"""Nothing lost, nothing twice: the server is killed under load, again and again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent.store import Store

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "3"))  # the full measure: KILLS=50 python -m pytest tests/...
PATIENCE = 600  # seconds for a start, on a machine that does much else
TALKERS = 4
QUESTIONS = ("hello", "How long does delivery take?", "How much is the blue Aster mug?")


class Server:
    def __init__(self, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)
        self.home = home
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        code = "from agent.cli import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", "--port", str(self.port)],
            env=os.environ | {"DESKHAND_HOME": str(self.home), "DESKHAND_SPEECH": "off"},
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if self.http.get("/healthz").status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise AssertionError("the server did not start")

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


class Talker(threading.Thread):
    """Sends turns one after another, each until it is acknowledged, under one key."""

    def __init__(self, server: Server, number: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server, self.number, self.stop = server, number, stop
        self.conversation = ""
        self.acknowledged: list[tuple[str, str]] = []  # key, id of the reply
        self.wrong: list[str] = []

    def run(self) -> None:
        made = self.post("/v1/conversations", f"begin-{self.number}", {})
        self.conversation = made["id"]
        turns = f"/v1/conversations/{self.conversation}/turns"
        for n in range(10_000):
            if self.stop.is_set():
                return
            key = f"{self.number}-{n}"
            reply = self.post(turns, key, {"text": QUESTIONS[n % len(QUESTIONS)]})
            self.acknowledged.append((key, reply["id"]))

    def post(self, path: str, key: str, body: dict) -> dict:
        while True:
            try:
                headers = {"Idempotency-Key": key}
                answered = self.server.http.post(path, json=body, headers=headers)
            except httpx.HTTPError:
                time.sleep(0.2)
                continue
            if answered.status_code < 300:
                return answered.json()
            if answered.status_code not in (409, 429, 503) or "retry-after" not in answered.headers:
                self.wrong.append(answered.text)
            time.sleep(0.2)


@pytest.fixture
def server(demo_home: Path, tmp_path: Path) -> Iterator[Server]:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    server = Server(home)
    server.start()
    yield server
    server.kill()


def test_acknowledged_turns_are_answered_once(server: Server) -> None:
    moments, stop = random.Random(7), threading.Event()
    talkers = [Talker(server, number, stop) for number in range(TALKERS)]
    for talker in talkers:
        talker.start()
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.2, 3.0))
        server.kill()
        server.start()
    time.sleep(1)
    stop.set()
    for talker in talkers:
        talker.join(PATIENCE)
        assert not talker.is_alive()
    assert server.kill(signal.SIGTERM) == 0
    store = Store(f"sqlite:///{server.home / 'conversations.db'}")
    sent = 0
    for talker in talkers:
        assert talker.wrong == []
        kept = [reply.id for reply in store.replies(talker.conversation)]
        assert kept == [id for _, id in talker.acknowledged]  # each, once, in order
        sent += len(kept)
    store.close()
    assert sent >= KILLS
