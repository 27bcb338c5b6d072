from __future__ import annotations

from tests.sallyport.console.bench import Bench


async def test_a_users_life(bench: Bench) -> None:
    made = await bench.ok("POST", "/v1/users", 201, json={"name": "Ada", "email": "ada@example.com"})
    path = f"/v1/users/{made['id']}"
    assert await bench.ok("GET", path) == made
    changed = await bench.ok("PATCH", path, json={"name": "Ada King"})
    assert (changed["name"], changed["email"]) == ("Ada King", "ada@example.com")
    assert (await bench.ok("GET", "/v1/users"))["items"] == [changed]


async def test_wrong_users_are_refused(bench: Bench) -> None:
    assert "email" in await bench.refused("POST", "/v1/users", 400, json={"name": "Ada", "email": "nonsense"})
    assert "name: required" in await bench.refused("POST", "/v1/users", 400, json={})
    await bench.ok("POST", "/v1/users", 201, json={"name": "Ada", "email": "ada@example.com"})
    assert "ada@example.com" in await bench.refused("POST", "/v1/users", 409, json={"name": "Eve", "email": "ada@example.com"})
    assert "nobody" in await bench.refused("GET", "/v1/users/nobody", 404)
