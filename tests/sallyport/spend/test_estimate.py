"""Estimates: before a call is sent, what it will use."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sallyport.spend.estimate import MOST_OUTPUT_TOKENS, OutputEstimator, input_tokens, most_input_tokens, most_output_tokens


@given(st.binary(max_size=200))
def test_input_is_counted_from_the_bytes(body: bytes) -> None:
    assert input_tokens(body) == input_tokens(len(body))
    assert len(body) / 3 <= input_tokens(body) <= most_input_tokens(body) == len(body)


def test_output_is_expected_as_it_lately_was() -> None:
    estimator = OutputEstimator(default=500)
    assert estimator.expect("k", "m") == 500
    estimator.observe("k", "m", 100)
    assert estimator.expect("k", "m") == 100
    for _ in range(40):
        estimator.observe("k", "m", 2000)
    assert 1990 <= estimator.expect("k", "m") <= 2000
    assert estimator.expect("k", "other") == 500
    assert estimator.expect("other", "m") == 500


def test_no_more_than_the_request_allows_is_expected() -> None:
    estimator = OutputEstimator(default=500)
    assert estimator.expect("k", "m", cap=16) == 16
    assert estimator.expect("k", "m", cap=-1) == 0
    assert most_output_tokens(16) == 16
    assert most_output_tokens(None) == MOST_OUTPUT_TOKENS


def test_memory_is_bounded_and_the_latest_are_kept() -> None:
    estimator = OutputEstimator(default=500)
    for number in range(10_050):
        estimator.observe(f"k{number}", "m", 7)
    assert estimator.expect("k10049", "m") == 7
    assert estimator.expect("k0", "m") == 500
