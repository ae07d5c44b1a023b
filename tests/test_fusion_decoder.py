"""Workers that decode: they crash, hang, starve and lie, and it costs one sentence each."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from test_fusion_photo import JPEG, SCENES, video

from fusion import decoder
from fusion.audio import decode_audio
from fusion.decoder import Decoder
from fusion.photo import decode_photo, decode_video
from fusion.types import BadInput, InputLimits

CLIP = (Path(__file__).parent / "samples" / "audio" / "jfk.ogg").read_bytes()
LIMITS = InputLimits()
SOON = InputLimits(decode_seconds=1.0)
SEVENS = np.full((2, 3, 3), 7)


def children() -> set[int]:
    """Processes that this one started and that are not gone; zombies are among them."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended just now
            continue
        if parent == os.getpid():
            found.add(int(stat.parent.name))
    return found


@pytest.fixture
def workers() -> Iterator[Decoder]:
    before = children()
    with closing(Decoder()) as workers:
        yield workers
    assert children() <= before


@pytest.fixture
def hostile(monkeypatch) -> Iterator[Decoder]:
    """Two workers of `hostile_worker.py`."""
    script = Path(__file__).parent / "hostile_worker.py"
    monkeypatch.setattr(decoder, "COMMAND", (sys.executable, "-B", str(script)))
    before = children()
    with closing(Decoder()) as workers:
        yield workers
    assert children() <= before


def test_the_same_as_without_a_worker(workers):
    assert (workers.photo(JPEG, LIMITS) == decode_photo(JPEG, LIMITS)).all()
    assert (workers.recording(CLIP, LIMITS) == decode_audio(CLIP, LIMITS)).all()
    data = video(SCENES, 0.5)
    here, there = decode_video(data, LIMITS), workers.video(data, LIMITS)
    assert len(there.frames) == len(here.frames) == 3
    assert all((a == b).all() for a, b in zip(here.frames, there.frames, strict=True))
    assert (here.wave == there.wave).all()
    silent = workers.video(video(SCENES[:1], 0.5, sound=False), LIMITS)
    assert len(silent.frames) == 1 and silent.wave is None


def test_what_cannot_be_used_is_said(workers):
    for read, data, sentence in [
        (workers.photo, b"hello", "I do not know this kind of file.*JPEG"),
        (workers.photo, JPEG[:400], "damaged or incomplete"),
        (workers.recording, b"", "empty"),
        (workers.video, JPEG, "the file is JPEG"),
    ]:
        with pytest.raises(BadInput, match=sentence):
            read(data, LIMITS)
    with pytest.raises(BadInput, match="at most 1 kB"):
        workers.photo(JPEG, InputLimits(photo_bytes=1000))
    assert workers.photo(JPEG, LIMITS).shape == (480, 640, 3)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"crash", "damaged and could not be read"),
        (b"hang", "took too long"),
        (b"eat", "too large"),
        (b"write", "damaged and could not be read"),
        (b"raise", "damaged and could not be read"),
        (b"vast", "damaged and could not be read"),
        (b"text", "damaged and could not be read"),
        (b"two", "damaged and could not be read"),
    ],
)
def test_one_bad_file_costs_one_sentence(hostile, data, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=sentence) as caught:
        hostile.photo(data, SOON)
    assert str(caught.value).endswith(".")
    assert (hostile.photo(b"good", SOON) == SEVENS).all()
    assert not [path for path in tmp_path.iterdir() if path.stat().st_size]


@pytest.mark.parametrize("data", [b"nan", b"loud"])
def test_a_wave_out_of_bounds_is_refused(hostile, data):
    with pytest.raises(BadInput, match="recording is damaged"):
        hostile.recording(data, LIMITS)


def test_what_a_library_prints_is_no_answer(hostile):
    assert (hostile.photo(b"babble", SOON) == SEVENS).all()


def test_a_crash_is_logged_for_the_operator(hostile, caplog):
    with caplog.at_level(logging.WARNING), pytest.raises(BadInput):
        hostile.photo(b"crash", LIMITS)
    assert "photo of 5 bytes" in caplog.text and "-11" in caplog.text


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_killed_or_stopped_at_work(workers, sign):
    before = children()
    workers.photo(JPEG, LIMITS)
    (pid,) = children() - before
    os.kill(pid, sign)
    large = bytes(LIMITS.photo_bytes)  # more than fits into the socket
    with pytest.raises(BadInput, match="damaged" if sign == signal.SIGKILL else "too long"):
        workers.photo(large, SOON)
    assert workers.photo(JPEG, LIMITS).shape == (480, 640, 3)
    (other,) = children() - before
    assert other != pid


def test_a_worker_is_replaced_after_many_decodes(workers, monkeypatch):
    monkeypatch.setattr(decoder, "DECODES", 2)
    before, seen = children(), set()
    for _ in range(5):
        assert workers.photo(JPEG, LIMITS).shape == (480, 640, 3)
        seen |= children() - before
    assert len(seen) >= 2 and len(children() - before) <= 1


def test_many_threads_share_two_workers(workers):
    before = children()
    shapes: list[tuple[int, ...]] = []
    threads = [
        threading.Thread(target=lambda: shapes.append(workers.photo(JPEG, LIMITS).shape))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shapes == [(480, 640, 3)] * 16
    assert len(children() - before) <= decoder.WORKERS


def test_busy_is_said_after_a_while(hostile, monkeypatch):
    monkeypatch.setattr(decoder, "WAITING", 0.2)

    def hang() -> None:
        with pytest.raises(BadInput):
            hostile.photo(b"hang", InputLimits(decode_seconds=2.0))

    threads = [threading.Thread(target=hang) for _ in range(decoder.WORKERS)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    with pytest.raises(BadInput, match="Too many files"):
        hostile.photo(b"good", LIMITS)
    for thread in threads:
        thread.join()


def test_closed_workers_are_gone_and_may_come_back(workers):
    before = children()
    workers.photo(JPEG, LIMITS)
    assert len(children() - before) == 1
    workers.close()
    assert children() <= before
    assert workers.photo(JPEG, LIMITS).shape == (480, 640, 3)


def test_a_worker_that_cannot_start_is_no_fault_of_the_customer(monkeypatch):
    monkeypatch.setattr(decoder, "COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    with closing(Decoder()) as workers:
        for _ in range(3):
            with pytest.raises(RuntimeError, match="did not start"):
                workers.photo(JPEG, LIMITS)


PROGRAM = """
import sys
from fusion.decoder import Decoder
from fusion.types import InputLimits
workers = Decoder()
print(workers.photo(open(sys.argv[1], "rb").read(), InputLimits()).shape, flush=True)
print(workers._idle.get()._process.pid, flush=True)
assert "torch" not in sys.modules
if sys.argv[2] == "killed":
    import os
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("end", ["at its end", "killed"])
def test_workers_end_with_the_service(tmp_path, end):
    """A program without `if __name__ == "__main__"`, which closes nothing."""
    (tmp_path / "photo.jpg").write_bytes(JPEG)
    (tmp_path / "program.py").write_text(PROGRAM)
    env = {**os.environ, "PYTHONPATH": str(Path(decoder.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "program.py", "photo.jpg", end],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    shape, pid = done.stdout.splitlines()
    assert shape == "(480, 640, 3)" and not done.stderr
    stop = time.monotonic() + 10
    while (stat := Path(f"/proc/{pid}/stat")).exists() and time.monotonic() < stop:
        if stat.read_text().rpartition(")")[2].split()[0] == "Z":  # its reaper may be slow
            break
        time.sleep(0.02)
    else:
        assert not stat.exists()
