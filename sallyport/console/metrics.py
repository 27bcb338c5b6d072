"""Prometheus text format (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from sallyport.console.call_counters import CallCounters
from sallyport.console.health import Dependency
from sallyport.console.histogram import Histogram
from sallyport.money import nano_to_usd
from sallyport.spend import rejected
from sallyport.tracing.recorder import RecorderStatus
from sallyport.tracing.relay import Relay

type Sample = tuple[Mapping[str, str], int | float | str]

_AT = ("provider", "model")


def render(
    status: RecorderStatus,
    counters: CallCounters,
    relays: Sequence[Relay],
    rejections: Mapping[str, int],
    dependencies: Mapping[str, Dependency],
    *,
    money: bool,
) -> str:
    """All metrics; spend only with `money`. `rejections`: by reason."""
    page = _Page()
    ups: list[Sample] = [({"dependency": name}, int(dependency.ok)) for name, dependency in dependencies.items()]
    page.add("up", "gauge", "Whether a dependency answers.", ups)
    page.count("calls", "Calls recorded since the start of the console.", counters.calls, (*_AT, "outcome"))
    page.count("calls_blocked", "Calls that the gateway refused.", counters.blocked, (*_AT, "reason"))
    page.count(
        "rejections",
        "What was turned down before it was a call: broken, slow, forbidden.",
        {(reason,): n for reason, n in rejections.items()},
        ("reason",),
    )
    page.count("tokens", "Tokens of recorded calls.", counters.tokens, (*_AT, "direction"))
    page.count("cache_tokens", "Input tokens read from or written to a prompt cache.", counters.cache_tokens, (*_AT, "access"))
    page.count("reasoning_tokens", "Output tokens that were reasoning.", counters.reasoning_tokens, _AT)
    page.count(
        "redactions", "Values replaced by placeholders.", {(name,): n for name, n in counters.redactions.items()}, ("category",)
    )
    if money:
        spend = {at: nano_to_usd(nano) for at, nano in counters.spend_nano.items()}
        page.count("spend_usd", "Cost of recorded calls in US dollars.", spend, _AT)
    page.times("gateway_seconds", "The gateway's own part of a successful call.", counters.gateway_seconds)
    page.times("provider_seconds", "The provider's part of a successful call.", counters.provider_seconds)
    page.times("first_token_seconds", "From a call's start to its answer's first token.", counters.first_token_seconds)
    unsettled: list[Sample] = [({}, rejected.count())]
    page.add("settlements_rejected_total", "counter", "Calls of dead workers and of journals that Redis can't settle.", unsettled)
    page.add("recorder_recorded_total", "counter", "Records brought to the ledger.", [({}, status.recorded)])
    page.add("recorder_buried_total", "counter", "Records that could not be recorded.", [({}, status.buried)])
    page.add("recorder_sink_failures_total", "counter", "Failures of trace sinks.", [({}, status.sink_failures)])
    page.add("recorder_waiting", "gauge", "Records that wait in Redis.", [({}, status.waiting)])
    lag = round(status.lag_seconds, 3)
    page.add("recorder_lag_seconds", "gauge", "How long the oldest waiting record has waited.", [({}, lag)])
    traces = [({"sink": relay.name}, relay) for relay in relays]
    page.add("traces_waiting", "gauge", "Traces that their sink does not have yet.", [(at, r.waiting) for at, r in traces])
    page.add("traces_delivered_total", "counter", "Traces that their sink has.", [(at, r.delivered) for at, r in traces])
    page.add(
        "traces_dropped_total", "counter", "Traces refused by their sink, or too many.", [(at, r.dropped) for at, r in traces]
    )
    return "\n".join(page.lines) + "\n"


class _Page:
    """The lines of the answer."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, name: str, kind: Literal["counter", "gauge"], help: str, samples: Iterable[Sample]) -> None:
        self._head(name, kind, help)
        self.lines += [f"sallyport_{name}{_labels(labels)} {value}" for labels, value in samples]

    def count(self, name: str, help: str, counts: Mapping[tuple[str, ...], int | str], labels: tuple[str, ...]) -> None:
        samples: list[Sample] = [(dict(zip(labels, values, strict=True)), n) for values, n in sorted(counts.items())]
        self.add(f"{name}_total", "counter", help, samples)

    def times(self, name: str, help: str, histogram: Histogram) -> None:
        self._head(name, "histogram", help)
        for values, buckets, total in histogram.series():
            labels: dict[str, str] = dict(zip(_AT, values, strict=True))
            self.lines += [f"sallyport_{name}_bucket{_labels({**labels, 'le': end})} {count}" for end, count in buckets]
            self.lines.append(f"sallyport_{name}_sum{_labels(labels)} {round(total, 6)}")
            self.lines.append(f"sallyport_{name}_count{_labels(labels)} {buckets[-1][1]}")

    def _head(self, name: str, kind: str, help: str) -> None:
        self.lines += [f"# HELP sallyport_{name} {help}", f"# TYPE sallyport_{name} {kind}"]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
