"""Each call as a span, over OTLP, where the environment names a collector by OpenTelemetry's own variables."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExportResult

from sallyport.tracing.otlp_span import span_of
from sallyport.tracing.record import CallRecord
from sallyport.tracing.sinks import RejectedError, UnavailableError

_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NEVER_TAKEN = frozenset({400, 413, 415, 422})
_LANE = "collector"

# The exporter logs each failure, with what the collector answered; the relay says it once.
for _name in ("exporter.otlp.proto.http.trace_exporter", "exporter.otlp.proto.http._common", "exporter.otlp.common.http"):
    logging.getLogger(f"opentelemetry.{_name}").setLevel(logging.CRITICAL)


class OtlpSink:
    name = "otlp"

    def __init__(self) -> None:
        self._statuses: list[int] = []
        session = requests.Session()
        session.hooks["response"].append(self._note)
        self._exporter = OTLPSpanExporter(session=session)
        self._resource = Resource.create({"service.name": "sallyport"})

    def lane(self, record: CallRecord) -> str | None:
        return _LANE

    def send(self, lane: str, records: Sequence[CallRecord]) -> None:
        try:
            spans = [span_of(record, self._resource) for record in records]
        except ValueError:
            raise RejectedError("a call can't be shown as a span") from None
        self._statuses.clear()
        if self._exporter.export(spans) is SpanExportResult.SUCCESS:
            return
        if not self._statuses:
            raise UnavailableError("the collector can't be reached")
        said = f"the collector answers {self._statuses[-1]}"
        raise RejectedError(said) if self._statuses[-1] in _NEVER_TAKEN else UnavailableError(said)

    def _note(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """The exporter does not tell why it failed."""
        self._statuses.append(response.status_code)


def otlp_sink(environ: Mapping[str, str]) -> OtlpSink | None:
    """None: the environment names no collector. It says the rest too: headers, certificate, compression, service name."""
    return OtlpSink() if any(environ.get(name) for name in _VARIABLES) else None
