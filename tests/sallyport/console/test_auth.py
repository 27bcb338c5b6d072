from __future__ import annotations

import re

import pytest

from sallyport.console import admins
from sallyport.store.models import Actor
from tests.sallyport.console.bench import ADMIN_KEY, Bench


async def test_every_route_of_the_api_wants_an_admin_key(bench: Bench) -> None:
    schema = (await bench.anyone.get("/openapi.json")).json()
    asked = 0
    for path, methods in schema["paths"].items():
        for method in methods:
            if path.startswith("/v1/"):
                url = re.sub(r"{\w+}", "default", path)
                for headers in ({}, {"X-API-Key": "wrong"}, {"X-API-Key": ADMIN_KEY + " "}, {"X-API-Key": ""}):
                    response = await bench.anyone.request(method, url, json={}, headers=headers)
                    assert response.status_code == 401, f"{method} {path}"
                    assert "X-API-Key" in response.json()["detail"]
                asked += 1
    assert asked > 25


async def test_a_session_cookie_opens_no_api(bench: Bench) -> None:
    async with bench.connect() as client:
        assert (await client.post("/login", data={"key": ADMIN_KEY}, headers={"Origin": str(client.base_url)})).status_code == 303
        assert (await client.get("/v1/keys")).status_code == 401


async def test_a_revoked_admin_key_is_out_within_a_second(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    new = bench.console.store.create_admin_key(Actor("test"))
    headers = {"X-API-Key": new.key.reveal()}
    assert (await bench.anyone.get("/v1/keys", headers=headers)).status_code == 200
    bench.console.store.revoke_admin_key(Actor("test"), new.record.id)
    later = admins.time.monotonic() + 1
    monkeypatch.setattr(admins.time, "monotonic", lambda: later)
    assert (await bench.anyone.get("/v1/keys", headers=headers)).status_code == 401


@pytest.mark.parametrize("key", ["ключ", "a" * 20000, "\udcff"])
async def test_strange_keys_are_just_wrong(bench: Bench, key: str) -> None:
    response = await bench.anyone.get("/v1/keys", headers=[(b"x-api-key", key.encode(errors="surrogatepass"))])
    assert response.status_code == 401
