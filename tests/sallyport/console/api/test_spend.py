from __future__ import annotations

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
        row = {"group": group, "name": name, "spend_usd": "2.000000001", "calls": 2, "input_tokens": 11, "output_tokens": 3}
        assert answer == {"items": [row], "next_cursor": None}


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


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"group_by": "planet"}, "group_by"),
        ({"window": "yearly"}, "window"),
        ({"window": "daily", "from": "2023-11-14T22:13:20Z"}, "window"),
        ({"from": "2024-01-01T00:00:00Z", "to": "2023-01-01T00:00:00Z"}, "from"),
    ],
)
async def test_wrong_questions_are_named(bench: Bench, wrong: dict[str, str], named: str) -> None:
    assert named in await bench.refused("GET", "/v1/spend", 400, params=wrong)
