"""Prometheus text format (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from sallyport.console.call_counters import CallCounters
from sallyport.console.health import Dependency
from sallyport.money import nano_to_usd
from sallyport.tracing.recorder import RecorderStatus

type Sample = tuple[Mapping[str, str], int | float | str]


def render(status: RecorderStatus, counters: CallCounters, dependencies: Mapping[str, Dependency], *, money: bool) -> str:
    """All metrics; spend only with `money`."""
    lines: list[str] = []

    def add(name: str, kind: Literal["counter", "gauge"], help: str, samples: Iterable[Sample]) -> None:
        lines.append(f"# HELP sallyport_{name} {help}")
        lines.append(f"# TYPE sallyport_{name} {kind}")
        lines.extend(f"sallyport_{name}{_labels(labels)} {value}" for labels, value in samples)

    add("up", "gauge", "Whether a dependency answers.", [({"dependency": n}, int(d.ok)) for n, d in dependencies.items()])
    add(
        "calls_total",
        "counter",
        "Calls recorded since the start of the console.",
        [({"provider": p, "outcome": o}, n) for (p, o), n in sorted(counters.calls.items())],
    )
    add(
        "tokens_total",
        "counter",
        "Tokens of recorded calls.",
        [({"provider": p, "direction": d}, n) for (p, d), n in sorted(counters.tokens.items())],
    )
    if money:
        spend = [({"provider": p}, nano_to_usd(nano)) for p, nano in sorted(counters.spend_nano.items())]
        add("spend_usd_total", "counter", "Cost of recorded calls in US dollars.", spend)
    add("recorder_recorded_total", "counter", "Records brought to the ledger.", [({}, status.recorded)])
    add("recorder_buried_total", "counter", "Records that could not be recorded.", [({}, status.buried)])
    add("recorder_sink_failures_total", "counter", "Failures of trace sinks.", [({}, status.sink_failures)])
    add("recorder_waiting", "gauge", "Records that wait in Redis.", [({}, status.waiting)])
    add("recorder_lag_seconds", "gauge", "How long the oldest waiting record has waited.", [({}, round(status.lag_seconds, 3))])
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
