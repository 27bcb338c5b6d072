from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import httpx2
import pytest

from sallyport.console.upkeep import Upkeep
from sallyport.spend import ledger
from sallyport.store.models import Actor
from sallyport.tracing.record import Fired, PolicyRef
from tests.sallyport.console.bench import Bench

HOSTILE = "<img src=x onerror=alert(1)>\"'&{{7*7}}"
PAGES = (
    "/",
    "/calls",
    "/spend",
    "/policies",
    "/keys",
    "/secrets",
    "/violations",
    "/audit",
    "/live/overview",
    "/live/calls",
)


class Page(HTMLParser):
    """What a browser would make of it: the elements, and everything that could run or load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.dangerous: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            loads = name in ("src", "href", "action") and not (value or "").startswith(("/", "?", "https://smith.example/"))
            if name.startswith("on") or name == "style" or loads:
                self.dangerous.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("path", PAGES)
async def test_an_empty_install_says_what_to_do_next(browser: httpx2.AsyncClient, path: str) -> None:
    response = await browser.get(path)
    assert response.status_code == 200
    if path != "/audit":
        assert 'class="empty"' in response.text


@pytest.mark.parametrize(
    "path",
    [
        *PAGES,
        "/calls/{id}",
        "/violations/{violation}",
        "/audit?verify=true",
        *(f"/spend?group_by={g}" for g in ("user", "api_key")),
    ],
)
async def test_hostile_text_is_shown_and_does_nothing(bench: Bench, browser: httpx2.AsyncClient, path: str) -> None:
    store, admin = bench.console.store, Actor(HOSTILE)
    user = store.create_user(admin, {"name": HOSTILE})
    workspace = store.create_workspace(admin, {"name": HOSTILE})
    key = store.create_key(admin, workspace_id=workspace.id, user_id=user.id, name=HOSTILE).record
    store.create_policy(
        admin,
        {"name": HOSTILE, "policy_type": "spend_cap", "config": {"window": "daily", "limit_usd": 1}, "subject_matchers": []},
    )
    call = bench.record(
        started_at=time.time(),
        provider=HOSTILE,
        model=HOSTILE,
        workspace_id=workspace.id,
        user_id=user.id,
        api_key_id=key.id,
        user_agent=HOSTILE,
        path=HOSTILE,
        reason=HOSTILE,
        cost_nano=10**9,
        redactions={HOSTILE: 1},
        matched=[PolicyRef("p", HOSTILE)],
        fired=[Fired("p", HOSTILE, "guard", "redacted", HOSTILE, [{"where": HOSTILE, "category": HOSTILE, "count": 1}])],
    )
    (violation,) = ledger.list_violations(store.engine).items
    store.triage_violation(admin, violation.id, {"assignee": HOSTILE})
    store.comment_violation(admin, violation.id, HOSTILE)
    response = await browser.get(path.format(id=call.id, violation=violation.id))
    assert response.status_code == 200
    page = Page(response.text)
    assert "img" not in page.tags
    assert page.dangerous == []
    if path != "/secrets":
        assert "&lt;img src=x onerror=alert(1)&gt;" in response.text


async def test_a_page_loads_nothing_from_elsewhere(browser: httpx2.AsyncClient) -> None:
    for path in PAGES:
        assert not re.search(r"https?://(?!www\.w3\.org/)", (await browser.get(path)).text)
    for name in ("console.css", "live.js", "icon.svg"):
        response = await browser.get(f"/static/{name}")
        assert response.status_code == 200
        assert not re.search(r"https?://(?!www\.w3\.org/)", response.text)


async def test_the_overview_shows_spend_calls_and_how_full_caps_are(bench: Bench, browser: httpx2.AsyncClient) -> None:
    bench.console.store.create_policy(
        Actor("test"), {"name": "Team budget", "policy_type": "spend_cap", "config": {"window": "daily", "limit_usd": 8}}
    )
    await Upkeep(bench.console.store, bench.console.redis).once()
    call = bench.record(
        started_at=time.time(),
        provider="openai",
        model="gpt-4o-mini",
        cost_nano=2_500_000_000,
        input_tokens=12_345,
        outcome="error",
    )
    text = (await browser.get("/live/overview")).text
    assert "$2.50" in text
    assert "gpt-4o-mini" in text
    assert "12.3k" in text
    assert "Team budget" in text
    assert f"/calls/{call.id}" in text
    assert 'rect class="error"' in text


async def test_a_calls_page_tells_its_time_cost_policies_and_trace(bench: Bench, browser: httpx2.AsyncClient) -> None:
    call = bench.record(
        started_at=1_700_000_000.0,
        provider="anthropic",
        model="claude-sonnet-4-5",
        cost_nano=1_234_567_891,
        duration_ms=2000.0,
        gateway_ms=20.0,
        first_token_ms=520.0,
        unpriced=True,
        matched=[PolicyRef("p1", "Budget"), PolicyRef("p2", "Models")],
        violated=[PolicyRef("p1", "Budget")],
        redactions={"US_SSN": 3},
    )
    text = (await browser.get(f"/calls/{call.id}")).text
    for shown in ("2023-11-14 22:13:20", "$1.234567891", "20 ms", "500 ms", "1.5 s", "violated", "passed", "US_SSN", "unpriced"):
        assert shown in text
    assert "LangSmith" not in text


async def test_calls_can_be_filtered_and_continued(bench: Bench, browser: httpx2.AsyncClient) -> None:
    page = (await browser.get("/calls")).text
    assert all(f">{name}</option>" in page for name in ("openai", "groq"))
    for number in range(51):
        bench.record(started_at=float(number), model=f"model-{number:02}", outcome="blocked")
    first = await browser.get("/calls?outcome=blocked")
    assert "model-50" in first.text
    assert "model-00" not in first.text
    older = re.search(r'href="(\?[^"]*cursor=[^"]*)"', first.text)
    assert older is not None
    rest = await browser.get("/calls" + older[1].replace("&amp;", "&"))
    assert "model-00" in rest.text
    assert "model-50" not in rest.text
    assert "data-live" not in rest.text
    assert "No call matches" in (await browser.get("/calls?outcome=success")).text
    assert (await browser.get("/calls?cursor=made-up")).status_code == 400


async def test_the_audit_page_tells_of_a_broken_chain(bench: Bench, browser: httpx2.AsyncClient) -> None:
    assert "is whole" in (await browser.get("/audit?verify=true")).text
