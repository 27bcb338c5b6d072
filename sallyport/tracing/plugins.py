"""The trace sinks beside LangSmith: OTLP, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from sallyport.tracing.sinks import TraceSink

ENTRY_POINT_GROUP = "sallyport.trace_sinks"
"""Entry points of it are callables: the environment in, a `TraceSink` out, or None where it asks for none."""


def trace_sinks(environ: Mapping[str, str]) -> list[TraceSink]:
    """Those that `environ` asks for. Raises what a package raises: a sink that was asked for and can't be is no small thing."""
    found: list[TraceSink] = []
    if any(name.startswith("OTEL_EXPORTER_OTLP") for name in environ):
        from sallyport.tracing.otlp_sink import otlp_sink  # its libraries take a quarter of a second, and 20 MB

        if sink := otlp_sink(environ):
            found.append(sink)
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        if sink := entry_point.load()(environ):
            found.append(sink)
    return found
