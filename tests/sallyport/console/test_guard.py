from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sallyport.console.guard import MAX_BODY_BYTES, AllowedHosts
from tests.sallyport.console.bench import Bench


@pytest.mark.parametrize("host", ["127.0.0.1:8081", "localhost", "LOCALHOST:8081", "[::1]:8081", "gate.example", "gate.example."])
async def test_our_own_names_are_answered(bench: Bench, host: str) -> None:
    assert (await bench.anyone.get("/login", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8081", "10.0.0.1", "", "[::1", "localhost:80a", "@"],
)
async def test_a_foreign_name_is_refused(bench: Bench, host: str) -> None:
    for path in ("/", "/v1/keys", "/healthz", "/static/console.css"):
        response = await bench.api.get(path, headers={"Host": host})
        assert response.status_code == 421
        assert "names" in response.json()["detail"]


def test_bound_to_every_address_any_address_is_ours_but_no_name() -> None:
    hosts = AllowedHosts("0.0.0.0", ())
    assert "10.1.2.3:8081" in hosts
    assert "[fd00::1]:8081" in hosts
    assert "evil.example" not in hosts


async def test_every_answer_carries_the_security_headers(bench: Bench) -> None:
    for path in ("/login", "/v1/keys", "/nowhere", "/static/live.js", "/metrics"):
        headers = (await bench.anyone.get(path)).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


async def test_a_body_without_end_is_cut_off(bench: Bench) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield b" " * 65536

    response = await bench.api.post("/v1/users", content=endless(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert str(MAX_BODY_BYTES) in response.json()["detail"]
    assert sent <= MAX_BODY_BYTES + 2 * 65536
