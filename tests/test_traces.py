"""Traces as a collector gets them: a real exporter, a local server that plays the collector."""

import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from agent.errors import SetupError
from agent.traces import tracing
from fusion.types import Turn

trace_service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="needs the extra traces"
)


@pytest.fixture
def collector():
    got = trace_service.ExportTraceServiceRequest()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.MergeFrom(trace_service.ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_turn_and_its_stages_and_no_word_of_it(agent, collector):
    address, got = collector
    conversation = agent.store.new_conversation()
    with tracing(address):
        *_, done = agent.reply(Turn("Do you have a blue mug?"), conversation)
    spans = [s for r in got.resource_spans for scope in r.scope_spans for s in scope.spans]
    turn = next(span for span in spans if span.name == "turn")
    stages = [span for span in spans if span.parent_span_id == turn.span_id]
    assert {span.name for span in stages} == set(done.reply.seconds)
    assert all(span.trace_id == turn.trace_id for span in stages)
    for span in stages:
        took = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9
        assert took == pytest.approx(done.reply.seconds[span.name], abs=1e-6)
    said = {item.key: item.value.string_value for item in turn.attributes}
    assert said["deskhand.conversation"] == conversation
    assert said["deskhand.intent"] == done.reply.intent
    assert b"blue" not in got.SerializeToString()


def test_a_collector_that_is_not_there_keeps_nobody_waiting(agent, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1")
    with tracing("http://127.0.0.1:9/v1/traces"):
        *_, done = agent.reply(Turn("hello"), agent.store.new_conversation())
    assert done.reply.text


def test_without_the_extra_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SetupError, match=r"deskhand\[traces\]"), tracing("http://127.0.0.1:9/"):
        pass
    assert not logging.getLogger("agent.agent").handlers
