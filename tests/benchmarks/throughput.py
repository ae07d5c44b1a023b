"""How many turns a second one served process answers, and how fast; a figure, not a test.

    deskhand serve &
    python tests/benchmarks/throughput.py --concurrent 1 10 50 200 --seconds 20

For each number of conversations at once, one line of JSON: turns a second, p50, p95 and p99 in
seconds, what was refused with Retry-After, errors, and answers that came to another conversation
than they were asked in.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter

import httpx

QUESTIONS = (
    ("How much is the blue Aster mug?", "16.90 EUR"),
    ("How long does delivery take?", "working days"),
    ("How long do I have to return something?", "30 days"),
    ("How big is the blue Fjord vase?", "measures"),
)


async def talk(
    http: httpx.AsyncClient, number: int, until: float, seen: Counter, took: list
) -> None:
    begun = await http.post("/v1/conversations")
    begun.raise_for_status()
    conversation = begun.json()["id"]
    while time.perf_counter() < until:
        words, part = QUESTIONS[number % len(QUESTIONS)]
        started = time.perf_counter()
        answered = await http.post(f"/v1/conversations/{conversation}/turns", json={"text": words})
        if answered.status_code in (409, 429, 503) and "retry-after" in answered.headers:
            seen["refused"] += 1
            await asyncio.sleep(0.1)
            continue
        if answered.status_code != 200:
            seen["errors"] += 1
            continue
        took.append(time.perf_counter() - started)
        reply = answered.json()
        seen["crossed"] += reply["conversation"] != conversation or part not in reply["text"]


async def measure(url: str, key: str, concurrent: int, seconds: float) -> dict:
    seen: Counter = Counter(refused=0, errors=0, crossed=0)
    took: list[float] = []
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    limits = httpx.Limits(max_connections=concurrent)
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=120) as http:
        began = time.perf_counter()
        talks = [talk(http, n, began + seconds, seen, took) for n in range(concurrent)]
        await asyncio.gather(*talks)
        wall = time.perf_counter() - began
    took.sort()

    def share(part: float) -> float:
        return round(took[min(int(part * len(took)), len(took) - 1)], 3) if took else 0.0

    return {
        "concurrent": concurrent,
        "turns": len(took),
        "turns_per_second": round(len(took) / wall, 1),
        "p50": share(0.5),
        "p95": share(0.95),
        "p99": share(0.99),
        **seen,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:7860")
    parser.add_argument("--key", default="")
    parser.add_argument("--concurrent", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    for concurrent in given.concurrent:
        print(json.dumps(asyncio.run(measure(given.url, given.key, concurrent, given.seconds))))


if __name__ == "__main__":
    main()
