"""What customers want and how well they are served, from the shop's own conversations.

Every figure is counted over the whole span of days, nothing is sampled. Words of customers are
shown without what identifies a person (agent/privacy.py, and the names of those who were
identified).
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import lru_cache

import numpy as np

from agent.agent import Agent
from agent.policy import contentful
from agent.privacy import REGION, mask
from agent.store.desk import attachment, enclosed
from agent.store.insights import Asked, Counts, Span
from agent.types import Frozen
from fusion.types import BadInput
from knowledge.lexical import terms

ALIKE = 0.5  # cosine with a group's mean from which a question belongs to it
EXAMPLES = 3  # of each group of questions

Wanted = Callable[[Asked], np.ndarray]


class Count(Frozen):
    name: str
    count: int


class Day(Frozen):
    """A day (UTC) with a conversation; `handed`: of those, the ones a person was asked for."""

    day: str
    conversations: int
    handed: int


class Demand(Frozen):
    """Questions that are alike. `question` is the one nearest to their mean, `near` the title that
    the search found first most often, `reasons` why they were not met."""

    question: str
    count: int
    photos: int
    near: str
    reasons: tuple[Count, ...]
    examples: tuple[str, ...]


class Bad(Frozen):
    """A reply that its customer called bad."""

    at: str  # ISO 8601, UTC
    question: str
    reply: str
    reason: str  # as the customer gave it; "" when none was given
    intent: str


class Seconds(Frozen):
    """Seconds; None while there is nothing to measure."""

    count: int
    median: float | None
    p95: float | None


class Insights(Frozen):
    """Shares are in [0, 1]; None where nothing was there to share."""

    since: str
    until: str
    conversations: int
    turns: int
    containment: float | None  # conversations that no person was asked for
    resolution: float | None  # hand-offs that a person resolved
    days: tuple[Day, ...]
    intents: tuple[Count, ...]
    products: tuple[Count, ...]
    decisions: tuple[Count, ...]
    unmet: tuple[Demand, ...]
    rated_good: int
    rated_bad: tuple[Bad, ...]
    hand_offs: tuple[Count, ...]
    languages: tuple[Count, ...]
    modalities: tuple[Count, ...]
    response: Seconds  # from a turn to its reply, as the assistant works
    response_by: dict[str, Seconds]  # the same of the turns with each modality
    waiting: Seconds  # from a hand-off to a person's first words


def make_insights(agent: Agent, region: str = REGION) -> Callable[[date, date], Insights]:
    """Insights from this agent's store, for days from and to; what was encoded stays in memory."""

    @lru_cache(maxsize=20_000)
    def words_vector(words: str) -> np.ndarray:
        return agent.encoders.text.encode([words])[0]

    @lru_cache(maxsize=5_000)
    def photo_vector(conversation: str, turn: int) -> np.ndarray | None:
        for one in enclosed(agent.store, conversation):
            if (one.turn, one.kind) == (turn, "photo"):
                data = attachment(agent.store, conversation, turn, one.place).data
                try:
                    photo = agent.encoders.decoder.photo(data, agent.input_limits)
                except BadInput:
                    continue
                return agent.encoders.vision.encode([photo])[0]
        return None

    def wanted(asked: Asked) -> np.ndarray:
        """A question in the one space: by the words that say what is meant ("do you sell" is the
        same of everything), or by its photo where there are none."""
        said = [word for word in terms(asked.words) if contentful(word)]
        if asked.photo and not said:
            vector = photo_vector(asked.conversation, asked.place)
            if vector is not None:
                return vector
        return words_vector(" ".join(said) or asked.words)

    def insights(since: date, until: date) -> Insights:
        counts = Counts(agent.store, Span(since, until))
        conversations, kept, turns = counts.conversations()
        handed = counts.hand_offs()
        reasons: Counter[str] = Counter()
        for reason, _, count in handed:
            reasons[reason] += count
        resolved = sum(count for _, state, count in handed if state == "resolved")
        unmet = counts.unmet()
        good, bad = counts.rated()
        spoken = [one.conversation for one in unmet] + [one.conversation for one in bad]
        names = counts.names(spoken)
        came = counts.came()
        used = Counter(modality for present, _ in came for modality in present)

        def hidden(conversation: str, words: str) -> str:
            masked = mask(words, region)
            for name in names.get(conversation, ()):
                masked = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "[name]", masked, flags=re.I)
            return masked

        return Insights(
            since=since.isoformat(),
            until=until.isoformat(),
            conversations=conversations,
            turns=turns,
            containment=kept / conversations if conversations else None,
            resolution=resolved / reasons.total() if handed else None,
            days=tuple(
                Day(day=day, conversations=every, handed=some) for day, every, some in counts.days()
            ),
            intents=_counts(counts.intents()),
            products=_counts(counts.products()),
            decisions=_counts(counts.decisions()),
            unmet=tuple(grouped(unmet, wanted, hidden)),
            rated_good=good,
            rated_bad=tuple(
                Bad(
                    at=one.at,
                    question=hidden(one.conversation, one.words),
                    reply=hidden(one.conversation, one.reply),
                    reason=hidden(one.conversation, one.comment),
                    intent=one.intent,
                )
                for one in bad
            ),
            hand_offs=_counts(reasons.most_common()),
            languages=_counts(counts.languages()),
            modalities=_counts(used.most_common()),
            response=_seconds([took for _, took in came]),
            response_by={
                name: _seconds([took for present, took in came if name in present])
                for name, _ in used.most_common()
            },
            waiting=_seconds(counts.waits()),
        )

    return insights


