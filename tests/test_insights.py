"""What the store is asked for insights: exact counts of a few stored turns, in both databases."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text

from agent.insights import Bad, Count, Insights, Seconds, csv_of, grouped
from agent.store import Store
from agent.store.desk import let_go, queue
from agent.store.feedback import rate
from agent.store.insights import Asked, Counts, Span
from agent.types import (
    Answer,
    Chip,
    Decision,
    Decline,
    Found,
    FoundHit,
    HandOff,
    Heard,
    ProductCard,
    Reply,
    Understood,
)
from fusion.types import Transcript

TODAY = datetime.now(UTC).date()


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with closing(Store(database)) as store:
        yield store


def turn(
    store: Store,
    conversation: str,
    words: str,
    decision: Decision,
    *,
    intent: str = "product_search",
    present: tuple[str, ...] = ("text",),
    product: str = "",
    near: str = "",
    relaxed: tuple[str, ...] = (),
    seconds: float = 0.5,
    transcript: Transcript | None = None,
    text: str = "Yes.",
) -> Reply:
    """Stored as the agent stores it, with the events that are counted."""
    cards = (ProductCard(id=product, title=product, url="", price=1, currency="EUR", stock=1),)
    reply = Reply(
        id=f"r{np.random.default_rng().integers(2**60)}",
        conversation=conversation,
        text=text,
        decision=decision,
        intent=intent,
        products=cards if product else (),
        seconds={"words": seconds / 2, "find": seconds / 2},
        transcript=transcript,
    )
    hit = FoundHit(id=near, kind="product", title=near, score=0.5, ranks={}, passage="")
    store.append(
        conversation,
        words,
        reply,
        events=[
            Heard(
                words=words,
                transcript=transcript,
                printed=(),
                present=present,
                problems=(),
                photos=0,
            ),
            Understood(intent=intent, intents={}, out_of_scope=0, mood=0, attributions={}),
            Found(
                hits=(hit,) if near else (),
                relaxed=relaxed,
                wishes=(Chip(id="color", label="blue"),) if relaxed else (),
            ),
        ],
        priority=1 if isinstance(decision, HandOff) and decision.reason == "asked" else None,
    )
    return reply


def moved(store: Store, conversation: str, days: int) -> None:
    at = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")
    with store.engine.begin() as db:
        for table in ("turns", "hand_offs"):
            change = f"UPDATE {table} SET at = :at WHERE conversation = :id"
            db.execute(text(change), {"at": at, "id": conversation})


def test_every_count_is_exact(store: Store) -> None:
    whisper = Transcript("une tasse", "fr", 0.9, "whisper:base", 0.0, 2.0)
    sphinx = Transcript("a mug", "en", 0.5, "pocketsphinx", 0.0, 2.0)
    one, two, three, old = (store.new_conversation() for _ in range(4))
    turn(store, one, "a mug", Answer((), ""), product="Aster mug", seconds=1.0)
    turn(store, one, "in blue", Answer((), ""), product="Aster mug", relaxed=("blue",), near="Tove")
    bad = turn(
        store, two, "a bicycle", Decline("not_found"), near="Trivet", text="No, me@x.example"
    )
    rate(store, two, bad.id, "down", "useless")
    said = ("voice", "history")
    turn(store, two, "a tasse", Answer((), ""), present=said, transcript=whisper, seconds=3.0)
    turn(store, two, "", Decline("not_sold"), intent="availability", present=("photo",))
    turn(store, three, "a person", HandOff("asked", "s"), intent="person")
    turn(store, three, "hello?", HandOff("waiting", ""), present=("voice",), transcript=sphinx)
    turn(store, old, "long ago", Answer((), ""), product="Hazel teapot")
    moved(store, old, days=9)

    week = Counts(store, Span(TODAY - timedelta(days=6), TODAY))
    assert week.conversations() == (3, 2, 7)
    assert week.days() == [(TODAY.isoformat(), 3, 1)]
    assert week.intents() == [("product_search", 5), ("availability", 1), ("person", 1)]
    assert week.decisions() == [("answer", 3), ("decline", 2), ("handoff", 2)]
    assert week.products() == [("Aster mug", 1)]  # once a conversation
    assert week.languages() == [("fr", 1)]  # PocketSphinx knows one language only
    assert week.hand_offs() == [("asked", "open", 1)] and week.waits() == []
    came = week.came()
    assert sum("voice" in present for present, _ in came) == 2
    assert frozenset({"history"}) not in {present & {"history"} for present, _ in came}
    assert sorted(took for _, took in came) == [0.5, 0.5, 0.5, 0.5, 0.5, 1.0, 3.0]
    assert [(a.words, a.reason, a.near, a.photo) for a in week.unmet()] == [
        ("in blue", "blue", "Tove", False),
        ("a bicycle", "not_found", "Trivet", False),
        ("", "not_sold", "", True),
    ]
    good, rated = week.rated()
    assert good == 0 and [(r.words, r.comment) for r in rated] == [("a bicycle", "useless")]

    ever = Counts(store, Span(date(2020, 1, 1), date.max))
    assert ever.conversations()[0] == 4
    assert ever.products() == [("Aster mug", 1), ("Hazel teapot", 1)]
    nothing = Counts(store, Span(date(2020, 1, 1), date(2020, 1, 2)))
    assert nothing.conversations() == (0, 0, 0) and nothing.days() == [] and nothing.unmet() == []


def test_a_hand_off_is_let_go_by_the_one_who_has_it(store: Store) -> None:
    from agent.errors import Busy, NotFound

    asked = store.new_conversation()
    turn(store, asked, "a person please", HandOff("asked", "s"), intent="person")
    (waiting,) = queue(store)
    assert (waiting.words, waiting.person, waiting.priority) == ("a person please", "", 1)
    store.take_over(asked, "Ann")
    with pytest.raises(Busy, match="Ann already has"):
        let_go(store, asked, "Ben", "resolved")
    let_go(store, asked, "Ann", "open")
    assert queue(store)[0].person == "" and store.handed_off(asked) == "open"
    store.human_reply(asked, "Ben", "Hello, this is Ben.")
    let_go(store, asked, "Ben", "resolved")
    assert queue(store) == [] and store.handed_off(asked) == ""
    with pytest.raises(NotFound):
        let_go(store, asked, "Ben", "resolved")
    counts = Counts(store, Span(TODAY, TODAY))
    assert counts.hand_offs() == [("asked", "resolved", 1)]
    assert len(counts.waits()) == 1 and counts.conversations() == (1, 0, 1)


def test_questions_that_are_alike_are_one_demand() -> None:
    near = {"bike": (1.0, 0.0), "bicycle": (0.9, 0.43589), "vase": (0.0, 1.0), "": (0.1, 0.995)}
    asked = [
        Asked("c1", 1, "a vase", "not_sold", "Jug", False),
        Asked("c1", 2, "a bike", "not_found", "Trivet", False),
        Asked("c2", 1, "a bicycle for mia@x.example", "not_found", "Trivet", False),
        Asked("c3", 1, "", "not_sold", "Jug", True),
    ]

    def wanted(one: Asked) -> np.ndarray:
        return np.array(next(v for word, v in near.items() if word in one.words), np.float32)

    found = list(
        grouped(asked, wanted, lambda _, words: words.replace("mia@x.example", "[e-mail]"))
    )
    assert [(one.question, one.count, one.photos, one.near) for one in found] == [
        ("a vase", 2, 1, "Jug"),
        ("a bike", 2, 0, "Trivet"),
    ]
    assert found[1].examples == ("a bicycle for [e-mail]",)
    assert found[1].reasons == (Count(name="not_found", count=2),)


def test_a_spreadsheet_obeys_no_cell() -> None:
    nothing = Seconds(count=0, median=None, p95=None)
    bad = Bad(at="2026-11-25", question="=1+1", reply="+2", reason="@x", intent="")
    empty: dict = dict.fromkeys(
        ("days", "intents", "products", "decisions", "unmet", "hand_offs", "languages"), ()
    )
    found = Insights(
        since="2026-11-01", until="2026-11-25", conversations=0, turns=0, containment=None,
        resolution=None, rated_good=0, rated_bad=(bad,), modalities=(), response=nothing,
        response_by={}, waiting=nothing, **empty,
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(csv_of(found))))
    assert [row["name"] for row in rows if row["section"] == "rated_bad"] == ["'=1+1"]
    assert {row["value"] for row in rows if row["section"] == "seconds"} == {""}
    assert next(row for row in rows if row["name"] == "conversations")["value"] == "0"
