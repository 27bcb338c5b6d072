from __future__ import annotations

import re
from typing import Any

from sallyport.console.call_counters import CallCounters
from sallyport.console.health import Dependency
from sallyport.console.metrics import render
from sallyport.tracing.record import CallRecord
from sallyport.tracing.recorder import RecorderStatus

LINE = re.compile(r'# (HELP|TYPE) .+|[a-z_]+(\{([a-z_]+="([^"\\\n]|\\[\\"n])*"(,(?!\}))?)+\})? [-+0-9.e]+')


async def lines(*records: dict[str, Any]) -> list[str]:
    """/metrics after these calls to OpenAI."""
    counters = CallCounters()
    known: list[dict[str, Any]] = [{"provider": "openai", **record} for record in records]
    await counters.write([CallRecord(id=str(number), started_at=0.0, **one) for number, one in enumerate(known)])
    found = render(RecorderStatus(), counters, [], {"malformed": 3}, {"redis": Dependency(ok=True)}, money=True).splitlines()
    assert [line for line in found if not LINE.fullmatch(line)] == []
    return found


async def test_where_the_time_goes_is_a_histogram_of_ours_and_one_of_the_providers() -> None:
    calls = [{"model": "m", "duration_ms": ms, "gateway_ms": 2.0, "first_token_ms": 40.0} for ms in (102.0, 1002.0, 10_000_000.0)]
    found = await lines(*calls, {"model": "m", "outcome": "blocked", "gateway_ms": 500.0})
    at = 'provider="openai",model="m"'
    for shown in (
        f'sallyport_gateway_seconds_bucket{{{at},le="0.001"}} 0',
        f'sallyport_gateway_seconds_bucket{{{at},le="0.0025"}} 3',
        f"sallyport_gateway_seconds_count{{{at}}} 3",
        f"sallyport_gateway_seconds_sum{{{at}}} 0.006",
        f'sallyport_provider_seconds_bucket{{{at},le="0.1"}} 1',
        f'sallyport_provider_seconds_bucket{{{at},le="1"}} 2',
        f'sallyport_provider_seconds_bucket{{{at},le="600"}} 2',
        f'sallyport_provider_seconds_bucket{{{at},le="+Inf"}} 3',
        f'sallyport_first_token_seconds_bucket{{{at},le="0.05"}} 3',
    ):
        assert shown in found


async def test_tokens_redactions_and_refusals_are_counted() -> None:
    tokens = {"input_tokens": 10, "output_tokens": 5, "cache_read_tokens": 7, "cache_write_tokens": 1, "reasoning_tokens": 2}
    found = await lines(
        {"model": "m", **tokens, "redactions": {"EMAIL": 2}, "cost_nano": 5},
        {"model": "m", "redactions": {"EMAIL": 1}, "cost_nano": 10**9, "passthrough": True},
        {"model": "m", "outcome": "blocked", "reason": "spend_limit"},
    )
    assert 'sallyport_rejections_total{reason="malformed"} 3' in found
    at = 'provider="openai",model="m"'
    for shown in (
        f'sallyport_tokens_total{{{at},direction="output"}} 5',
        f'sallyport_cache_tokens_total{{{at},access="read"}} 7',
        f"sallyport_reasoning_tokens_total{{{at}}} 2",
        'sallyport_redactions_total{category="EMAIL"} 3',
        f'sallyport_calls_blocked_total{{{at},reason="spend_limit"}} 1',
        f"sallyport_spend_usd_total{{{at}}} 0.000000005",
    ):
        assert shown in found


async def test_callers_can_not_make_labels_at_will() -> None:
    invented = [{"model": f"invented-{number}", "outcome": "blocked"} for number in range(300)]
    answered = [{"model": f"answered-{number}"} for number in range(300)]
    found = await lines(*invented, *answered, {})
    models = set(re.findall(r'sallyport_calls_total{provider="openai",model="([^"]+)"', "\n".join(found)))
    assert len(models) == 102
    assert {"other", "none", "answered-0"} < models
    assert not any(model.startswith("invented") for model in models)


async def test_a_hostile_model_name_stays_in_its_label() -> None:
    found = await lines({"model": 'a"} 1\nsallyport_up 0 \\'})
    assert "sallyport_up 0" not in found
