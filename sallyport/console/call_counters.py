"""Counts the calls that the recorder brings to the ledger, for Prometheus. From zero at each start, as Prometheus expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sallyport.tracing.record import CallRecord


class CallCounters:
    """A sink of the recorder."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        """(provider, outcome) → calls."""
        self.tokens: Counter[tuple[str, str]] = Counter()
        """(provider, input|output) → tokens."""
        self.spend_nano: Counter[str] = Counter()
        """Provider → nano-dollars, without what was only passed through."""

    async def write(self, records: Sequence[CallRecord]) -> None:
        for record in records:
            provider = record.provider or "none"
            self.calls[provider, record.outcome] += 1
            self.tokens[provider, "input"] += record.input_tokens
            self.tokens[provider, "output"] += record.output_tokens
            if not record.passthrough:
                self.spend_nano[provider] += record.cost_nano

    async def close(self) -> None:
        """Nothing is held back."""
