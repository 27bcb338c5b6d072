from __future__ import annotations

from sqlalchemy import text

from sallyport.store.database import writing
from tests.sallyport.console.bench import ADMIN_KEY, Bench


async def test_changes_and_refusals_are_in_the_log(bench: Bench) -> None:
    await bench.ok("PATCH", "/v1/workspaces/default", json={"name": "Main"})
    await bench.refused("PATCH", "/v1/workspaces/default", 400, json={"name": ""})
    refused, done = (await bench.ok("GET", "/v1/audit-logs"))["items"][:2]
    assert (done["operation"], done["resource_type"], done["resource_id"]) == ("workspace.update", "workspace", "default")
    assert (done["before"]["name"], done["after"]["name"], done["success"]) == ("default", "Main", True)
    assert done["actor"].startswith("admin-key:")
    assert done["actor"].removeprefix("admin-key:") in ADMIN_KEY
    assert done["source_ip"] == "127.0.0.1"
    assert refused["success"] is False
    assert refused["prev_hash"] == done["hash"]


async def test_verify_notices_a_changed_row(bench: Bench) -> None:
    await bench.ok("PATCH", "/v1/workspaces/default", json={"name": "Main"})
    verdict = await bench.ok("GET", "/v1/audit-logs/verify")
    rows = (await bench.ok("GET", "/v1/audit-logs"))["items"]
    assert verdict == {"ok": True, "rows": len(rows), "broken_at": None}
    with writing(bench.console.store.engine) as connection:
        connection.execute(text("UPDATE audit_logs SET actor = 'nobody' WHERE seq = 1"))
    assert await bench.ok("GET", "/v1/audit-logs/verify") == {"ok": False, "rows": len(rows), "broken_at": 1}


async def test_the_log_goes_on_at_its_cursor(bench: Bench) -> None:
    for number in range(3):
        await bench.ok("PATCH", "/v1/workspaces/default", json={"name": f"w{number}"})
    whole = (await bench.ok("GET", "/v1/audit-logs"))["items"]
    first = await bench.ok("GET", "/v1/audit-logs", params={"limit": 2})
    rest = await bench.ok("GET", "/v1/audit-logs", params={"cursor": first["next_cursor"]})
    assert first["items"] + rest["items"] == whole


async def test_who_follows_the_log_misses_and_doubles_nothing(bench: Bench) -> None:
    ascending: dict[str, str] = {"order": "asc", "limit": "2"}
    seen: list[int] = []
    cursor: dict[str, str] = {}
    for number in range(3):
        for part in range(2):
            await bench.ok("PATCH", "/v1/workspaces/default", json={"name": f"w{number}.{part}"})
        while (page := await bench.ok("GET", "/v1/audit-logs", params={**ascending, **cursor}))["items"]:
            seen += [row["seq"] for row in page["items"]]
            cursor = {"cursor": page["next_cursor"]}
        assert page["next_cursor"] == cursor["cursor"]
    assert seen == list(range(1, len((await bench.ok("GET", "/v1/audit-logs"))["items"]) + 1))
    await bench.refused("GET", "/v1/audit-logs", 400, params={"order": "sideways"})
