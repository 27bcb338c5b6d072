"""What all resources share: creates that are done once, changes that are made only to what was seen."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.sallyport.console.bench import Bench

KEY = {"workspace_id": "default", "name": "laptop"}


async def made(bench: Bench) -> int:
    return len((await bench.ok("GET", "/v1/keys"))["items"])


async def test_a_create_sent_again_gets_the_first_answer_and_makes_nothing(bench: Bench) -> None:
    headers = {"Idempotency-Key": "a-1"}
    first = await bench.api.post("/v1/keys", json=KEY, headers=headers)
    again = await bench.api.post("/v1/keys", json=KEY, headers=headers)
    assert (first.status_code, again.status_code, await made(bench)) == (201, 201, 1)
    assert first.json() == again.json()
    assert first.json()["key"].startswith("sp_")
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    assert first.json()["key"].encode() not in (bench.console.settings.data_dir / "gateway.db").read_bytes()


async def test_another_body_is_refused(bench: Bench) -> None:
    headers = {"Idempotency-Key": "a-1"}
    await bench.ok("POST", "/v1/keys", 201, json=KEY, headers=headers)
    assert "another request" in await bench.refused("POST", "/v1/keys", 422, json={**KEY, "name": "x"}, headers=headers)
    await bench.refused("POST", "/v1/users", 422, json={"name": "Ada"}, headers=headers)
    await bench.refused("POST", "/v1/users", 400, json={"name": "Ada"}, headers={"Idempotency-Key": "x" * 201})


async def test_what_was_refused_may_be_sent_again(bench: Bench) -> None:
    headers = {"Idempotency-Key": "a-1"}
    await bench.refused("POST", "/v1/keys", 400, json={**KEY, "workspace_id": "later"}, headers=headers)
    await bench.ok("POST", "/v1/keys", 201, json=KEY, headers=headers)


async def test_a_key_is_of_one_admin(bench: Bench) -> None:
    headers = {"Idempotency-Key": "a-1"}
    other = await bench.ok("POST", "/v1/admin-keys", 201, json={"name": "other"})
    await bench.ok("POST", "/v1/keys", 201, json=KEY, headers=headers)
    await bench.ok("POST", "/v1/keys", 201, json=KEY, headers={**headers, "X-API-Key": other["key"]})
    assert await made(bench) == 2
    await bench.refused("POST", "/v1/keys", 401, json=KEY, headers={**headers, "X-API-Key": "nobody's"})


async def test_many_at_once_make_one(bench: Bench) -> None:
    asked = [bench.api.post("/v1/keys", json=KEY, headers={"Idempotency-Key": "a-1"}) for _ in range(8)]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    assert await made(bench) == 1


async def test_a_change_is_made_only_to_what_was_seen(bench: Bench) -> None:
    cap: dict[str, Any] = {"name": "Cap", "policy_type": "spend_cap", "config": {"window": "daily", "limit_usd": 5}}
    policy = (await bench.ok("POST", "/v1/platform/gateway-policies", 201, json=cap))["id"]
    user = (await bench.ok("POST", "/v1/users", 201, json={"name": "Ada"}))["id"]
    for path, change in (
        (f"/v1/platform/gateway-policies/{policy}", {"priority": 3}),
        (f"/v1/users/{user}", {"name": "Eve"}),
        ("/v1/workspaces/default", {"name": "Research"}),
    ):
        seen = (await bench.api.get(path)).headers["etag"]
        changed = await bench.api.patch(path, json=change, headers={"If-Match": seen})
        assert changed.status_code == 200, changed.text
        assert changed.headers["etag"] == (await bench.api.get(path)).headers["etag"] != seen
        assert "read it again" in await bench.refused("PATCH", path, 412, json=change, headers={"If-Match": seen})
        both = f'"other", {changed.headers["etag"]}'
        assert (await bench.api.patch(path, json=change, headers={"If-Match": both})).status_code == 200
        assert (await bench.api.patch(path, json=change, headers={"If-Match": "*"})).status_code == 200
    path = f"/v1/platform/gateway-policies/{policy}"
    await bench.refused("DELETE", path, 412, headers={"If-Match": '"other"'})
    await bench.ok("DELETE", path, 204, headers={"If-Match": (await bench.api.get(path)).headers["etag"]})


async def test_lists_are_narrowed_and_sorted(bench: Bench) -> None:
    for name in ("Cleo", "Ada", "Bob"):
        await bench.ok("POST", "/v1/users", 201, json={"name": name, "email": f"{name}@example.com"})

    async def names(query: str) -> list[str]:
        found: list[str] = []
        cursor = ""
        while cursor is not None:
            answer = await bench.ok("GET", f"/v1/users?limit=1&{query}" + (f"&cursor={cursor}" if cursor else ""))
            found += [user["name"] for user in answer["items"]]
            cursor = answer["next_cursor"]
        return found

    assert await names("") == ["Bob", "Ada", "Cleo"]
    assert await names("sort=created_at") == ["Cleo", "Ada", "Bob"]
    assert await names("sort=name") == ["Ada", "Bob", "Cleo"]
    assert await names("sort=-name") == ["Cleo", "Bob", "Ada"]
    assert await names("email=Ada@example.com") == ["Ada"]
    assert "sort" in await bench.refused("GET", "/v1/users?sort=email", 400)
    made = await bench.ok("GET", "/v1/audit-logs?operation=user.create&success=true&order=asc")
    assert [row["after"]["name"] for row in made["items"]] == ["Cleo", "Ada", "Bob"]
    assert (await bench.ok("GET", "/v1/audit-logs?to=1971-01-01T00:00:00Z"))["items"] == []
