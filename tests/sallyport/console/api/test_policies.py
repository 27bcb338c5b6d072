# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import time
from typing import Any

import pytest

from sallyport.console.upkeep import Upkeep
from sallyport.spend import keys
from tests.sallyport.console.bench import Bench

PATH = "/v1/platform/gateway-policies"
CAP: dict[str, Any] = {
    "name": "Team budget",
    "policy_type": "spend_cap",
    "subject_matchers": [{"key": "workspace_id", "value": "default"}],
    "config": {"window": "daily", "limit_usd": 25},
}
EACH_USER = [{"key": "user_id", "value": ""}]


async def test_a_policys_life(bench: Bench) -> None:
    made = await bench.ok("POST", PATH, 201, json=CAP)
    assert made["name"] == "Team budget"
    assert made["action"] == "block"
    assert made["enabled"] is True
    assert made["subject_matchers"] == CAP["subject_matchers"]

    assert await bench.ok("GET", f"{PATH}/{made['id']}") == made
    assert (await bench.ok("GET", PATH))["items"] == [made]

    changed = await bench.ok("PATCH", f"{PATH}/{made['id']}", json={"config": {"limit_usd": 50}, "enabled": False})
    assert changed["config"]["limit_usd"] == 50
    assert changed["config"]["window"] == "daily"
    assert changed["enabled"] is False
    assert changed["name"] == "Team budget"

    await bench.ok("DELETE", f"{PATH}/{made['id']}", 204)
    assert made["id"] in await bench.refused("GET", f"{PATH}/{made['id']}", 404)
    assert len(bench.changes) == 3


async def test_posting_equal_matchers_again_changes_the_policy_there(bench: Bench) -> None:
    first = await bench.ok("POST", PATH, 201, json=CAP)
    second = await bench.ok("POST", PATH, 201, json={**CAP, "name": "New name", "config": {"window": "daily", "limit_usd": 1}})
    assert second["id"] == first["id"]
    assert [(item["name"], item["config"]["limit_usd"]) for item in (await bench.ok("GET", PATH))["items"]] == [("New name", 1)]


async def test_a_partial_change_on_matchers_that_another_policy_has_is_a_conflict(bench: Bench) -> None:
    await bench.ok("POST", PATH, 201, json=CAP)
    other = await bench.ok("POST", PATH, 201, json={**CAP, "subject_matchers": []})
    detail = await bench.refused("PATCH", f"{PATH}/{other['id']}", 409, json={"subject_matchers": CAP["subject_matchers"]})
    assert "matchers" in detail


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"config": {"window": "yearly", "limit_usd": 1}}, "config.window"),
        ({"config": {"window": "daily", "limit_usd": -1}}, "config.limit_usd"),
        ({"config": {"window": "daily", "limit_usd": 1, "extra": 1}}, "config.extra"),
        ({"config": {"window": "daily"}}, "config.limit_usd"),
        ({"config": [1]}, "config"),
        ({"policy_type": "speed_limit"}, "policy_type"),
        ({"subject_matchers": [{"key": "planet", "value": "Mars"}]}, "subject_matchers[0].key"),
        ({"subject_matchers": [{"key": "user_id"}]}, "subject_matchers.0.value: required"),
        ({"subject_matchers": "all"}, "subject_matchers"),
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"priority": "high"}, "priority"),
        ({"enabled": 7}, "enabled"),
        ({"colour": "red"}, "colour: unknown field"),
        ({"action": "explode"}, "action"),
    ],
)
async def test_what_is_wrong_is_refused_by_the_name_of_its_field(bench: Bench, change: dict[str, Any], named: str) -> None:
    assert named in await bench.refused("POST", PATH, 400, json={**CAP, **change})
    assert (await bench.ok("GET", PATH))["items"] == []


async def test_the_type_can_not_be_changed(bench: Bench) -> None:
    made = await bench.ok("POST", PATH, 201, json=CAP)
    assert "policy_type" in await bench.refused("PATCH", f"{PATH}/{made['id']}", 400, json={"policy_type": "guard"})
    await bench.ok("PATCH", f"{PATH}/{made['id']}", json={"policy_type": "spend_cap", "name": "same type"})


