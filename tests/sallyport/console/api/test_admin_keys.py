from __future__ import annotations

import pytest

from sallyport.console import admins
from tests.sallyport.console.bench import ORIGIN, Bench


async def test_an_admin_key_is_made_shown_once_used_and_revoked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"name": "terraform", "expires_at": "2100-01-01T00:00:00Z"}
    made = await bench.ok("POST", "/v1/admin-keys", status=201, json=body)
    key = made.pop("key")
    assert (made["name"], made["expires_at"], made["preset"]) == ("terraform", "2100-01-01T00:00:00.000000Z", False)
    listed = await bench.ok("GET", "/v1/admin-keys")
    assert listed["items"][0] == made == await bench.ok("GET", f"/v1/admin-keys/{made['id']}")
    assert key not in str(listed) + str(await bench.ok("GET", "/v1/audit-logs"))
    async with bench.connect(headers={"X-API-Key": key, "Origin": ORIGIN}) as other:
        assert (await other.get("/v1/keys")).status_code == 200
        assert (await other.post("/login", data={"key": key})).status_code == 303
        assert (await other.get("/keys")).status_code == 200
        await bench.ok("DELETE", f"/v1/admin-keys/{made['id']}", status=204)
        later = admins.time.monotonic() + 1
        monkeypatch.setattr(admins.time, "monotonic", lambda: later)
        assert (await other.get("/v1/keys")).status_code == 401
        assert (await other.get("/keys")).headers["location"].startswith("/login")


async def test_an_expired_one_is_out(bench: Bench) -> None:
    made = await bench.ok("POST", "/v1/admin-keys", status=201, json={"name": "old", "expires_at": "2001-01-01T00:00:00Z"})
    response = await bench.anyone.get("/v1/keys", headers={"X-API-Key": made["key"]})
    assert response.status_code == 401
    assert "expired" in response.json()["detail"]


async def test_the_last_one_stays_and_wrong_requests_say_why(bench: Bench) -> None:
    (only,) = (await bench.ok("GET", "/v1/admin-keys"))["items"]
    assert "last admin key" in await bench.refused("DELETE", f"/v1/admin-keys/{only['id']}", 409)
    await bench.refused("DELETE", "/v1/admin-keys/nothing", 404)
    await bench.refused("GET", "/v1/admin-keys/nothing", 404)
    for wrong in ({}, {"name": ""}, {"name": "x", "expires_at": "soon"}, {"name": "x", "preset": True}):
        await bench.refused("POST", "/v1/admin-keys", 400, json=wrong)
