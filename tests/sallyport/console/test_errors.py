from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from sallyport.console import redis_client
from sallyport.console.app import attach
from sallyport.store.database import writing
from tests.sallyport.console.bench import ADMIN_KEY, ORIGIN, Bench, app

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "headers", "detail"),
    [
        (b"{", JSON, "not valid JSON"),
        (b"", JSON, "JSON object"),
        (b"[]", JSON, "JSON object"),
        (b"null", JSON, "JSON object"),
        (b"\xff\xfe{}", JSON, "not valid JSON"),
        (b'{"name": "x"}', {"Content-Type": "text/plain"}, "application/json"),
        (b'{"name": "\\ud800"}', JSON, "name"),
        (b'{"name": "a\\u0000b"}', JSON, "name"),
        (b'{"name": 7}', JSON, "name"),
        (b"[" * 100_000, JSON, "parsing the body"),
    ],
)
async def test_a_broken_body_is_a_clear_400(bench: Bench, content: bytes, headers: dict[str, str], detail: str) -> None:
    assert detail in await bench.refused("POST", "/v1/users", 400, content=content, headers=headers)


async def test_unknown_paths_and_methods(bench: Bench) -> None:
    assert await bench.refused("GET", "/v1/nothing", 404)
    assert await bench.refused("DELETE", "/v1/spend", 405)


async def test_a_browser_gets_a_page(browser: httpx2.AsyncClient) -> None:
    response = await browser.get("/calls/<script>alert(1)<%2Fscript>")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in response.text


async def test_a_database_that_lost_its_tables_is_no_traceback(bench: Bench, browser: httpx2.AsyncClient) -> None:
    with writing(bench.console.store.engine) as connection:
        connection.execute(text("DROP TABLE calls"))
    response = await bench.api.get("/v1/calls")
    assert response.status_code >= 500
    assert "detail" in response.json()
    assert "SELECT" not in response.text
    page = await browser.get("/calls")
    assert page.status_code >= 500
    assert "Traceback" not in page.text
    assert "see the log" in page.text
    assert page.headers["x-frame-options"] == "DENY"


async def test_without_redis_policies_are_still_shown_and_changed(bench: Bench, tmp_path: Path) -> None:
    console = replace(bench.console, redis=redis_client.connect(f"unix://{tmp_path}/no.sock"))
    cap = {"name": "Budget", "policy_type": "spend_cap", "config": {"window": "daily", "limit_usd": 5}}
    headers = {"X-API-Key": ADMIN_KEY}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(attach(app(), console)), base_url=ORIGIN, headers=headers
    ) as client:
        made = await client.post("/v1/platform/gateway-policies", json=cap)
        assert made.status_code == 201
        assert "current_spend_usd" not in made.json()
        assert (await client.get("/v1/platform/gateway-policies")).status_code == 200
