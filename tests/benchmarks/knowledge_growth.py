"""How search grows with the shop: time of a question, load time, disk and memory.

    python -m tests.benchmarks.knowledge_growth --sizes 1000 10000 20000 --out growth

Documents are the demo shop's, repeated under other names; their vectors are the real ones with
noise, so that no two are alike. Questions are encoded by the real encoder, one at a time, as a
customer's are. Figures are printed, and written with a plot into OUT.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fusion.text import TextEncoder, load_text
from knowledge.demo import folder
from knowledge.embed import DIM
from knowledge.evaluate import load_judged
from knowledge.index import open_index
from knowledge.lexical import spoken
from knowledge.load import read_documents
from knowledge.types import Document

NOISE = 0.5  # length of the noise beside a vector of length 1
NAMES = ("Alba", "Bora", "Cinder", "Dune", "Elm", "Fern", "Gale", "Haze", "Iris", "Juno")


def tiled(documents: Sequence[Document], n: int) -> Iterator[Document]:
    """n documents: each of the given ones again and again, under another name and id."""
    for i in range(n):
        document, times = documents[i % len(documents)], i // len(documents)
        name = f"{NAMES[times % len(NAMES)]} {times}"
        yield replace(
            document, id=f"{document.id}-{times}", title=f"{name} {document.title}", photos=()
        )


def measure(n: int, documents: Sequence[Document], text: TextEncoder) -> dict[str, float]:
    vectors = text.encode([spoken(document) for document in documents])
    by_text = {document.text: vector for document, vector in zip(documents, vectors, strict=True)}
    random = np.random.default_rng(n)

    def embed(texts: Sequence[str]) -> np.ndarray:
        near = np.stack([_like(said, by_text) for said in texts])
        near = near + NOISE / DIM**0.5 * random.standard_normal(near.shape)
        return (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)

    with tempfile.TemporaryDirectory() as home:
        place = Path(home)
        started = time.perf_counter()
        with open_index(place, text.name, create=True) as knowledge:
            knowledge.update(tiled(documents, n), embed, lambda paths: [None] * len(paths))
        built = time.perf_counter() - started
        started = time.perf_counter()
        with open_index(place, text.name) as knowledge:
            loaded = time.perf_counter() - started
            times, encoding, busy = [], [], []
            queries = [one.query for one in load_judged(folder() / "qrels.jsonl")]
            for query in [*queries[:10], *queries]:  # the first ten warm up
                started, worked = time.perf_counter(), time.process_time()
                vector = text.encode([query])[0]
                encoding.append(1000 * (time.perf_counter() - started))
                knowledge.search(query, vector)
                times.append(1000 * (time.perf_counter() - started))
                busy.append(1000 * (time.process_time() - worked))
        disk = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    return {
        "documents": n,
        "p50_ms": float(np.quantile(times[10:], 0.5)),
        "p95_ms": float(np.quantile(times[10:], 0.95)),
        "encoding_p50_ms": float(np.quantile(encoding[10:], 0.5)),
        "processor_p50_ms": float(np.quantile(busy[10:], 0.5)),  # the same on a busy machine
        "processor_p95_ms": float(np.quantile(busy[10:], 0.95)),
        "load_seconds": loaded,
        "index_seconds": built,
        "disk_MB": disk / 1e6,
        "peak_memory_MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def _like(said: str, by_text: dict[str, np.ndarray]) -> np.ndarray:
    """The vector of the document whose text this is, with or without its title."""
    for text in said.split("\n"):
        if text in by_text:
            return by_text[text]
    return next(iter(by_text.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 20_000])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    documents = [d for d in read_documents(folder()) if isinstance(d, Document)]
    text = load_text()
    figures = []
    for n in given.sizes:
        figures.append(measure(n, documents, text))
        print(json.dumps({name: round(value, 2) for name, value in figures[-1].items()}))
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "growth.json").write_text(json.dumps(figures, indent=1) + "\n")
        _plot(figures, given.out / "growth.png")


def _plot(figures: Sequence[dict[str, float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    _, axes = pyplot.subplots(2, 2, figsize=(9, 7), layout="constrained")
    shown = ("p50_ms", "load_seconds", "disk_MB", "peak_memory_MB")
    for axis, name in zip(axes.flat, shown, strict=True):
        axis.loglog([f["documents"] for f in figures], [f[name] for f in figures], marker="o")
        axis.set(xlabel="documents", ylabel=name.replace("_", " "))
    pyplot.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
