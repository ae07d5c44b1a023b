"""How well conversations get things done: a played customer, and the shop's state afterwards.

A task is a line of JSON:

    name      what it is about
    customer  id of the one who writes
    openings  the first message, in four wordings: one run each
    answers   for each wish, in order: its action, and what the customer says for each slot; a
              wish with an opening of its own (`say`) is told when the ones before are over
    words     the same answers as a person would write them (fourth run); optional
    between   slot -> what is said once instead of the answer: a question, another thought; optional
    expect    what differs afterwards: `orders` and `users` by id, field by field

The customer sees nothing but the question's slot and choices. Three runs answer with the ids of
choices, with ids as text, and with the labels of the choices; the fourth with `words`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agent.agent import Agent
from agent.shop import SqlShop
from agent.shop_file import ShopFile
from agent.types import Ask, Done, Reply
from agent.wishes import SWAPS
from fusion.types import BadInput, Turn

RUNS = 4
TURNS = 40  # of one conversation at most
CENT = 0.005


class Task(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    customer: str
    openings: tuple[str, str, str, str]
    answers: tuple[dict[str, Any], ...] = ()
    words: dict[str, str] = {}
    between: dict[str, str] = {}
    expect: dict[str, dict[str, dict[str, Any]]] = {}


@dataclass(slots=True)
class Played:
    """One conversation: what was said, how long each turn took, and how the shop stands."""

    task: Task
    run: int
    right: bool = False
    forbidden: list[str] = field(default_factory=list)  # records changed that should not be
    said: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def read_tasks(path: Path) -> list[Task]:
    """Raises BadInput when a line is no task."""
    try:
        lines = path.read_text("utf-8").splitlines()
        return [TypeAdapter(Task).validate_json(line) for line in lines if line.strip()]
    except (OSError, ValidationError) as error:
        raise BadInput(f"{path} is no file of tasks: {error}") from error


def play_all(
    agent: Agent, shop: SqlShop, file: ShopFile, tasks: Sequence[Task]
) -> Iterator[Played]:
    """Every task in every wording, each on the shop as the file has it."""
    shop.load(file, shop.rules, anew=True)
    before = shop.export()
    for task in tasks:
        for run in range(RUNS):
            played = _play(agent, before, task, run)
            after = shop.export()
            expected = _patched(before, task.expect)
            played.right = _same(after, expected)
            played.forbidden = [
                f"{group} {id}"
                for group, records in after.items()
                for id, record in records.items()
                if id not in task.expect.get(group, {}) and not _same(record, before[group][id])
            ]
            if not _same(after, before):
                shop.load(file, shop.rules, anew=True)
            yield played


def _play(agent: Agent, shop: Mapping[str, Any], task: Task, run: int) -> Played:
    played = Played(task, run)
    customer = Customer(shop["users"][task.customer], task, run)
    conversation = agent.store.new_conversation()
    turn: Turn | None = Turn(task.openings[run])
    while turn is not None and len(played.seconds) < TURNS:
        played.said.append(f"> {turn.text} {list(turn.choices) or ''}".rstrip())
        began = perf_counter()
        with closing(agent.reply(turn, conversation)) as events:
            reply = next(event.reply for event in events if isinstance(event, Done))
        played.seconds.append(perf_counter() - began)
        played.said.append(f"  {reply.text}")
        turn = customer.answer(reply)
    return played


class Customer:
    """Who a task describes; knows of a reply only its decision."""

    def __init__(self, user: Mapping[str, Any], task: Task, run: int) -> None:
        name = user["name"]
        self._who = {
            "email": user["email"],
            "full_name": f"{name['first_name']} {name['last_name']}",
            "zip": user["address"]["zip"],
        }
        self._task, self._run = task, run
        self._between = dict(task.between)
        self._told = {n for n, wish in enumerate(task.answers) if "say" not in wish}

    def answer(self, reply: Reply) -> Turn | None:
        """The next turn; None when there is nothing left to say."""
        asked = reply.decision
        if not isinstance(asked, Ask) or asked.slot == "wish":
            return self._next_wish()
        if said := self._between.pop(asked.slot, ""):
            return Turn(said)
        value = self._value(asked)
        if value is None:
            return Turn("I don't know.")
        if asked.slot in self._who or self._run == 3:
            return Turn(self._task.words.get(asked.slot) or _text(value))
        ids = value if isinstance(value, list) else [value]
        labels = {choice.id: choice.label for choice in asked.choices}
        if self._run == 0 and all(id in labels for id in map(str, ids)):
            return Turn(choices=tuple(ids))
        if self._run == 2 and asked.slot != "address":
            return Turn(", ".join(labels.get(str(id), str(id)) for id in ids))
        return Turn(_text(value))

    def _next_wish(self) -> Turn | None:
        for n, wish in enumerate(self._task.answers):
            if n not in self._told:
                self._told.add(n)
                return Turn(wish["say"])
        return None

    def _value(self, asked: Ask) -> Any:
        """For the wish that is asked about, in words of the task."""
        if asked.slot in self._who:
            given = [wish[asked.slot] for wish in self._task.answers if asked.slot in wish]
            return given[0] if given else self._who[asked.slot]
        told = [wish for n, wish in enumerate(self._task.answers) if n in self._told]
        about = [wish for wish in told if _about(wish, asked)] or told
        values = [wish[asked.slot] for wish in about if asked.slot in wish]
        if not values and asked.slot == "confirm":
            return "yes"
        if asked.slot == "new_items" and values:
            offered = {choice.id for choice in asked.choices}
            flat = [str(id) for value in values for id in value]
            return [id for id in flat if id in offered][:1] or flat
        return values[-1] if values else None


def _about(wish: Mapping[str, Any], asked: Ask) -> bool:
    action = wish.get("action")
    same = action == asked.action or {action, asked.action} <= SWAPS
    return same and asked.order_id in (None, wish.get("order_id"))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(filter(None, (value[name] for name in ADDRESS)))
    return str(value)


ADDRESS = ("address1", "address2", "city", "state", "country", "zip")


def _patched(before: Any, patch: Any) -> Any:
    """`before` with the fields of `patch`, which may be nested."""
    if not isinstance(patch, dict) or not isinstance(before, dict):
        return patch
    merged = dict(before)
    for key, value in patch.items():
        merged[key] = _patched(before.get(key), value) if key in before else value
    return merged


def _same(one: Any, other: Any) -> bool:
    """Equal, sums to the cent."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        numbers = all(isinstance(n, int | float) for n in (one, other))
        return numbers and abs(one - other) < CENT
    return one == other


