"""Whisper itself, on a micro checkpoint trained here; and how checkpoints are fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from fusion.one_at_a_time import OneAtATime
from fusion.types import BadInput, WeightsError
from fusion.whisper_files import address_of, fetch, kept
from fusion.whisper_speech import WhisperSpeech
from tests.micro_whisper import SAID, sound, train

FILE = b"a checkpoint " * 200_000
DIGEST = hashlib.sha256(FILE).hexdigest()


@pytest.fixture(scope="module")
def micro(tmp_path_factory: pytest.TempPathFactory) -> WhisperSpeech:
    path = tmp_path_factory.mktemp("micro") / "micro.pt"
    assert train(path) < 0.05
    return WhisperSpeech(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAID)
def test_whisper_writes_what_is_said(micro: WhisperSpeech, name: str) -> None:
    wave = sound(name)
    heard = micro.transcribe(wave)
    assert heard.text == SAID[name].strip()
    assert (heard.language, heard.engine) == ("en", "whisper:micro")
    assert heard.confidence > 0.8 and heard.no_speech < 0.1
    assert " ".join(word.text for word in heard.words) == heard.text
    times = [(word.start, word.end) for word in heard.words]
    assert times == sorted(times) and times[0][0] >= 0 and times[-1][1] <= heard.seconds + 0.1
    (segment,) = micro._model.transcribe(wave, fp16=False)["segments"]  # the tokens of time
    assert (segment["start"], segment["end"]) == (0, pytest.approx(heard.seconds, abs=0.05))
    assert micro.transcribe(wave, "number").text == heard.text  # behind the prompt of digits too


@pytest.mark.slow
def test_whisper_hears_nothing_in_noise(micro: WhisperSpeech) -> None:
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(0, 0.003, 32_000).astype(np.float32)
        heard = micro.transcribe(noise)
        assert heard.text == "" and heard.words == () and heard.no_speech > 0.6


def test_a_few_wait_and_the_rest_is_told_so() -> None:
    line, inside, go = OneAtATime(waiting=0), Event(), Event()

    def stand() -> None:
        with line.turn():
            inside.set()
            go.wait(5)

    thread = Thread(target=stand)
    thread.start()
    assert inside.wait(5)
    with pytest.raises(BadInput, match="in a minute"), line.turn():
        pass
    go.set()
    thread.join()
    with line.turn():  # and whoever comes later is let in
        pass


class Shelf(BaseHTTPRequestHandler):
    """One file under its hash; `ranges` keeps what was asked for."""

    ranges: list[str | None] = []  # noqa: RUF012

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        Shelf.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(FILE) - start))
        self.end_headers()
        self.wfile.write(FILE[start:])

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def shelf() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    Thread(target=server.serve_forever, daemon=True).start()
    Shelf.ranges.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "whisper"


def test_a_checkpoint_is_fetched_once(shelf: str, cache: Path) -> None:
    path = fetch("base", f"{shelf}/{DIGEST}/base.pt")
    assert path == cache / "base.pt" and path.read_bytes() == FILE
    assert fetch("base", f"{shelf}/{DIGEST}/base.pt") == path and Shelf.ranges == [None]
    assert kept() == {"base": len(FILE)}


def test_a_download_goes_on_where_it_stopped(shelf: str, cache: Path) -> None:
    cache.mkdir()
    (cache / "base.part").write_bytes(FILE[:1_000_000])
    assert fetch("base", f"{shelf}/{DIGEST}/base.pt").read_bytes() == FILE
    assert Shelf.ranges == ["bytes=1000000-"] and not (cache / "base.part").exists()


def test_other_bytes_are_refused_and_deleted(shelf: str, cache: Path) -> None:
    with pytest.raises(WeightsError, match="not what it should be"):
        fetch("base", f"{shelf}/{'0' * 64}/base.pt")
    assert not list(cache.iterdir())


def test_without_a_network_it_is_said_and_nothing_is_lost(cache: Path) -> None:
    cache.mkdir()
    (cache / "base.part").write_bytes(FILE[:2_000_000])
    with pytest.raises(WeightsError, match=r"cannot be reached .* 2\.0 MB are kept"):
        fetch("base", f"http://127.0.0.1:9/{DIGEST}/base.pt")
    assert (cache / "base.part").stat().st_size == 2_000_000


def test_an_unknown_name_is_refused() -> None:
    assert address_of("base").endswith("/base.pt")
    with pytest.raises(BadInput, match=r"'huge': expected one of .*base"):
        address_of("huge")