async def test_a_wrong_partial_config_changes_nothing(bench: Bench) -> None:
    made = await bench.ok("POST", PATH, 201, json=CAP)
    await bench.refused("PATCH", f"{PATH}/{made['id']}", 400, json={"config": {"limit_usd": "much"}, "name": "changed"})
    assert await bench.ok("GET", f"{PATH}/{made['id']}") == made


async def test_a_cap_tells_what_is_spent_to_the_nano_dollar(bench: Bench) -> None:
    await Upkeep(bench.console.store, bench.console.redis).once()
    made = await bench.ok("POST", PATH, 201, json=CAP)
    assert made["current_spend_usd"] == "0"
    await bench.console.redis.hincrby(keys.spend("default", "daily", time.time()), "workspace_id=default", 1_234_567_891)
    assert (await bench.ok("GET", f"{PATH}/{made['id']}"))["current_spend_usd"] == "1.234567891"
    assert (await bench.ok("GET", PATH))["items"][0]["current_spend_usd"] == "1.234567891"


async def test_policies_without_one_subject_tell_no_spend(bench: Bench) -> None:
    default_cap = {**CAP, "policy_type": "default_spend_cap", "subject_matchers": [{"key": "user_id", "value": ""}]}
    assert "current_spend_usd" not in await bench.ok("POST", PATH, 201, json=default_cap)
    access = {"name": "Models", "policy_type": "model_access", "config": {"allow": ["openai/gpt-*"]}}
    assert "current_spend_usd" not in await bench.ok("POST", PATH, 201, json=access)


async def test_a_cap_made_at_noon_counts_the_spend_since_midnight(bench: Bench) -> None:
    now = time.time()
    mine = {"workspace_id": "default", "user_id": "ada", "started_at": now}
    bench.record(**mine, cost_nano=2_000_000_000)
    bench.record(**{**mine, "user_id": "grace"}, cost_nano=500_000_000)
    await Upkeep(bench.console.store, bench.console.redis).once()

    on_one = await bench.ok("POST", PATH, 201, json={**CAP, "config": {"window": "monthly", "limit_usd": 9}})
    assert on_one["current_spend_usd"] == "2.5"
    both = [{"key": "workspace_id", "value": "default"}, {"key": "user_id", "value": "ada"}]
    on_both = await bench.ok("POST", PATH, 201, json={**CAP, "subject_matchers": both})
    assert on_both["current_spend_usd"] == "2"
    group = [{"key": "user_id", "value": "ada"}, {"key": "user_id", "value": "grace"}]
    on_group = await bench.ok("POST", PATH, 201, json={**CAP, "subject_matchers": group})
    assert on_group["current_spend_usd"] == "2.5"


async def test_a_cap_on_a_header_counts_what_the_ledger_has_of_it(bench: Bench) -> None:
    bench.record(started_at=time.time(), workspace_id="default", headers={"team": "blue"}, cost_nano=3_000_000_000)
    bench.record(started_at=time.time(), workspace_id="default", headers={"team": "red"}, cost_nano=1)
    await Upkeep(bench.console.store, bench.console.redis).once()
    team = [{"key": "header:Team", "value": "blue"}]
    made = await bench.ok("POST", PATH, 201, json={**CAP, "subject_matchers": team})
    assert made["current_spend_usd"] == "3"
    off = await bench.ok("PATCH", f"{PATH}/{made['id']}", json={"enabled": False})
    bench.record(started_at=time.time(), workspace_id="default", headers={"team": "blue"}, cost_nano=4_000_000_000)
    assert "current_spend_usd" not in off  # nobody counts it meanwhile
    assert (await bench.ok("PATCH", f"{PATH}/{made['id']}", json={"enabled": True}))["current_spend_usd"] == "7"