def summary(played: Sequence[Played]) -> str:
    """The figures of the design, a line each."""
    by_task: dict[str, list[bool]] = {}
    for one in played:
        by_task.setdefault(one.task.name, []).append(one.right)
    seconds = sorted(1000 * s for one in played for s in one.seconds)
    wrong = [f"{one.task.name} (wording {one.run + 1})" for one in played if not one.right]
    lines = [
        f"{len(by_task)} tasks, {len(played)} conversations, {len(seconds)} turns",
        f"all {RUNS} wordings right  {_share([all(runs) for runs in by_task.values()])}",
        f"conversations right    {_share([one.right for one in played])}",
        f"forbidden changes      {sum(len(one.forbidden) for one in played)}",
        f"ms a turn              p50 {_at(seconds, 0.5):.0f}, p95 {_at(seconds, 0.95):.0f}",
        *(f"wrong: {name}" for name in wrong),
    ]
    return "\n".join(lines)


def _share(values: Sequence[bool]) -> str:
    return f"{sum(values) / max(len(values), 1):.1%} ({sum(values)} of {len(values)})"


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def save(played: Sequence[Played], path: Path) -> None:
    """Every conversation as it went, a line each."""
    rows = [
        {"task": p.task.name, "run": p.run, "right": p.right, "forbidden": p.forbidden}
        | {"said": p.said}
        for p in played
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
