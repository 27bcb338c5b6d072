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
    assert await bench.ok("GET", f"/v1/violations/{violation['id']}") == violation
    assert (await bench.ok("GET", "/v1/violations", params={"policy_id": "p2"}))["items"] == []
    assert (await bench.ok("GET", "/v1/violations", params={"workspace_id": "default"}))["items"] == [violation]


async def test_an_unknown_violation_is_not_found(bench: Bench) -> None:
    assert "nothing" in await bench.refused("GET", "/v1/violations/nothing", 404)
