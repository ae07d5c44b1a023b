"""What the store says of a span of days, counted by SQL in SQLite and PostgreSQL alike.

Days are UTC. A turn counts on the day it was stored, a hand-off on the day it began. What a person
wrote is no customer's turn: its intent is "".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, text

from agent.store import PERSON, Store

DAYS = "substr({at}, 1, 10) BETWEEN :since AND :until"


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days, both included."""

    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Asked:
    """A customer's turn that was not answered as wished."""

    conversation: str
    place: int
    words: str
    reason: str  # not_found, not_sold, out_of_scope, failed; or the wish that nothing fulfils
    near: str  # title of what the search put first; "" where it found nothing
    photo: bool


@dataclass(frozen=True, slots=True)
class Rated:
    """A reply that a customer called bad."""

    conversation: str
    at: str
    words: str
    reply: str
    comment: str
    intent: str


class Counts:
    """The counts of one store and span; each method is one statement."""

    def __init__(self, store: Store, span: Span) -> None:
        self._engine = store.engine
        self._span = {"since": span.since.isoformat(), "until": span.until.isoformat()}

    def conversations(self) -> tuple[int, int, int]:
        """(those with a customer's turn, those of them that no person was asked for, turns)"""
        (row,) = self._rows(
            "SELECT COUNT(DISTINCT t.conversation) AS every, COUNT(DISTINCT CASE WHEN NOT EXISTS"
            " (SELECT 1 FROM hand_offs h WHERE h.conversation = t.conversation)"
            " THEN t.conversation END) AS kept, COUNT(*) AS turns"
            f" FROM turns t WHERE {self._asked('t')}"
        )
        return row.every, row.kept, row.turns

    def days(self) -> list[tuple[str, int, int]]:
        """(day, conversations, those of them that a person was asked for), oldest first"""
        rows = self._rows(
            "SELECT substr(t.at, 1, 10) AS day, COUNT(DISTINCT t.conversation) AS every,"
            " COUNT(DISTINCT h.conversation) AS handed FROM turns t"
            " LEFT JOIN hand_offs h ON h.conversation = t.conversation"
            f" WHERE {self._asked('t')} GROUP BY substr(t.at, 1, 10) ORDER BY day"
        )
        return [(row.day, row.every, row.handed) for row in rows]

    def intents(self) -> list[tuple[str, int]]:
        """Customers' turns by intent, the most first."""
        return self._counted(self._json("t.reply", "intent"), "COUNT(*)")

    def decisions(self) -> list[tuple[str, int]]:
        """Customers' turns by what was decided: answer, ask, act, handoff, decline."""
        return self._counted(self._json("t.reply", "decision", "kind"), "COUNT(*)")

    def products(self) -> list[tuple[str, int]]:
        """Conversations by the product that a reply showed first."""
        title = self._json("t.reply", "products", "0", "title")
        return self._counted(title, "COUNT(DISTINCT t.conversation)", f" AND {title} IS NOT NULL")

    def hand_offs(self) -> list[tuple[str, str, int]]:
        """(reason, state, count); a state is open, taken, resolved or returned"""
        rows = self._rows(
            "SELECT reason, state, COUNT(*) AS n FROM hand_offs"
            f" WHERE {DAYS.format(at='at')} GROUP BY reason, state ORDER BY n DESC, reason, state"
        )
        return [(row.reason, row.state, row.n) for row in rows]

    def waits(self) -> list[float]:
        """Seconds from each hand-off to the first words of a person, where there were any."""
        first = (
            "(SELECT MIN(t.at) FROM turns t WHERE t.conversation = h.conversation AND t.at >= h.at"
            f" AND {self._json('t.reply', 'decision', 'reason')} = :person)"
        )
        rows = self._rows(
            f"SELECT h.at AS begun, {first} AS written FROM hand_offs h"
            f" WHERE {DAYS.format(at='h.at')}",
            person=PERSON,
        )
        both = [(row.begun, row.written) for row in rows if row.written]
        return [
            (datetime.fromisoformat(written) - datetime.fromisoformat(begun)).total_seconds()
            for begun, written in both
        ]

    def came(self) -> list[tuple[frozenset[str], float]]:
        """Of each customer's turn what it came as (text, voice, photo, video ...; without what was
        said before), and the seconds until its reply was there."""
        rows = self._rows(
            f"SELECT e.event, {self._json('t.reply', 'seconds')} AS seconds FROM turns t"
            " JOIN events e ON e.conversation = t.conversation AND e.turn = t.place"
            f" WHERE e.place = 0 AND {self._asked('t')}"
        )
        return [
            (
                frozenset(json.loads(row.event).get("present", ())) - {"history"},
                sum(json.loads(row.seconds or "{}").values()),
            )
            for row in rows
        ]

    def languages(self) -> list[tuple[str, int]]:
        """Customers' turns by language, as far as it was told: by the event, or by Whisper."""
        engine = self._json("t.reply", "transcript", "engine")
        heard = self._json("t.reply", "transcript", "language")
        told = (
            f"COALESCE({self._json('e.event', 'language')},"
            f" CASE WHEN {engine} LIKE 'whisper%' THEN {heard} END)"
        )
        rows = self._rows(
            f"SELECT {told} AS name, COUNT(*) AS n FROM turns t"
            " JOIN events e ON e.conversation = t.conversation AND e.turn = t.place"
            f" WHERE e.place = 0 AND {self._asked('t')} AND {told} IS NOT NULL"
            f" GROUP BY {told} ORDER BY n DESC, name"
        )
        return [(row.name, row.n) for row in rows]

    def unmet(self) -> list[Asked]:
        """What was not found or not sold, and wishes that nothing fulfilled, oldest first."""
        reason = self._json("t.reply", "decision", "reason")
        kind = self._json("t.reply", "decision", "kind")
        rows = self._rows(
            f"SELECT t.conversation, t.place, t.words, {kind} AS kind, {reason} AS reason,"
            " h.event AS heard, f.event AS found FROM turns t"
            " JOIN events h ON h.conversation = t.conversation AND h.turn = t.place"
            " AND h.place = 0"
            " LEFT JOIN events f ON f.conversation = t.conversation AND f.turn = t.place"
            " AND f.place = 2"
            f" WHERE {self._asked('t')} AND ({reason} IN"
            " ('not_found', 'not_sold', 'out_of_scope', 'failed')"
            f" OR ({kind} = 'answer' AND {self._json('f.event', 'relaxed', '0')} IS NOT NULL))"
            " ORDER BY t.at, t.conversation, t.place"
        )
        unmet = []
        for row in rows:
            found = json.loads(row.found or "{}")
            near = next((hit["title"] for hit in found.get("hits", ())), "")
            why = row.reason if row.kind != "answer" else ", ".join(found["relaxed"])
            photo = "photo" in json.loads(row.heard).get("present", ())
            unmet.append(Asked(row.conversation, row.place, row.words, why, near, photo))
        return unmet

    def rated(self) -> tuple[int, list[Rated]]:
        """How many replies were called good; those that were called bad, newest first."""
        rows = self._rows(
            "SELECT f.rating, f.conversation, f.at, f.comment, t.words,"
            f" {self._json('t.reply', 'text')} AS reply,"
            f" {self._json('t.reply', 'intent')} AS intent"
            " FROM feedback f JOIN turns t ON t.reply_id = f.reply_id"
            f" WHERE {DAYS.format(at='f.at')} ORDER BY f.at DESC"
        )
        bad = [
            Rated(row.conversation, row.at, row.words, row.reply, row.comment, row.intent)
            for row in rows
            if row.rating < 0
        ]
        return len(rows) - len(bad), bad

    def names(self, conversations: Sequence[str]) -> dict[str, list[str]]:
        """The names of the customer who was identified in each of these conversations."""
        query = text("SELECT id, flow FROM conversations WHERE id IN :ids AND flow <> ''")
        query = query.bindparams(bindparam("ids", expanding=True))
        found: dict[str, list[str]] = {}
        some = sorted(set(conversations))
        with self._engine.begin() as db:
            for at in range(0, len(some), 500):  # SQLite takes so many parameters at once
                for row in db.execute(query, {"ids": some[at : at + 500]}):
                    name = (json.loads(row.flow).get("customer") or {}).get("name") or {}
                    found[row.id] = [part for part in map(str, name.values()) if len(part) > 1]
        return found

    # --- How it is asked ------------------------------------------------------------------------

    def _counted(self, name: str, count: str, also: str = "") -> list[tuple[str, int]]:
        rows = self._rows(
            f"SELECT {name} AS name, {count} AS n FROM turns t WHERE {self._asked('t')}{also}"
            f" GROUP BY {name} ORDER BY n DESC, name"
        )
        return [(row.name, row.n) for row in rows]

    def _asked(self, turns: str) -> str:
        """Customers' turns of the span."""
        intent = self._json(f"{turns}.reply", "intent")
        return f"{DAYS.format(at=f'{turns}.at')} AND {intent} <> ''"

    def _json(self, column: str, *path: str) -> str:
        """The text at a path of a JSON column; NULL where there is none."""
        if self._engine.name == "postgresql":
            return f"({column}::json #>> '{{{','.join(path)}}}')"
        steps = "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in path)
        return f"json_extract({column}, '${steps}')"

    def _rows(self, query: str, **values: Any) -> Sequence[Row]:
        with self._engine.begin() as db:
            return db.execute(text(query), self._span | values).all()
