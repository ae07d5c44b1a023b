"""Log lines, masked: as text for a terminal, as JSON for whatever collects them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from agent.privacy import MaskedFormatter, mask

FIELDS = ("conversation", "turn", "intent", "decision", "seconds")
"""What a line about a turn carries (`extra=`): ids, never words."""


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, message, and the fields of a turn."""

    def __init__(self, region: str) -> None:
        super().__init__("%(message)s")
        self._region = region

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": mask(super().format(record), self._region),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        return json.dumps(line, ensure_ascii=False)


def log_to_stderr(level: str, form: str, region: str) -> None:
    """`form` is text or json."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(region) if form == "json" else MaskedFormatter(region))
    handler.setLevel(level)  # on the handler: some libraries set levels of their own
    logging.basicConfig(level=level, handlers=[handler])
