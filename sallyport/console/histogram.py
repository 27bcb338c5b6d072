"""A Prometheus histogram for each set of label values."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate


class Histogram:
    """`bounds` are the upper ends of its buckets, ascending."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, labels: tuple[str, ...], value: float) -> None:
        counts = self._counts.setdefault(labels, [0] * (len(self._bounds) + 1))
        counts[bisect_left(self._bounds, value)] += 1
        self._sums[labels] = self._sums.get(labels, 0.0) + value

    def series(self) -> Iterator[tuple[tuple[str, ...], list[tuple[str, int]], float]]:
        """For each set of labels its buckets (upper end, how many are not above it) and the sum of its values."""
        ends = [*(f"{bound:g}" for bound in self._bounds), "+Inf"]
        for labels, counts in sorted(self._counts.items()):
            yield labels, list(zip(ends, accumulate(counts), strict=True)), self._sums[labels]
