from __future__ import annotations

import httpx2
import pytest

from sallyport.store.models import Actor
from tests.sallyport.console.bench import ADMIN_KEY, ORIGIN, Bench

PAGES = ("/", "/calls", "/calls/x", "/spend", "/policies", "/keys", "/secrets", "/violations", "/audit")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_asks_to_sign_in_first(bench: Bench, path: str) -> None:
    response = await bench.anyone.get(path)
    assert response.status_code == 303
    assert response.headers["location"] == f"/login?next={path}"


async def test_a_live_part_says_that_the_session_ended(bench: Bench) -> None:
    assert (await bench.anyone.get("/live/overview")).status_code == 401


async def test_the_key_opens_a_session_that_scripts_and_other_sites_do_not_get(bench: Bench) -> None:
    response = await bench.anyone.post("/login", data={"key": f" {ADMIN_KEY}\n", "next": "/spend"}, headers={"Origin": ORIGIN})
    assert response.status_code == 303
    assert response.headers["location"] == "/spend"
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert ADMIN_KEY not in cookie


async def test_a_wrong_key_is_told_and_not_shown(bench: Bench) -> None:
    response = await bench.anyone.post("/login", data={"key": "wrong-key"}, headers={"Origin": ORIGIN})
    assert response.status_code == 401
    assert "unknown or revoked" in response.text
    assert "wrong-key" not in response.text
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nb"])
async def test_signing_in_leads_nowhere_else(bench: Bench, next: str) -> None:
    response = await bench.anyone.post("/login", data={"key": ADMIN_KEY, "next": next}, headers={"Origin": ORIGIN})
    assert response.headers["location"] == "/"


async def test_a_form_from_another_site_is_refused(browser: httpx2.AsyncClient) -> None:
    form = {"name": "x", "workspace_id": "default"}
    for origin in ("http://evil.example", "null", "", "http://127.0.0.1:9999"):
        for path in ("/keys", "/login", "/logout"):
            assert (await browser.post(path, data=form, headers={"Origin": origin})).status_code == 403
    assert (await browser.post("/keys", data=form)).status_code == 201


async def test_signing_out(browser: httpx2.AsyncClient) -> None:
    assert (await browser.get("/")).status_code == 200
    assert (await browser.post("/logout")).status_code == 303
    assert (await browser.get("/")).status_code == 303


async def test_a_session_ends_with_its_admin_key(bench: Bench) -> None:
    new = bench.console.store.create_admin_key(Actor("test"))
    bench.console.store.revoke_admin_key(Actor("test"), new.record.id)
    cookies = {"sallyport_session": bench.console.sessions.issue(new.record.id)}
    async with bench.connect(cookies=cookies) as client:
        assert (await client.get("/")).status_code == 303
