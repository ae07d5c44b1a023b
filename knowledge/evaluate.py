"""How good is the ranking? nDCG, recall and MRR on judged questions, beside simpler ways to rank.

`deskhand evaluate knowledge` wires this to an index and an encoder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from knowledge.embed import Embed
from knowledge.index import Knowledge
from knowledge.search import Signals, order, places
from knowledge.types import BadFeed, Document, Hit

DEPTH = 40  # hits looked through: ten are judged, and many may be variants of one product
SURE = 0.5  # Hit.sure from which a question counts as answered


@dataclass(frozen=True, slots=True)
class Judged:
    """A question and what answers it: ids of documents or families, with their gain. Nothing
    answers a question without any."""

    query: str
    relevant: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the questions; all but the times are in [0, 1].

    A family counts once where a family is what is relevant. `answered_5`: a right one among five;
    `abstained`: questions without an answer for which no hit is sure; `kept`: questions with one
    for which some hit is; None where there are no such questions, or where it is not known.
    """

    ndcg_10: float
    recall_5: float
    recall_10: float
    mrr: float
    answered_5: float
    abstained: float | None = None
    kept: float | None = None
    p50_ms: float | None = None  # of a whole search, the encoding of the question included
    p95_ms: float | None = None


def load_judged(path: Path) -> list[Judged]:
    """Judged questions from JSONL rows {"query", "relevant": [ids] or {id: gain}}.

    Raises BadFeed.
    """
    judged = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadFeed(f"{path} cannot be read as UTF-8 text ({error}).") from error
    for line, record in enumerate(lines, start=1):
        if not record.strip():
            continue
        try:
            row = json.loads(record)
            relevant = row["relevant"]
            gains = relevant if isinstance(relevant, dict) else dict.fromkeys(relevant, 1.0)
            gains = {id: float(gain) for id, gain in gains.items() if float(gain) > 0}
            judged.append(Judged(str(row["query"]), gains))
        except (ValueError, KeyError, TypeError) as error:
            raise BadFeed(f"{path}:{line}: needs a query and relevant ids ({error!r})") from error
    return judged


def ndcg(ranked: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """Discounted gain of the first k, as a part of the best there could be."""
    gain = sum(relevant.get(id, 0.0) / math.log2(i + 2) for i, id in enumerate(ranked[:k]))
    ideal = sorted(relevant.values(), reverse=True)[:k]
    best = sum(value / math.log2(i + 2) for i, value in enumerate(ideal))
    return gain / best if best else 0.0


def recall(ranked: Sequence[str], relevant: Mapping[str, float], k: int) -> float:
    """Part of the relevant among the first k; of k, when more than k are relevant."""
    found = sum(id in relevant for id in ranked[:k])
    return found / min(k, len(relevant)) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Mapping[str, float]) -> float:
    """1 / place of the first relevant one; 0 when there is none."""
    return next((1 / i for i, id in enumerate(ranked, start=1) if id in relevant), 0.0)


def reciprocal_ranks(signals: Signals) -> np.ndarray:
    """Reciprocal rank fusion (Cormack et al., 2009) of the signals, with their constant of 60."""
    found = [np.where(place > 0, 1 / (60 + place), 0.0) for place in places(signals).values()]
    return np.sum(found, axis=0)


OURS = "as searched"
WAYS: Mapping[str, Callable[[Signals], np.ndarray]] = {
    "dense alone": lambda signals: signals.dense,
    "BM25 alone": lambda signals: signals.lexical,
    "reciprocal ranks": reciprocal_ranks,
}
"""Simpler ways to rank, from the same vectors and the same words."""


def evaluate(
    knowledge: Knowledge,
    judged: Sequence[Judged],
    embed: Embed,
    search: Callable[[str], Sequence[Hit]],
) -> dict[str, Quality]:
    """The quality of `search`, which is timed, after that of the simpler ways."""
    vectors = embed([question.query for question in judged])
    rankings: dict[str, list[list[str]]] = {name: [] for name in WAYS}
    for question, vector in zip(judged, vectors, strict=True):
        [signals] = knowledge.signals(question.query, vector)
        for name, combine in WAYS.items():
            scores = combine(signals)
            best = [signals.ids[i] for i in order(scores)[:DEPTH] if scores[i]]
            found = [document for id in best if (document := knowledge.document(id))]
            rankings[name].append(_counted(found, question))
    results = {name: _quality(judged, ranked) for name, ranked in rankings.items()}
    ours, sure, times = [], [], []
    for question in judged:
        started = perf_counter()
        hits = search(question.query)
        times.append(1000 * (perf_counter() - started))
        ours.append(_counted([hit.document for hit in hits], question))
        sure.append(max((hit.sure for hit in hits), default=0.0) >= SURE)
    results[OURS] = _quality(judged, ours, sure, times)
    return results


def _counted(found: Iterable[Document], question: Judged) -> list[str]:
    """What was found as the question is judged: by families where those are relevant."""
    families = [
        document.family if document.family in question.relevant else document.id
        for document in found
    ]
    return list(dict.fromkeys(families))


def _quality(
    judged: Sequence[Judged],
    rankings: Sequence[Sequence[str]],
    sure: Sequence[bool] = (),
    times: Sequence[float] = (),
) -> Quality:
    pairs = [(ranked, q.relevant) for q, ranked in zip(judged, rankings, strict=True) if q.relevant]
    kept = [yes for q, yes in zip(judged, sure, strict=False) if q.relevant]
    gone = [not yes for q, yes in zip(judged, sure, strict=False) if not q.relevant]

    def mean(values: Iterable[float]) -> float:
        return sum(values) / max(1, len(pairs))

    return Quality(
        ndcg_10=mean(ndcg(ranked, relevant, 10) for ranked, relevant in pairs),
        recall_5=mean(recall(ranked, relevant, 5) for ranked, relevant in pairs),
        recall_10=mean(recall(ranked, relevant, 10) for ranked, relevant in pairs),
        mrr=mean(reciprocal_rank(ranked, relevant) for ranked, relevant in pairs),
        answered_5=mean(reciprocal_rank(ranked[:5], relevant) > 0 for ranked, relevant in pairs),
        abstained=float(np.mean(gone)) if gone else None,
        kept=float(np.mean(kept)) if kept else None,
        p50_ms=float(np.quantile(times, 0.5)) if times else None,
        p95_ms=float(np.quantile(times, 0.95)) if times else None,
    )


COLUMNS = {
    "ndcg_10": "nDCG@10", "recall_5": "R@5", "recall_10": "R@10", "mrr": "MRR",
    "answered_5": "right among 5", "abstained": "right abstention", "kept": "answered",
    "p50_ms": "p50 ms", "p95_ms": "p95 ms",
}  # fmt: skip


def markdown(results: Mapping[str, Quality]) -> str:
    """The comparison as a table."""
    lines = ["| | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, quality in results.items():
        figures = asdict(quality)
        cells = [_figure(figures[column], column) for column in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _figure(value: float | None, column: str) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if column.endswith("_ms") else f"{value:.3f}"


def write(results: Mapping[str, Quality], out: Path) -> None:
    """The comparison as `knowledge.json` and `knowledge.md` in a folder."""
    out.mkdir(parents=True, exist_ok=True)
    figures = {name: asdict(quality) for name, quality in results.items()}
    (out / "knowledge.json").write_text(json.dumps(figures, indent=1) + "\n")
    (out / "knowledge.md").write_text(markdown(results))
