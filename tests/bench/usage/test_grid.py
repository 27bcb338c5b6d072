"""No kind of usage that a provider counts and prices is without a fixture, whole and streamed."""

from __future__ import annotations

from bench.usage.cases import cases
from bench.usage.grid import grid, holes


def test_every_kind_of_usage_is_covered_in_every_format() -> None:
    assert holes(grid((case, case.charged()) for case in cases())) == []


def test_what_is_missing_is_named() -> None:
    unstreamed = grid((case, case.charged()) for case in cases() if case.format == "JSON")
    assert "anthropic, written for 1 h, SSE" in holes(unstreamed)
    assert "bedrock, cached, event stream" in holes(unstreamed)
