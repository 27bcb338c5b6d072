from __future__ import annotations

import httpx2

from tests.sallyport.console.bench import Bench

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


async def test_a_guard_is_tried_on_a_text(browser: httpx2.AsyncClient) -> None:
    assert "Try a guard on a text" in (await browser.get("/redaction")).text
    page = (await browser.post("/redaction", data={"text": f"<b>use {TOKEN}", "secrets": "yes"})).text
    assert "&lt;b&gt;use [SAFE_TO_USE:GITHUB_PAT_" in page
    assert "<b>use" not in page
    nothing = (await browser.post("/redaction", data={"text": "2 + 2", "secrets": "yes"})).text
    assert "Nothing was found" in nothing


async def test_a_guard_is_tried_on_recorded_calls(bench: Bench, browser: httpx2.AsyncClient) -> None:
    assert "trace_content: redacted" in (await browser.post("/redaction/replay", data={"secrets": "yes"})).text
    call = bench.record(started_at=1.0, inputs={"messages": [{"content": "[SAFE_TO_USE:GITHUB_PAT_aB3dE5gH]"}]})
    page = (await browser.post("/redaction/replay", data={"secrets": "yes"})).text
    assert "would have changed 1 of 1 recorded calls" in page
    assert f"/calls/{call.id}" in page