async def test_what_is_spent_is_left_out_while_the_counters_are_not_whole(bench: Bench) -> None:
    upkeep = Upkeep(bench.console.store, bench.console.redis)
    await upkeep.once()
    made = await bench.ok("POST", PATH, 201, json=CAP)
    await bench.console.redis.flushall()
    assert "current_spend_usd" not in await bench.ok("GET", f"{PATH}/{made['id']}")
    await upkeep.once()
    assert (await bench.ok("GET", f"{PATH}/{made['id']}"))["current_spend_usd"] == "0"


async def test_children_are_not_told_while_the_counters_are_not_whole(bench: Bench) -> None:
    parent = await bench.ok("POST", PATH, 201, json=CAP | {"policy_type": "default_spend_cap", "subject_matchers": EACH_USER})
    await bench.refused("GET", f"{PATH}/{parent['id']}/children", 503)
    await Upkeep(bench.console.store, bench.console.redis).once()
    assert (await bench.ok("GET", f"{PATH}/{parent['id']}/children"))["items"] == []


async def test_a_list_goes_on_at_its_cursor_and_can_be_of_one_type(bench: Bench) -> None:
    for key in ("organization_id", "workspace_id", "user_id"):
        await bench.ok("POST", PATH, 201, json={**CAP, "name": key, "subject_matchers": [{"key": key, "value": "x"}]})
    first = await bench.ok("GET", PATH, params={"limit": 2})
    rest = await bench.ok("GET", PATH, params={"limit": 2, "cursor": first["next_cursor"]})
    assert [item["name"] for item in first["items"] + rest["items"]] == ["user_id", "workspace_id", "organization_id"]
    assert rest["next_cursor"] is None
    assert (await bench.ok("GET", PATH, params={"policy_type": "guard"}))["items"] == []


async def test_a_default_cap_has_a_child_for_each_subject_seen_and_edits_reach_them(bench: Bench) -> None:
    now = time.time()
    for user, team, nano in (("ada", "blue", 3), ("ben", "blue", 2), ("eve", "r&d", 1)):
        bench.record(started_at=now, workspace_id="default", user_id=user, headers={"team": team}, cost_nano=nano)
    await Upkeep(bench.console.store, bench.console.redis).once()
    default = {**CAP, "policy_type": "default_spend_cap", "subject_matchers": EACH_USER}
    parent = await bench.ok("POST", PATH, 201, json=default)
    await bench.ok("POST", PATH, 201, json={**CAP, "subject_matchers": [{"key": "user_id", "value": "ben"}]})  # his own
    children = (await bench.ok("GET", f"{PATH}/{parent['id']}/children"))["items"]
    assert [(child["subject_matchers"], child["current_spend_usd"]) for child in children] == [
        ([{"key": "user_id", "value": "ada"}], "0.000000003"),
        ([{"key": "user_id", "value": "eve"}], "0.000000001"),
    ]
    assert {(child["policy_type"], child["parent_policy_id"]) for child in children} == {("spend_cap", parent["id"])}

    await bench.ok("PATCH", f"{PATH}/{parent['id']}", json={"config": {"limit_usd": 7.5}})
    [first, _] = (await bench.ok("GET", f"{PATH}/{parent['id']}/children"))["items"]
    assert first["config"]["limit_usd"] == 7.5
    await bench.ok("PATCH", f"{PATH}/{parent['id']}", json={"enabled": False})
    assert (await bench.ok("GET", f"{PATH}/{parent['id']}/children"))["items"] == []

    both = [{"key": "header:team", "value": ""}, {"key": "workspace_id", "value": "default"}]
    teams = await bench.ok("POST", PATH, 201, json={**default, "subject_matchers": both})
    found = (await bench.ok("GET", f"{PATH}/{teams['id']}/children"))["items"]
    values = [[matcher["value"] for matcher in child["subject_matchers"]] for child in found]
    assert values == [["default", "blue"], ["default", "r&d"]]
    await bench.ok("DELETE", f"{PATH}/{teams['id']}", 204)
    await bench.refused("GET", f"{PATH}/{teams['id']}/children", 404)
