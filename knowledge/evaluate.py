"""How good is the ranking? nDCG, recall and MRR on judged questions, for each way to combine.

`deskhand evaluate` wires this to an index and an encoder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.embed import Embed
from knowledge.index import Knowledge
from knowledge.parse import parse_filters
from knowledge.search import Signals, order, score
from knowledge.types import BadFeed


@dataclass(frozen=True, slots=True)
class Judged:
    """A question and the ids of the documents that answer it, all equally."""

    query: str
    relevant: frozenset[str]


@dataclass(frozen=True, slots=True)
class Quality:
    """Means over the questions; all in [0, 1]."""

    ndcg_10: float
    recall_5: float
    recall_10: float
    mrr: float


def load_judged(path: Path) -> list[Judged]:
    """Judged questions from JSONL rows {"query", "relevant": [ids]}; raises BadFeed."""
    judged = []
    for line, record in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(record)
            judged.append(Judged(row["query"], frozenset(row["relevant"])))
        except (ValueError, KeyError, TypeError) as error:
            raise BadFeed(f"{path}:{line}: needs a query and relevant ids ({error!r})") from error
    return judged


def ndcg(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Discounted gain of the first k, as a part of the best there could be."""
    gain = sum(1 / math.log2(i + 2) for i, id in enumerate(ranked[:k]) if id in relevant)
    best = sum(1 / math.log2(i + 2) for i in range(min(k, len(relevant))))
    return gain / best if best else 0.0


def recall(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Part of the relevant among the first k; of k, when more than k are relevant."""
    found = sum(id in relevant for id in ranked[:k])
    return found / min(k, len(relevant)) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 / place of the first relevant one; 0 when there is none."""
    return next((1 / i for i, id in enumerate(ranked, start=1) if id in relevant), 0.0)


def reciprocal_ranks(signals: Signals) -> dict[str, float]:
    """Reciprocal rank fusion (Cormack et al., 2009) of the signals, with their constant of 60."""
    fused: dict[str, float] = dict.fromkeys(signals.dense, 0.0)
    for found in (signals.dense, signals.lexical, signals.photo):
        for place, id in enumerate(order(found), start=1):
            fused[id] += 1 / (60 + place)
    return fused


WAYS: Mapping[str, Callable[[Signals], Mapping[str, float]]] = {
    "dense only": lambda signals: signals.dense,
    "lexical only": lambda signals: signals.lexical,
    "reciprocal ranks": reciprocal_ranks,
    "both, as searched": score,
}
"""Ways to combine the signals; the last is what `Knowledge.search` does."""


def evaluate(
    knowledge: Knowledge, judged: Sequence[Judged], embed: Embed, *, filtered: bool = True
) -> dict[str, Quality]:
    """The quality of every way to combine; with `filtered`, wishes in the words are obeyed."""
    vectors = embed([question.query for question in judged])
    rankings: dict[str, list[list[str]]] = {name: [] for name in WAYS}
    for question, vector in zip(judged, vectors, strict=True):
        wishes = parse_filters(question.query, knowledge.vocabulary) if filtered else None
        signals = knowledge.signals(question.query, vector, wishes)
        for name, combine in WAYS.items():
            rankings[name].append(order(combine(signals)))
    return {name: _quality(judged, ranked) for name, ranked in rankings.items()}


def _quality(judged: Sequence[Judged], rankings: Sequence[Sequence[str]]) -> Quality:
    pairs = [(ranked, q.relevant) for q, ranked in zip(judged, rankings, strict=True)]
    count = max(1, len(pairs))
    return Quality(
        ndcg_10=sum(ndcg(ranked, relevant, 10) for ranked, relevant in pairs) / count,
        recall_5=sum(recall(ranked, relevant, 5) for ranked, relevant in pairs) / count,
        recall_10=sum(recall(ranked, relevant, 10) for ranked, relevant in pairs) / count,
        mrr=sum(reciprocal_rank(ranked, relevant) for ranked, relevant in pairs) / count,
    )


def table(results: Mapping[str, Quality]) -> str:
    """The comparison as lines of text."""
    lines = [f"{'':18}{'nDCG@10':>9}{'R@5':>8}{'R@10':>8}{'MRR':>8}"]
    for name, q in results.items():
        figures = f"{q.ndcg_10:9.3f}{q.recall_5:8.3f}{q.recall_10:8.3f}{q.mrr:8.3f}"
        lines.append(f"{name:18}{figures}")
    return "\n".join(lines)
