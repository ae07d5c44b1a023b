"""How many turns a second one served process answers, and how fast; a figure, not a test.

    DESKHAND_HOME=HOME python tests/benchmarks/throughput.py --kinds text photo voice \
        --concurrent 1 10 50 200 --seconds 20
    ... --concurrent 50 --turns 20000          # exactly so many; memory after 1,000 and 10,000
    ... --concurrent 10 --slow 50              # without, then with 50 uploads of a byte a second

HOME holds the demo shop's index (`deskhand index --demo`). The server is started by this script and
ended with it, and shares the cores with it; the first line is the time from its start to its first
answer. Then a line of JSON for each kind of turn and each number of conversations at once: turns a
second; p50, p95 and p99 in seconds; milliseconds of the server's processor time a turn; its memory
in MB; and what went wrong: refused with Retry-After (and asked again), errors, `crossed` replies
(of another conversation, or to another question), `changed` ones (not what the same questions got
when they were asked alone, before the measuring).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx

SAMPLES = Path(__file__).parent.parent / "samples"
QUESTIONS = (
    "How much is the blue Aster mug?",
    "How long does delivery take?",
    "How long do I have to return something?",
    "How big is the blue Fjord vase?",
)
PHOTOS = ("kettle-bruno-red_3", "armchair-fell-green_1", "watering-can-dew-copper_2")
CLIPS = ("how_long_does_delivery_take", "where_is_my_order")  # with replies of their own
TALK = 4  # turns in one conversation, each the same question; then another is begun
MARKS = (1_000, 10_000)  # turns after which memory is looked at
TICK = os.sysconf("SC_CLK_TCK")  # a second


def base64(*parts: str) -> str:
    return b64encode(SAMPLES.joinpath(*parts).read_bytes()).decode()


def turns_of(kind: str) -> list[dict]:
    """The turns that are sent, as JSON."""
    if kind == "photo":
        photos = [base64("photos/customer", f"{name}.jpg") for name in PHOTOS]
        return [{"text": "How much is this?", "photos": [photo]} for photo in photos]
    if kind == "voice":
        return [{"audio": base64("audio", f"{name}.ogg")} for name in CLIPS]
    return [{"text": words} for words in QUESTIONS]


@dataclass
class Server:
    url: str
    pid: int

    def memory(self) -> float:
        """What it holds of the machine's memory, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def processor(self) -> float:
        """Seconds of processor time so far, without its decoders'."""
        times = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(times[11]) + int(times[12])) / TICK


