from __future__ import annotations

import time

import pytest

from sallyport.console.pages import formats


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0.00"),
        ("12.3", "$12.30"),
        ("1234567.891", "$1,234,567.89"),
        ("0.1", "$0.10"),
        ("0.0041234", "$0.0041"),
        ("0.000000012", "$0.000000012"),
        ("0.0999", "$0.100"),
        ("-3", "-$3.00"),
        (None, "–"),
    ],
)
def test_dollars(amount: str | None, shown: str) -> None:
    assert formats.usd(amount) == shown


@pytest.mark.parametrize(
    ("nano", "shown"), [(0, "$0.0000"), (1, "<$0.0001"), (100_000, "$0.0001"), (12_000_000, "$0.0120"), (10**13, "$10,000.0000")]
)
def test_costs_line_up(nano: int, shown: str) -> None:
    assert formats.cost(nano) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0"), (9999, "9,999"), (12_345, "12.3k"), (40_000, "40k"), (4_100_000, "4.1M"), (None, "–")]
)
def test_compact_numbers(count: int | None, shown: str) -> None:
    assert formats.compact(count) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(0.04, "0.0 ms"), (9.87, "9.9 ms"), (850.2, "850 ms"), (12_340, "12.3 s"), (125_000, "2 min 5 s"), (None, "–")],
)
def test_durations(ms: float | None, shown: str) -> None:
    assert formats.duration(ms) == shown


def test_times_are_utc() -> None:
    assert formats.moment(1_700_000_000) == "2023-11-14 22:13:20"
    assert formats.clock(1_700_000_000) == "22:13:20"
    assert formats.moment(None) == "–"
    assert formats.when(1_700_000_000) == "2023-11-14 22:13"
    assert len(formats.when(time.time())) == len("22:13:20")


@pytest.mark.parametrize(
    ("policy_type", "config", "shown"),
    [
        ("spend_cap", {"window": "daily", "limit_usd": "5", "strict": True}, "$5.00 daily, strict"),
        ("rate_limit", {"limits": [{"metric": "tokens", "window": "hour", "value": 1000}]}, "1,000 tokens per hour"),
        ("model_access", {"allow": ["openai/*", "gemini/*"]}, "openai/*, gemini/*"),
        ("guard", {"detect": {"pii": True, "secrets": False}}, "redacts personal data"),
        ("guard", {"detect": {"pii": False, "secrets": False}}, "redacts nothing"),
        ("of_a_plugin", {}, "of_a_plugin"),
    ],
)
def test_what_a_policy_says(policy_type: str, config: dict[str, object], shown: str) -> None:
    assert formats.policy_text({"policy_type": policy_type, "config": config}) == shown
