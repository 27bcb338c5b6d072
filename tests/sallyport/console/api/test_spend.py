from __future__ import annotations

import csv
import time
from datetime import UTC, datetime

import pytest

from tests.sallyport.console.bench import Bench


async def test_spend_is_rolled_up_by_every_group(bench: Bench) -> None:
    user = await bench.ok("POST", "/v1/users", 201, json={"name": "Ada"})
    key = await bench.ok("POST", "/v1/keys", 201, json={"workspace_id": "default", "user_id": user["id"], "name": "laptop"})
    who = {"workspace_id": "default", "user_id": user["id"], "api_key_id": key["id"], "started_at": time.time()}
    bench.record(**who, provider="openai", model="gpt-4o", cost_nano=1, input_tokens=10, output_tokens=2)
    bench.record(**who, provider="openai", model="gpt-4o", cost_nano=2_000_000_000, input_tokens=1, output_tokens=1)

    expected = {
        "organization": ("default", "default"),
        "workspace": ("default", "default"),
        "user": (user["id"], "Ada"),
        "api_key": (key["id"], "laptop"),
        "model": ("gpt-4o", "gpt-4o"),
        "provider": ("openai", "openai"),
    }
    for group_by, (group, name) in expected.items():
        answer = await bench.ok("GET", "/v1/spend", params={"group_by": group_by, "window": "monthly"})
        sums = {"spend_usd": "2.000000001", "notional_usd": "0", "calls": 2, "input_tokens": 11, "output_tokens": 3}
        assert answer == {"items": [{"group": group, "name": name, **sums}], "next_cursor": None}


async def test_a_window_is_the_whole_current_one_and_from_to_any_other(bench: Bench) -> None:
    bench.record(started_at=time.time(), model="now", cost_nano=5)
    bench.record(started_at=1_700_000_000.0, model="then", cost_nano=7)

    async def models(**params: str) -> list[str]:
        answer = await bench.ok("GET", "/v1/spend", params={"group_by": "model", **params})
        return [row["group"] for row in answer["items"]]

    for window in ("hourly", "daily", "weekly", "monthly"):
        assert await models(window=window) == ["now"]
    assert await models() == ["now"]
    assert await models(**{"from": "2023-11-14T22:13:20Z", "to": "2023-11-14T22:13:21Z"}) == ["then"]
    assert await models(to=datetime.now(UTC).replace(year=2024).isoformat()) == ["then"]
    assert await models(**{"from": "2000-01-01T00:00:00Z", "model": "then"}) == ["then"]


async def test_spend_over_time_and_by_header_with_what_subscriptions_paid_for_apart(bench: Bench) -> None:
    at = 1_795_435_200.0  # 2026-11-23 12:00 UTC
    bench.record(started_at=at, headers={"team": "blue"}, cost_nano=2)
    bench.record(started_at=at + 3600, headers={"team": "blue"}, cost_nano=3, passthrough=True)
    params = {"group_by": "header:Team", "interval": "hour", "from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z"}
    rows = (await bench.ok("GET", "/v1/spend", params=params))["items"]
    assert [(row["start"], row["group"], row["spend_usd"], row["notional_usd"]) for row in rows] == [
        ("2026-11-23T12:00:00.000000Z", "blue", "0.000000002", "0"),
        ("2026-11-23T13:00:00.000000Z", "blue", "0", "0.000000003"),
    ]


@pytest.mark.parametrize("asked", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}])
async def test_spend_as_csv_runs_no_formula(bench: Bench, asked: dict[str, dict[str, str]]) -> None:
    bench.record(started_at=time.time(), model='=HYPERLINK("http://evil.test","x")', cost_nano=1)
    params = {"group_by": "model", **asked.get("params", {})}
    response = await bench.api.get("/v1/spend", params=params, headers=asked.get("headers", {}))
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="spend.csv"'
    header, row = csv.reader(response.text.splitlines())
    assert header == ["group", "name", "spend_usd", "notional_usd", "calls", "input_tokens", "output_tokens"]
    assert row[0] == row[1] == '\'=HYPERLINK("http://evil.test","x")'
    assert row[2] == "0.000000001"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"group_by": "planet"}, "group_by"),
        ({"window": "yearly"}, "window"),
        ({"interval": "decade"}, "interval"),
        ({"format": "xml"}, "format"),
        ({"window": "daily", "from": "2023-11-14T22:13:20Z"}, "window"),
        ({"from": "2024-01-01T00:00:00Z", "to": "2023-01-01T00:00:00Z"}, "from"),
    ],
)
async def test_wrong_questions_are_named(bench: Bench, wrong: dict[str, str], named: str) -> None:
    assert named in await bench.refused("GET", "/v1/spend", 400, params=wrong)