@contextmanager
def started() -> Iterator[Server]:
    """A server of its own; prints the seconds until its first answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = "from agent.cli import main; main()"
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", "--port", str(port)], stdout=subprocess.DEVNULL
    )
    try:
        server = Server(f"http://127.0.0.1:{port}", process.pid)
        while process.poll() is None:
            try:
                asyncio.run(alone(server, turns_of("text")[:1]))
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        else:
            raise SystemExit("The server has ended.")
        print(json.dumps({"start_to_first_answer": round(time.perf_counter() - began, 1)}))
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


async def begin(http: httpx.AsyncClient) -> str:
    begun = await http.post("/v1/conversations")
    begun.raise_for_status()
    return begun.json()["id"]


async def alone(server: Server, turns: list[dict]) -> list[list[str]]:
    """What each question gets, asked TALK times in a conversation of its own, nobody beside."""
    replies: list[list[str]] = []
    async with httpx.AsyncClient(base_url=server.url, timeout=120) as http:
        for turn in turns:
            at = f"/v1/conversations/{await begin(http)}/turns"
            answered = [(await http.post(at, json=turn)).raise_for_status() for _ in range(TALK)]
            replies.append([one.json()["text"] for one in answered])
    texts = [set(one) for one in replies]
    if len(set().union(*texts)) < sum(map(len, texts)):
        raise SystemExit("Two questions get the same reply: crossed ones could not be told.")
    return replies


@dataclass
class Load:
    """What the conversations at once share: until when, how many turns, and what was seen."""

    server: Server
    turns: list[dict]
    expected: list[list[str]]
    most: int  # turns
    until: float = 0.0  # `time.perf_counter`
    begun: Iterator[int] = field(default_factory=count)
    seen: Counter = field(default_factory=lambda: Counter(dict.fromkeys(SEEN, 0)))
    took: list[float] = field(default_factory=list)  # seconds, of each answered turn
    memory: dict[int, float] = field(default_factory=dict)  # MB after so many turns

    def another(self) -> bool:
        return time.perf_counter() < self.until and next(self.begun) < self.most

    def answered(self, seconds: float) -> None:
        self.took.append(seconds)
        if len(self.took) in MARKS:
            self.memory[len(self.took)] = round(self.server.memory(), 1)

    def share(self, part: float) -> float:
        return round(self.took[min(int(part * len(self.took)), len(self.took) - 1)], 3)


SEEN = ("refused", "errors", "crossed", "changed")


async def talk(http: httpx.AsyncClient, number: int, load: Load) -> None:
    which = number % len(load.turns)
    conversation, asked = "", 0
    while load.another():
        if asked % TALK == 0:
            conversation = await begin(http)
        at = f"/v1/conversations/{conversation}/turns"
        while True:
            started = time.perf_counter()
            answered = await http.post(at, json=load.turns[which])
            if "retry-after" not in answered.headers:
                break
            load.seen["refused"] += 1
            await asyncio.sleep(0.1)
        if answered.status_code != 200:
            load.seen["errors"] += 1
            asked = 0
            continue
        load.answered(time.perf_counter() - started)
        reply, expected = answered.json(), load.expected[which][asked % TALK]
        others = [text for texts in load.expected for text in texts]
        if reply["conversation"] != conversation:
            load.seen["crossed"] += 1
        elif reply["text"] != expected:
            other = reply["text"] in others and reply["text"] not in load.expected[which]
            load.seen["crossed" if other else "changed"] += 1
        asked += 1


async def trickle(server: Server, conversation: str, seen: Counter) -> None:
    """Uploads of a byte a second, one after another, until it is cancelled."""
    at = f"/v1/conversations/{conversation}/turns"
    head = f"POST {at} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    host, port = server.url.removeprefix("http://").split(":")
    while True:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{head}Content-Length: 1000000\r\n\r\n{{".encode())
        try:
            while not reader.at_eof():
                writer.write(b" ")
                try:
                    answer = await asyncio.wait_for(reader.read(65_536), 1.0)
                    seen["slow_ended"] += b" 408 " in answer
                except TimeoutError:
                    continue
        except ConnectionError:
            continue
        finally:
            writer.close()


async def measure(load: Load, concurrent: int, slow: int, seconds: float) -> dict:
    limits = httpx.Limits(max_connections=concurrent)
    async with httpx.AsyncClient(base_url=load.server.url, limits=limits, timeout=120) as http:
        theirs = await begin(http)
        tricklers = [
            asyncio.create_task(trickle(load.server, theirs, load.seen)) for _ in range(slow)
        ]
        await asyncio.sleep(1.0)  # they are at it
        before, began = load.server.processor(), time.perf_counter()
        load.until = began + seconds
        await asyncio.gather(*(talk(http, n, load) for n in range(concurrent)))
        wall = time.perf_counter() - began
    for one in tricklers:
        if one.done():
            one.result()  # raises what ended it
        one.cancel()
    load.took.sort()
    turns = len(load.took)
    return {
        "concurrent": concurrent,
        "slow": slow,
        "turns": turns,
        "turns_per_second": round(turns / wall, 1),
        "p50": load.share(0.5),
        "p95": load.share(0.95),
        "p99": load.share(0.99),
        "processor_ms": round(1000 * (load.server.processor() - before) / turns, 1),
        "mb": round(load.server.memory(), 1),
        **{f"mb_after_{n}": mb for n, mb in load.memory.items()},
        **load.seen,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=["text", "photo", "voice"], default=["text"])
    parser.add_argument("--concurrent", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--turns", type=int, help="exactly so many turns, however long they take")
    parser.add_argument("--slow", type=int, default=0)
    given = parser.parse_args()
    with started() as server:
        for kind in given.kinds:
            turns = turns_of(kind)
            expected = asyncio.run(alone(server, turns))
            for concurrent in given.concurrent:
                for slow in sorted({0, given.slow}):
                    load = Load(server, turns, expected, given.turns or sys.maxsize)
                    seconds = float("inf") if given.turns else given.seconds
                    row = asyncio.run(measure(load, concurrent, slow, seconds))
                    print(json.dumps({"kind": kind} | row), flush=True)


if __name__ == "__main__":
    main()
