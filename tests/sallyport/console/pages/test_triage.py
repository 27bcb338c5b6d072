from __future__ import annotations

import httpx2
import pytest

from sallyport.tracing.record import Fired
from tests.sallyport.console.bench import Bench


@pytest.fixture
async def page(bench: Bench) -> str:
    """The path of a violation's page."""
    bench.record(
        id="the-call",
        started_at=1.0,
        outcome="blocked",
        langsmith_run_id="run",
        fired=[Fired("p", "Budget", "spend_cap", "blocked", "daily cap reached")],
    )
    return f"/violations/{(await bench.ok('GET', '/v1/violations'))['items'][0]['id']}"


async def test_a_violation_leads_to_its_call_and_says_what_to_do(page: str, browser: httpx2.AsyncClient) -> None:
    assert f'href="{page}"' in (await browser.get("/violations")).text
    text = (await browser.get(page)).text
    for shown in ("Budget", "daily cap reached", 'href="/calls/the-call"', "Raise the cap", "Acknowledge", "Resolve"):
        assert shown in text
    assert "Open again" not in text
    assert (await browser.get("/violations/nothing")).status_code == 404


async def test_buttons_and_forms_change_it(bench: Bench, page: str, browser: httpx2.AsyncClient) -> None:
    for form, values in (
        ("assignee", {"assignee": "Ada"}),
        ("comments", {"text": "line 1\nline 2"}),
        ("state", {"state": "resolved"}),
    ):
        response = await browser.post(f"{page}/{form}", data=values)
        assert (response.status_code, response.headers["location"]) == (303, page)
    text = (await browser.get(page)).text
    for shown in ('value="Ada"', "line 1\nline 2", "resolved", "Open again"):
        assert shown in text
    assert "Acknowledge" not in text
    assert "Budget" not in (await browser.get("/violations?state=open")).text
    assert "Budget" in (await browser.get("/violations?state=resolved")).text
    actor = (await bench.ok("GET", "/v1/audit-logs"))["items"][0]["actor"]
    assert actor.startswith("admin-key:")


async def test_a_wrong_form_says_why(page: str, browser: httpx2.AsyncClient) -> None:
    for form, values, told in (("state", {"state": "gone"}, "State must be"), ("comments", {"text": " "}, "Text must be")):
        response = await browser.post(f"{page}/{form}", data=values)
        assert response.status_code == 400
        assert told in response.text
    assert (await browser.post("/violations/nothing/state", data={"state": "open"})).status_code == 404


async def test_a_foreign_site_changes_nothing(page: str, browser: httpx2.AsyncClient) -> None:
    response = await browser.post(f"{page}/state", data={"state": "resolved"}, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
