"""What a guard does with what it can't look at, or not in time: stated in docs/redaction.md, shown here."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from sallyport.standin import StandIn
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.wire import CHAT, chat, placeholders

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
STORY = "Yesterday Margaret Thompson flew from Chicago to Berlin to meet her brother Henry. "
LONG = "".join(f"On day {day} {STORY}" for day in range(30_000))
"""2.8 MB that take the names model many times a second."""


def guard(**config: Any) -> dict[str, Any]:
    whole = {"version": 1, "detect": {"pii": True, "secrets": True}, "timeout_seconds": 1, **config}
    return {"policy_type": "guard", "name": "Clean", "config": whole}


@pytest.fixture(scope="module")
def patient(gateway: Gateway) -> Team:
    return gateway.team("patient", guard(timeout_seconds=30, on_timeout="block"))


@pytest.mark.parametrize(("choice", "status"), [("block", 503), ("allow", 200)])
def test_names_that_could_not_be_looked_for_in_time(gateway: Gateway, standin: StandIn, choice: str, status: int):
    team = gateway.team(f"hasty-{choice}", guard(on_timeout=choice, on_error="block" if choice == "allow" else "allow"))
    standin.clear()
    with gateway.client(team) as client:
        answer = client.post(CHAT, json=chat(f"{LONG}{TOKEN}"))
    assert answer.status_code == status, answer.text[:500]
    record = gateway.call(answer.headers["x-gateway-request-id"])
    if status == 503:
        assert "retry-after" in answer.headers
        assert answer.json()["error"]["message"].startswith("request blocked by gateway policies: Clean. ")
        assert record["reason"] == "guard_unfinished"
        assert standin.requests() == []
    else:
        assert TOKEN not in standin.requests()[0]
        assert record["redactions"]["GITHUB_PAT"] == 1
        details = [entry["detail"] for entry in gateway.admin("GET", "/v1/violations", params={"limit": 1000})["items"]]
        assert any("in time" in detail and "passed by policy" in detail for detail in details)


@pytest.mark.parametrize(("choice", "status"), [("block", 503), ("allow", 200)])
def test_without_a_names_model(providers: StandIn, tmp_path: Path, choice: str, status: int):
    providers.clear()
    with Gateway(tmp_path, providers, "--ner-workers", "0") as gateway:
        team = gateway.team("nameless", guard(on_error=choice, on_timeout="block" if choice == "allow" else "allow"))
        with gateway.client(team) as client:
            answer = client.post(CHAT, json=chat(f"{STORY * 20}{TOKEN}"))
        assert answer.status_code == status, answer.text[:500]
        assert [TOKEN in request for request in providers.requests()] == [False] * (status == 200)


def test_a_names_process_that_is_killed_comes_back(providers: StandIn, tmp_path: Path):
    """As the kernel does where a text takes all memory. Meanwhile the policy decides."""
    providers.clear()
    with Gateway(tmp_path, providers) as gateway:
        team = gateway.team("crash", guard(timeout_seconds=20, on_error="block", on_timeout="block"))
        with gateway.client(team) as client:
            assert client.post(CHAT, json=chat(STORY)).status_code == 200
            os.kill(_names_process(gateway), signal.SIGKILL)
            during = client.post(CHAT, json=chat(f"{STORY} {TOKEN}"))
            assert during.status_code in (200, 503)
            wait_for(lambda: client.post(CHAT, json=chat(f"Then {STORY}")).status_code == 200, "the process to be back", 60)
    assert not any(TOKEN in request or "Thompson" in request for request in providers.requests())


def _names_process(gateway: Gateway) -> int:
    assert gateway.process
    own = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
    return next(int(pid) for pid in own if "ner_server" in Path(f"/proc/{pid}/cmdline").read_text())


def test_twenty_megabytes(gateway: Gateway, standin: StandIn):
    """Secrets go wherever they stand; for names there is the time that the policy gives."""
    team = gateway.team("large", guard(on_timeout="allow"))
    log = "".join(f"2026-01-01T00:00:00Z host{number} request {number:x} took {number % 977} ms\n" for number in range(340_000))
    standin.clear()
    with gateway.client(team) as client:
        answer = client.post(CHAT, json=chat(f"{TOKEN}\n{log[:3_000_000]}{TOKEN}\n{log[3_000_000:]}"), timeout=120)
    assert answer.status_code == 200, answer.text[:500]
    (received,) = standin.requests()
    assert int(received.header("content-length") or 0) > 19_000_000
    assert TOKEN not in received  # of which the stand-in keeps the first 4 MB
    assert gateway.call(answer.headers["x-gateway-request-id"])["redactions"]["GITHUB_PAT"] == 2


@pytest.mark.parametrize(
    "text",
    [
        f"\u202e\u05e9\u05dc\u05d5\u05dd {TOKEN} \u0645\u0631\u062d\u0628\u0627\u202c",
        f"T\u043eken \u0440\u0430ssw\u043erd: {TOKEN}",  # the context in look-alikes
        f"e\u0301\u200b{TOKEN}\u200d\u0000",
        f"\\n{TOKEN}\\u0022",
    ],
    ids=["right to left", "homoglyphs", "invisible", "escapes"],
)
def test_odd_scripts(gateway: Gateway, patient: Team, standin: StandIn, text: str):
    with gateway.client(patient) as client:
        assert client.post(CHAT, json=chat(text)).status_code == 200
    (received,) = standin.requests()
    assert TOKEN not in received
    (mark,) = placeholders(received.json()["messages"][0]["content"])
    assert mark == "GITHUB_PAT"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\xff\xfe"}]}', 400),
        (b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\\ud800"}]}', 400),
        (b'{"model":"gpt-4o-mini","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"model":"gpt-4o-mini","messages":' + b"[" * 200 + b'"' + TOKEN.encode() + b'"' + b"]" * 200 + b"}", 200),
    ],
    ids=["invalid UTF-8", "a lone surrogate", "nested far too deeply", "nested deeply"],
)
def test_a_body_that_nobody_could_look_at_is_refused_and_recorded(
    gateway: Gateway, patient: Team, standin: StandIn, body: bytes, status: int
):
    with gateway.client(patient) as client:
        answer = client.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text[:500]
    assert [TOKEN in request for request in standin.requests()] == [False] * (status == 200)
    record = gateway.call(answer.headers["x-gateway-request-id"])
    assert record["outcome"] == ("success" if status == 200 else "blocked")
    assert json.dumps(record["reason"]) == ("null" if status == 200 else '"malformed"')
