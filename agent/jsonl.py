"""Conversations as lines of JSON, so that a program can play the customer.

A line in is a turn: `{"text", "choices", "photos", "audio", "video", "conversation"}`, each
optional; attachments are base64 or the path of a file here. A line out is its Reply, or
`{"error": ...}`. Without `conversation` all turns belong to one; a name of the program's own choice
begins another one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.agent import Agent
from agent.errors import CUSTOMER_ERRORS
from agent.sent import SentTurn, sentence
from agent.types import Done
from fusion.types import BadInput

KEYS = ("photos", "audio", "video")


def serve(agent: Agent) -> None:
    """Answer standard input on standard output until it ends; the agent is closed then."""
    with closing(agent):
        for line in replies(agent, sys.stdin):
            print(line, flush=True)


def replies(agent: Agent, lines: Iterable[str]) -> Iterator[str]:
    """One line for each line that is not empty. A line that cannot be used loses nothing."""
    conversations: dict[str, str] = {}
    for line in lines:
        if not line.strip():
            continue
        try:
            yield _reply(agent, line, conversations)
        except CUSTOMER_ERRORS as error:
            yield json.dumps({"error": str(error)}, ensure_ascii=False)


def _reply(agent: Agent, line: str, conversations: dict[str, str]) -> str:
    try:
        given = json.loads(line)
    except ValueError as error:
        raise BadInput(f"The line is not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise BadInput('A line is a turn: {"text": ..., "choices": [...]}.')
    name = str(given.pop("conversation", None) or "")
    for key in KEYS:
        if key in given:
            given[key] = _read(given[key])
    try:
        turn = SentTurn.model_validate(given).turn()
    except ValidationError as error:
        raise BadInput(sentence(error.errors())) from error
    if name not in conversations:
        known = name and agent.store.exists(name)
        conversations[name] = name if known else agent.store.new_conversation()
    with closing(agent.reply(turn, conversations[name])) as events:
        done = next(event for event in events if isinstance(event, Done))
    return done.reply.model_dump_json()


def _read(value: Any) -> Any:
    """The bytes of a file that is named; anything else as it is."""
    if isinstance(value, list):
        return [_read(one) for one in value]
    if isinstance(value, str) and len(value) < 4096 and "." in value and Path(value).is_file():
        return Path(value).read_bytes()
    return value
