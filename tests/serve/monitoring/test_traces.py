"""A request's span continues its caller's trace, and the answer names the span."""

from __future__ import annotations

import json
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from headwater.cli import main
from headwater.serve import run as server
from headwater.serve.app import build
from headwater.serve.monitoring.traces import Traced, provider_for
from support.processes.served import served

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="pip install 'headwater[otel]'")
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def traced(tmp_path):
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with served(tmp_path / "a.db") as (state, _):
        yield TestClient(Traced(build(state), provider)), exporter


def test_a_span_continues_the_callers_trace_and_the_answer_carries_the_spans_own(traced):
    client, exporter = traced
    answer = client.get("/models/default", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    (span,) = exporter.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == PARENT
    assert answer.headers["traceparent"] == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert span.name == "GET /models/{model}"
    assert dict(span.attributes) == {
        "http.request.method": "GET", "url.path": "/models/default", "http.route": "/models/{model}",
        "http.response.status_code": 200,
    }  # fmt: skip


def test_a_trace_begins_where_the_caller_has_none_or_writes_nonsense(traced):
    client, exporter = traced
    client.get("/models")
    client.get("/models", headers={"traceparent": "00-nonsense"})
    first, second = exporter.get_finished_spans()
    assert first.parent is None
    assert second.parent is None
    assert first.context.trace_id != second.context.trace_id


def test_what_is_asked_every_few_seconds_is_not_traced(traced):
    client, exporter = traced
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert client.get(path).status_code == 200
    assert exporter.get_finished_spans() == ()


class Collector(BaseHTTPRequestHandler):
    bodies: list

    def do_POST(self):
        self.bodies.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def test_spans_reach_a_collector_when_the_provider_ends():
    bodies: list = []
    with HTTPServer(("127.0.0.1", 0), type("Own", (Collector,), {"bodies": bodies})) as collector:
        thread = threading.Thread(target=collector.serve_forever, daemon=True)
        thread.start()
        provider = provider_for(f"http://127.0.0.1:{collector.server_port}")
        with provider.get_tracer("test").start_as_current_span("POST /learn"):
            pass
        provider.shutdown()
        collector.shutdown()
        thread.join()
    ((path, body),) = bodies
    assert path == "/v1/traces"
    assert b"POST /learn" in body
    assert b"headwater" in body


def test_the_command_traces_only_when_asked(tmp_path, monkeypatch):
    kept = []

    def run(state, *, sock, **_):
        kept.append(state.traces)
        state.service.close()
        sock.close()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server, "run", run)
    assert main(["serve", "--port", "0"]) == 0
    assert main(["serve", "--port", "0", "--traces", "http://127.0.0.1:1"]) == 0
    assert kept[0] is None
    assert json.loads(kept[1].resource.to_json())["attributes"]["service.name"] == "headwater"
