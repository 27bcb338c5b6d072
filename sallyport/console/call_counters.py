"""Counts the calls that the recorder brings to the ledger, for Prometheus. From zero at each start, as Prometheus expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sallyport.console.histogram import Histogram
from sallyport.tracing.record import CallRecord

_MOST_MODELS = 100
_OURS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_THEIRS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class CallCounters:
    """A sink of the recorder. Every key starts with (provider, model); times are seconds, of calls that a provider answered."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, ...]] = Counter()
        """… and outcome."""
        self.blocked: Counter[tuple[str, ...]] = Counter()
        """… and reason."""
        self.tokens: Counter[tuple[str, ...]] = Counter()
        """… and input or output."""
        self.cache_tokens: Counter[tuple[str, ...]] = Counter()
        """… and read or write; input tokens count them too."""
        self.reasoning_tokens: Counter[tuple[str, ...]] = Counter()
        """Output tokens count them too."""
        self.spend_nano: Counter[tuple[str, ...]] = Counter()
        """Nano-dollars, without what was only passed through."""
        self.redactions: Counter[str] = Counter()
        """By category alone."""
        self.gateway_seconds = Histogram(_OURS)
        self.provider_seconds = Histogram(_THEIRS)
        self.first_token_seconds = Histogram(_THEIRS)
        self._models: set[tuple[str, str]] = set()

    async def write(self, records: Sequence[CallRecord]) -> None:
        for record in records:
            self._count(record)

    async def close(self) -> None:
        """Nothing is held back."""

    def _count(self, record: CallRecord) -> None:
        at = (record.provider or "none", self._model(record))
        self.calls[*at, record.outcome] += 1
        if record.outcome == "blocked":
            self.blocked[*at, record.reason or "unknown"] += 1
        self.tokens[*at, "input"] += record.input_tokens
        self.tokens[*at, "output"] += record.output_tokens
        self.cache_tokens[*at, "read"] += record.cache_read_tokens
        self.cache_tokens[*at, "write"] += record.cache_write_tokens
        self.reasoning_tokens[at] += record.reasoning_tokens
        if not record.passthrough:
            self.spend_nano[at] += record.cost_nano
        self.redactions.update(record.redactions)
        if record.outcome == "success":
            self.gateway_seconds.observe(at, record.gateway_ms / 1000)
            self.provider_seconds.observe(at, max(0.0, record.duration_ms - record.gateway_ms) / 1000)
            if record.first_token_ms is not None:
                self.first_token_seconds.observe(at, record.first_token_ms / 1000)

    def _model(self, record: CallRecord) -> str:
        """Callers name models as they like: only those that a provider has answered for are labels, a hundred at most."""
        if record.model is None:
            return "none"
        name = (record.provider or "none", record.model)
        if record.outcome == "success" and len(self._models) < _MOST_MODELS:
            self._models.add(name)
        return record.model if name in self._models else "other"
