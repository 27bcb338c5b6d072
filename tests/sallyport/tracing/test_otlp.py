"""Calls as spans, at a collector that reads OTLP as its specification has it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from sallyport.ids import new_id
from sallyport.tracing.otlp_sink import OtlpSink, otlp_sink
from sallyport.tracing.plugins import trace_sinks
from sallyport.tracing.record import CallRecord, PolicyRef
from sallyport.tracing.sinks import RejectedError, UnavailableError

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(BaseHTTPRequestHandler):
    status: int
    spans: list[Any]
    headers_seen: list[str | None]

    def do_POST(self) -> None:
        request = ExportTraceServiceRequest()
        request.ParseFromString(self.rfile.read(int(self.headers["content-length"])))
        type(self).headers_seen.append(self.headers.get("x-team"))
        if self.status == 200 and self.path == "/v1/traces":
            self.spans += [span for of in request.resource_spans for scope in of.scope_spans for span in scope.spans]
        self.send_response(self.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Collector]]:
    handler = type("Handler", (Collector,), {"status": 200, "spans": [], "headers_seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=blue")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield handler
        server.shutdown()
        thread.join()


def call(**fields: Any) -> CallRecord:
    return CallRecord(id=new_id(), started_at=time.time(), duration_ms=250.0, **fields)


def value(any_value: AnyValue) -> Any:
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(entry) for entry in any_value.array_value.values]
    return getattr(any_value, kind) if kind else None


def attributes(span: Any) -> dict[str, Any]:
    return {entry.key: value(entry.value) for entry in span.attributes}


def test_a_call_is_a_span_by_the_conventions(collector: type[Collector]) -> None:
    record = call(
        provider="bedrock",
        operation="converse",
        model="claude",
        session_id="thread",
        input_tokens=7,
        output_tokens=3,
        cost_nano=1_500,
        status=200,
        first_token_ms=40.0,
        inputs={"messages": [{"role": "user", "content": "hi"}]},
        redactions={"EMAIL": 2},
    )
    OtlpSink().send("collector", [record])
    (span,) = collector.spans
    assert (span.name, span.end_time_unix_nano - span.start_time_unix_nano) == ("chat claude", 250_000_000)
    assert span.parent_span_id == b""
    found = attributes(span)
    assert found["gen_ai.provider.name"] == "aws.bedrock"
    assert found["gen_ai.request.model"] == "claude"
    assert found["gen_ai.conversation.id"] == "thread"
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (7, 3)
    assert found["gen_ai.response.time_to_first_chunk"] == 0.04
    assert found["gen_ai.input.messages"] == '{"messages":[{"role":"user","content":"hi"}]}'
    assert (found["gateway.request_id"], found["gateway.cost_usd"]) == (record.id, "0.0000015")
    assert found["gateway.rules.EMAIL"] == 2
    assert collector.headers_seen == ["blue"]


def test_it_nests_under_the_callers_span(collector: type[Collector]) -> None:
    OtlpSink().send("collector", [call(trace_headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})])
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)


@pytest.mark.parametrize("header", ["", "00-zz-1-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE}"])
def test_what_is_no_traceparent_is_no_parent(collector: type[Collector], header: str) -> None:
    OtlpSink().send("collector", [call(trace_headers={"traceparent": header})])
    assert collector.spans[0].parent_span_id == b""


def test_a_blocked_call_is_an_error_that_names_its_policies(collector: type[Collector]) -> None:
    OtlpSink().send("collector", [call(outcome="blocked", reason="spend_limit", violated=[PolicyRef("p", "Cap")])])
    (span,) = collector.spans
    assert (span.status.code, span.status.message) == (2, "Cap")
    assert attributes(span)["error.type"] == "spend_limit"


def test_what_the_collector_never_takes_is_told_from_what_may_pass(collector: type[Collector]) -> None:
    collector.status = 400
    with pytest.raises(RejectedError, match="answers 400"):
        OtlpSink().send("collector", [call()])
    collector.status = 401
    with pytest.raises(UnavailableError, match="answers 401"):
        OtlpSink().send("collector", [call()])


def test_without_a_collector_there_is_no_such_sink() -> None:
    assert otlp_sink({"OTEL_EXPORTER_OTLP_HEADERS": "x=y"}) is None
    assert trace_sinks({}) == []
