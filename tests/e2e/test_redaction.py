"""Secrets and PII never reach a provider, in any provider's format."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sallyport.standin import StandIn
from tests.e2e.sdks import GENERATING, Sdk
from tests.e2e.support import Gateway, Team
from tests.e2e.wire import chat, placeholders

PERSONAL = {"EMAIL": "ada.lovelace@example.com", "US_SSN": "536-90-4399", "US_PHONE_NUMBER": "(415) 555-2671"}
SECRETS = {
    "GITHUB_PAT": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AWS_ACCESS_KEY_ID": "AKIAQ3EGRTVZP7LWX2KM",
    "OPENAI_API_KEY": "sk-proj-Zq8LwN3vK2xT9bRfYc5MhD7sJ1pA4gEuT3BlbkFJXy6VnHt0QeWr2UiOkLmB",
}
TEXT = (
    "[[echo]] Write to {EMAIL}, SSN {US_SSN}, call {US_PHONE_NUMBER}. The token is {GITHUB_PAT}, "
    "the key {AWS_ACCESS_KEY_ID} and the other key {OPENAI_API_KEY}."
).format(**PERSONAL, **SECRETS)
CATEGORIES = sorted([*PERSONAL, *SECRETS])
GUARD = {"version": 1, "detect": {"pii": True, "secrets": True}, "timeout_seconds": 10, "on_timeout": "block"}


@pytest.fixture(scope="module")
def guarded(gateway: Gateway) -> Team:
    return gateway.team("guarded", {"policy_type": "guard", "action": "redact", "name": "Clean", "config": GUARD})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("sdk", GENERATING, ids=str)
def test_in_place_in_every_format(
    gateway: Gateway, guarded: Team, standin: StandIn, enter: Callable[[str], None], sdk: Sdk, stream: bool
):
    enter(guarded.key)
    reply = sdk.ask(TEXT, stream)
    (received,) = (entry for entry in standin.requests() if entry.target != "/token")
    for value in (*PERSONAL.values(), *SECRETS.values()):
        assert value not in received
    assert sorted(placeholders(received.body.decode())) == CATEGORIES
    assert sorted(placeholders(reply.text)) == CATEGORIES
    assert reply.text.startswith("[[echo]] Write to [SAFE_TO_USE:EMAIL_")
    record = gateway.call(reply.headers["x-gateway-request-id"])
    assert record["redactions"] == dict.fromkeys(CATEGORIES, 1)
    assert sorted(place["category"] for place in record["redacted_at"]) == CATEGORIES
    assert len({place["where"] for place in record["redacted_at"]}) == 1


def test_the_same_value_gets_the_same_placeholder(gateway: Gateway, guarded: Team, standin: StandIn):
    with gateway.client(guarded) as client:
        for text in (TEXT, f"again: {TEXT}"):
            assert client.post("/openai/v1/chat/completions", json=chat(text)).status_code == 200
    first, second = (entry.json()["messages"][0]["content"] for entry in standin.requests())
    assert second == f"again: {first}"


def test_another_workspace_has_other_placeholders(gateway: Gateway, guarded: Team, standin: StandIn):
    other = gateway.team("other", {"policy_type": "guard", "action": "redact", "name": "Clean", "config": GUARD})
    standin.clear()
    for team in (guarded, other):
        with gateway.client(team) as client:
            assert client.post("/openai/v1/chat/completions", json=chat(TEXT)).status_code == 200
    first, second = (entry.json()["messages"][0]["content"] for entry in standin.requests())
    assert first != second


def test_wherever_a_model_would_read_it(gateway: Gateway, guarded: Team, standin: StandIn):
    email, token = PERSONAL["EMAIL"], SECRETS["GITHUB_PAT"]
    call: dict[str, Any] = {"id": "call_1", "type": "function"}
    call["function"] = {"name": "look", "arguments": json.dumps({"who": email, "nested": [{"token": token}]})}
    tool = {"type": "function", "function": {"name": "look", "description": f"mail {email}", "parameters": {"type": "object"}}}
    messages = [
        {"role": "system", "content": f"You write for {email}."},
        {"role": "user", "content": [{"type": "text", "text": f"My token: {token}"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": json.dumps({"mail": email})},
        {"role": "user", "content": "And now?", "a_field_of_tomorrow": {"note": email}},
    ]
    with gateway.client(guarded) as client:
        answer = client.post("/openai/v1/chat/completions", json={"model": "gpt-4o-mini", "messages": messages, "tools": [tool]})
    assert answer.status_code == 200, answer.text
    (received,) = standin.requests()
    assert email not in received
    assert token not in received
    sent = received.json()
    assert sent["messages"][2]["tool_calls"][0]["id"] == "call_1"
    arguments = json.loads(sent["messages"][2]["tool_calls"][0]["function"]["arguments"])
    assert placeholders(arguments["who"]) == ["EMAIL"]
    assert placeholders(arguments["nested"][0]["token"]) == ["GITHUB_PAT"]
    assert sent["tools"][0]["function"]["name"] == "look"


def test_names_by_spacy(gateway: Gateway, guarded: Team, standin: StandIn):
    with gateway.client(guarded) as client:
        text = "Yesterday Margaret Thompson flew from Chicago to Berlin to meet her brother."
        answer = client.post("/openai/v1/chat/completions", json=chat(text))
    assert answer.status_code == 200, answer.text
    (received,) = standin.requests()
    assert "Margaret Thompson" not in received
    assert "PERSON" in placeholders(received.body.decode())


def test_what_is_clean_passes_byte_by_byte(gateway: Gateway, guarded: Team, standin: StandIn):
    messages = b'[{"role":"user","content":"caf\\u00e9 \xc3\xa9  2+2"}]'
    raw = b'{ "model":"gpt-4o-mini" , "messages":' + messages + b', "seed":12345678901234567890}'
    with gateway.client(guarded) as client:
        answer = client.post("/openai/v1/chat/completions", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert standin.requests()[0].body == raw


def test_without_a_guard_nothing_is_touched(gateway: Gateway, team: Team, standin: StandIn):
    with gateway.client(team) as client:
        assert client.post("/openai/v1/chat/completions", json=chat(TEXT)).status_code == 200
    assert standin.requests()[0].json()["messages"][0]["content"] == TEXT


def test_a_redaction_is_a_violation_that_shows_no_value(gateway: Gateway, guarded: Team, standin: StandIn):
    with gateway.client(guarded) as client:
        gateway.call(client.post("/openai/v1/chat/completions", json=chat(TEXT)).headers["x-gateway-request-id"])
    violations = gateway.admin("GET", "/v1/violations", params={"limit": 1000})["items"]
    ours = [entry for entry in violations if entry["workspace_id"] == guarded.workspace_id]
    assert {entry["action"] for entry in ours} == {"redacted"}
    for value in (*PERSONAL.values(), *SECRETS.values()):
        assert value not in json.dumps(violations)
