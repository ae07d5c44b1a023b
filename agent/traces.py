"""Traces: a span a turn and one for each of its stages, to a collector by OTLP over HTTP.

Made from the line that the agent logs when a turn is answered, so they hold what the log holds:
which conversation, which intent, how long, and not a word that was said.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.errors import SetupError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SECOND = 1_000_000_000  # nanoseconds


class TurnSpans(logging.Handler):
    """Makes spans of the line about an answered turn."""

    def __init__(self, provider: TracerProvider) -> None:
        super().__init__()
        self._tracer = provider.get_tracer("deskhand")

    def emit(self, record: logging.LogRecord) -> None:
        from opentelemetry.trace import set_span_in_context

        stages: dict[str, float] | None = getattr(record, "seconds", None)
        if stages is None:
            return
        end = round(record.created * SECOND)
        at = end - round(sum(stages.values()) * SECOND)
        names = ("conversation", "turn", "intent", "decision")
        said = {f"deskhand.{name}": getattr(record, name) for name in names}
        turn = self._tracer.start_span("turn", start_time=at, attributes=said)
        inside = set_span_in_context(turn)
        for stage, seconds in stages.items():  # one after another, in this order
            span = self._tracer.start_span(stage, inside, start_time=at)
            at += round(seconds * SECOND)
            span.end(at)
        turn.end(end)


@contextmanager
def tracing(address: str | None) -> Iterator[None]:
    """Meanwhile, spans go to the collector at `address` (http://host:4318/v1/traces), if any.

    They are sent beside the turns: none waits for a collector. Raises SetupError when
    OpenTelemetry is not installed.
    """
    if address is None:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise SetupError(
            "DESKHAND_TRACES is set, but OpenTelemetry is not installed: "
            'pip install "deskhand[traces]".'
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "deskhand"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(address)))
    turns, spans = logging.getLogger("agent.agent"), TurnSpans(provider)
    turns.addHandler(spans)
    turns.setLevel(logging.INFO)  # what is shown of it, the level of the other handler says
    try:
        yield
    finally:
        turns.removeHandler(spans)
        provider.shutdown()  # sends what is left
