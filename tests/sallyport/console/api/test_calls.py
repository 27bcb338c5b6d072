from __future__ import annotations

import pytest

from sallyport.tracing.record import PolicyRef
from tests.sallyport.console.bench import Bench

FIELDS = (
    "id", "started_at", "provider", "model", "operation", "organization_id", "workspace_id", "user_id", "api_key_id", "way_in",
    "outcome", "status", "stream", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "reasoning_tokens", "cost_usd", "estimated", "unpriced", "duration_ms", "gateway_ms", "first_token_ms", "policies",
    "redactions", "langsmith_run_id", "trace_url",
)  # fmt: skip


async def test_a_call_is_listed_with_every_field(bench: Bench) -> None:
    record = bench.record(
        started_at=1_700_000_000.25,
        provider="openai",
        model="gpt-4o",
        workspace_id="default",
        cost_nano=1_000_000_001,
        status=402,
        outcome="blocked",
        violated=[PolicyRef("p1", "Team budget")],
        redactions={"EMAIL": 2},
        method="POST",
        path="/v1/chat/completions",
    )
    (call,) = (await bench.ok("GET", "/v1/calls"))["items"]
    assert set(FIELDS) <= set(call)
    assert call["id"] == record.id
    assert call["started_at"] == "2023-11-14T22:13:20.250000Z"
    assert call["cost_usd"] == "1.000000001"
    assert call["policies"] == {"matched": [], "violated": [{"id": "p1", "name": "Team budget"}]}
    assert call["redactions"] == {"EMAIL": 2}
    detail = await bench.ok("GET", f"/v1/calls/{record.id}")
    assert detail == call | {
        "method": "POST",
        "path": "/v1/chat/completions",
        "client_ip": None,
        "user_agent": None,
        "inputs": None,
        "outputs": None,
        "redacted_at": [],
    }


async def test_calls_go_on_at_the_cursor_although_new_ones_came(bench: Bench) -> None:
    ids = [bench.record(started_at=float(number)).id for number in range(5)]
    first = await bench.ok("GET", "/v1/calls", params={"limit": 3})
    bench.record(started_at=99.0)
    rest = await bench.ok("GET", "/v1/calls", params={"limit": 3, "cursor": first["next_cursor"]})
    assert [call["id"] for call in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    "wanted",
    [
        {"outcome": "error"},
        {"provider": "gemini"},
        {"model": "gemini-2.5-flash"},
        {"user_id": "ada"},
        {"api_key_id": "k"},
        {"workspace_id": "w"},
        {"from": "2023-11-14T22:13:20Z"},
    ],
)
async def test_filters_narrow(bench: Bench, wanted: dict[str, str]) -> None:
    bench.record(started_at=1.0, provider="openai", model="gpt-4o")
    found = bench.record(
        started_at=1_700_000_000.0,
        provider="gemini",
        model="gemini-2.5-flash",
        outcome="error",
        user_id="ada",
        api_key_id="k",
        workspace_id="w",
    )
    assert [call["id"] for call in (await bench.ok("GET", "/v1/calls", params=wanted))["items"]] == [found.id]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "made-up"}, "cursor"),
        ({"cursor": "\x00"}, "cursor"),
        ({"outcome": "splendid"}, "outcome"),
        ({"from": "yesterday"}, "from"),
        ({"model": "a\x00b"}, "model"),
    ],
)
async def test_wrong_parameters_are_named(bench: Bench, wrong: dict[str, str], named: str) -> None:
    assert named in await bench.refused("GET", "/v1/calls", 400, params=wrong)


@pytest.mark.parametrize("id", ["unknown", "a%00b", "%F0%9F%90%8D", "x" * 200, "..%2f..", "' OR 1=1 --"])
async def test_an_unknown_call_is_not_found(bench: Bench, id: str) -> None:
    await bench.refused("GET", f"/v1/calls/{id}", 404)