def grouped(
    unmet: Sequence[Asked], wanted: Wanted, hidden: Callable[[str, str], str]
) -> Iterator[Demand]:
    """Questions that mean nearly the same as one, the largest group first.

    Greedy: each joins the group whose mean is nearest, if that is ALIKE, or begins one.
    """
    sums: list[np.ndarray] = []
    groups: list[list[tuple[Asked, np.ndarray]]] = []
    for asked in unmet:
        vector = wanted(asked)
        near = [float(total @ vector / np.linalg.norm(total)) for total in sums]
        best = int(np.argmax(near)) if near else -1
        if best < 0 or near[best] < ALIKE:
            sums.append(vector.copy())
            groups.append([(asked, vector)])
        else:
            sums[best] += vector
            groups[best].append((asked, vector))
    for group, total in sorted(zip(groups, sums, strict=True), key=lambda pair: -len(pair[0])):
        nearness = [-float(vector @ total) for _, vector in group]
        by_nearness = [group[at][0] for at in np.argsort(nearness, kind="stable")]
        said = [hidden(one.conversation, one.words) for one in by_nearness]
        said = [words for words in dict.fromkeys(said) if words.strip()]
        near_by = Counter(one.near for one in by_nearness if one.near)
        near_most = near_by.most_common(1)[0][0] if near_by else ""
        yield Demand(
            question=said[0] if said else "(a photo, without words)",
            count=len(group),
            photos=sum(one.photo for one in by_nearness),
            near=near_most,
            reasons=_counts(Counter(one.reason for one in by_nearness).most_common()),
            examples=tuple(said[1 : EXAMPLES + 1]),
        )


def csv_of(found: Insights) -> str:
    """One row a figure: section, name, value, and what else there is to say."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(("section", "name", "value", "detail"))
    for section, name, value, detail in _table(found):
        rows.writerow((section, _harmless(name), value, _harmless(detail)))
    return written.getvalue()


def _table(found: Insights) -> Iterator[tuple[str, str, object, str]]:
    days = f"{found.since} to {found.until}"
    for name in ("conversations", "turns", "containment", "resolution", "rated_good"):
        value = getattr(found, name)
        yield "figures", name, "" if value is None else value, days
    for day in found.days:
        yield "days", day.day, day.conversations, f"{day.handed} handed to a person"
    for section in (
        "intents", "products", "decisions", "hand_offs", "languages", "modalities",
    ):  # fmt: skip
        for count in getattr(found, section):
            yield section, count.name, count.count, ""
    for want in found.unmet:
        why = ", ".join(f"{one.name} {one.count}" for one in want.reasons)
        also = " | ".join(want.examples)
        yield "unmet", want.question, want.count, f"{why}; photos {want.photos}; {also}"
    for bad in found.rated_bad:
        yield "rated_bad", bad.question, bad.at, f"{bad.reason} | {bad.reply}"
    spent = {"response": found.response, "waiting": found.waiting}
    spent |= {f"response, {name}": one for name, one in found.response_by.items()}
    for name, one in spent.items():
        for part in ("median", "p95"):
            value = getattr(one, part)
            yield "seconds", f"{name}, {part}", "" if value is None else value, f"{one.count}"


def _harmless(cell: str) -> str:
    """No formula: a spreadsheet would obey it."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _counts(pairs: Sequence[tuple[str, int]]) -> tuple[Count, ...]:
    return tuple(Count(name=name, count=count) for name, count in pairs)


def _seconds(measured: Sequence[float]) -> Seconds:
    """By nearest rank: both are figures that were measured."""
    ranked = sorted(measured)

    def rank(share: float) -> float | None:
        return round(ranked[math.ceil(share * len(ranked)) - 1], 3) if ranked else None

    return Seconds(count=len(ranked), median=rank(0.5), p95=rank(0.95))
