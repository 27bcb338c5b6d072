from __future__ import annotations

from tests.sallyport.console.bench import Bench

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


async def test_a_text_is_tried(bench: Bench) -> None:
    tried = await bench.ok("POST", "/v1/redactions/trial", json={"text": f"ada@example.com has {TOKEN}"})
    assert tried["text"].startswith("[SAFE_TO_USE:EMAIL_")
    assert TOKEN not in tried["text"]
    assert [(place["where"], place["category"]) for place in tried["places"]] == [("/text", "EMAIL"), ("/text", "GITHUB_PAT")]
    kept = await bench.ok("POST", "/v1/redactions/trial", json={"text": f"ada@example.com has {TOKEN}", "pii": False})
    assert kept["text"].startswith("ada@example.com has [SAFE_TO_USE:GITHUB_PAT_")
    assert not kept["unfinished"]


async def test_a_request_is_tried_field_by_field(bench: Bench) -> None:
    text = f'{{"model": "m", "messages": [{{"role": "user", "content": "{TOKEN}"}}]}}'
    (place,) = (await bench.ok("POST", "/v1/redactions/trial", json={"text": text}))["places"]
    assert place == {"where": "/messages/0/content", "category": "GITHUB_PAT", "count": 1}


async def test_recorded_calls_are_replayed(bench: Bench) -> None:
    """Their bodies were redacted before they were stored: a guard would have replaced what was."""
    body = {
        "messages": [{"content": "[SAFE_TO_USE:EMAIL_aB3dE5gH] has [SAFE_TO_USE:GITHUB_PAT_aB3dE5gH], and so has b@example.com"}]
    }
    bench.record(started_at=1.0, workspace_id="default", inputs=body)
    bench.record(started_at=2.0, workspace_id="default", inputs={"messages": [{"content": "2 + 2"}]})
    bench.record(started_at=3.0, workspace_id="default")
    replayed = await bench.ok("POST", "/v1/redactions/replay", json={})
    assert (replayed["calls"], replayed["changed"], len(replayed["examples"])) == (2, 1, 1)
    assert replayed["counts"] == {"EMAIL": 2, "GITHUB_PAT": 1}
    assert (await bench.ok("POST", "/v1/redactions/replay", json={"pii": False}))["counts"] == {"GITHUB_PAT": 1}
    assert (await bench.ok("POST", "/v1/redactions/replay", json={"workspace_id": "another"}))["calls"] == 0
