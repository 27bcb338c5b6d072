from __future__ import annotations

from sallyport.tracing.record import Fired
from tests.sallyport.console.bench import Bench


async def test_a_violation_names_its_call_policy_and_caller(bench: Bench) -> None:
    fired = Fired("p1", "Team budget", "spend_cap", "blocked", "daily cap reached")
    bench.record(started_at=1.0, fired=[fired], outcome="blocked", workspace_id="default", api_key_id="k")
    latest = bench.record(started_at=2.0, fired=[fired], outcome="blocked", workspace_id="default", api_key_id="k")
    (violation,) = (await bench.ok("GET", "/v1/violations"))["items"]
    assert violation["call_id"] == latest.id
    assert (violation["policy_id"], violation["policy_name"], violation["policy_type"]) == ("p1", "Team budget", "spend_cap")
    assert (violation["action"], violation["detail"], violation["count"]) == ("blocked", "daily cap reached", 2)
    assert (violation["first_seen"], violation["last_seen"]) == ("1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:02.000000Z")
    detail = await bench.ok("GET", f"/v1/violations/{violation['id']}")
    assert {name: detail[name] for name in violation} == violation
    assert detail["comments"] == []
    assert "Raise the cap" in detail["next_step"]
    assert (await bench.ok("GET", "/v1/violations", params={"policy_id": "p2"}))["items"] == []
    assert (await bench.ok("GET", "/v1/violations", params={"workspace_id": "default"}))["items"] == [violation]


async def test_an_unknown_violation_is_not_found(bench: Bench) -> None:
    assert "nothing" in await bench.refused("GET", "/v1/violations/nothing", 404)


async def test_a_violation_is_acknowledged_assigned_commented_and_resolved(bench: Bench) -> None:
    bench.record(started_at=1.0, fired=[Fired("p1", "Team budget", "spend_cap", "blocked", "cap reached")], outcome="blocked")
    path = f"/v1/violations/{(await bench.ok('GET', '/v1/violations'))['items'][0]['id']}"
    changed = await bench.ok("PATCH", path, json={"state": "acknowledged", "assignee": "ada@corp.example"})
    assert (changed["state"], changed["assignee"]) == ("acknowledged", "ada@corp.example")
    assert (await bench.ok("PATCH", path, json={"assignee": None}))["assignee"] is None
    comment = await bench.ok("POST", f"{path}/comments", status=201, json={"text": "Asked the team."})
    assert comment["author"].startswith("admin-key:")
    resolved = await bench.ok("PATCH", path, json={"state": "resolved"})
    assert resolved["comments"] == [comment]
    assert resolved == await bench.ok("GET", path)
    assert (await bench.ok("GET", "/v1/violations", params={"state": "open"}))["items"] == []
    assert len((await bench.ok("GET", "/v1/violations", params={"state": "resolved"}))["items"]) == 1

    for wrong in ({"state": "closed"}, {"state": None}, {"assignee": 3}, {"count": 0}):
        await bench.refused("PATCH", path, 400, json=wrong)
    assert "text must" in await bench.refused("POST", f"{path}/comments", 400, json={"text": " "})
    assert "nothing" in await bench.refused("PATCH", "/v1/violations/nothing", 404, json={"state": "open"})
    assert "nothing" in await bench.refused("POST", "/v1/violations/nothing/comments", 404, json={"text": "x"})


async def test_one_that_came_again_is_not_opened_twice(bench: Bench) -> None:
    fired = [Fired("p1", "Team budget", "spend_cap", "blocked", "cap reached")]
    bench.record(started_at=1.0, fired=fired)
    path = f"/v1/violations/{(await bench.ok('GET', '/v1/violations'))['items'][0]['id']}"
    await bench.ok("PATCH", path, json={"state": "resolved"})
    bench.record(started_at=2.0, fired=fired)
    newer = (await bench.ok("GET", "/v1/violations", params={"state": "open"}))["items"][0]["id"]
    assert newer in await bench.refused("PATCH", path, 409, json={"state": "open"})
