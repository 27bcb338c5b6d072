"""What a policy's refusal looks like to each SDK."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from policies import POLICY_TYPES
from sallyport.standin import StandIn
from tests.e2e.sdks import GENERATING, REFUSED, SDKS, Sdk, headers_of, status_of
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.wire import CHAT, chat, check


@pytest.fixture(scope="module")
def poor(gateway: Gateway) -> Team:
    """A team that has spent what its cap allows."""
    cap = {"window": "monthly", "limit_usd": "0.00000001"}
    team = gateway.team("poor", {"policy_type": "spend_cap", "name": "Pocket money", "config": cap})
    with gateway.client(team) as client:
        client.post(CHAT, json=chat("spend it all"))
        wait_for(lambda: client.post(CHAT, json=chat("more")).status_code == 402, "the cap to be used up")
    return team


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("sdk", [sdk for sdk in SDKS if sdk.metered], ids=str)
def test_a_spend_cap(
    gateway: Gateway, poor: Team, standin: StandIn, enter: Callable[[str], None], way_in: str, sdk: Sdk, stream: bool
):
    enter(poor.key)
    with pytest.raises(REFUSED, match="request blocked by gateway policies: Pocket money") as raised:
        sdk.ask("hello", stream)
    assert status_of(raised.value) == 402
    headers = headers_of(raised.value)
    metadata = json.loads(headers["x-langsmith-gateway-metadata"])
    assert metadata == {
        "outcome": "blocked",
        "reason": "spend_limit",
        "provider": sdk.provider,
        "scopes": ["workspace"],
        "limit_source": "gateway_policy",
        "limit_windows": ["monthly"],
    }
    assert headers["x-should-retry"] == "false"
    assert standin.requests() == []
    record = gateway.call(headers["x-gateway-request-id"])
    assert (record["outcome"], record["status"], record["cost_usd"]) == ("blocked", 402, "0")
    assert [policy["name"] for policy in record["policies"]["violated"]] == ["Pocket money"]
    assert record["way_in"] == way_in


VERTEX = "/vertex/v1/projects/p/locations/global/publishers"
GENERATING_PATHS = (
    *("/openai/v1/chat/completions", "/openai/v1/completions", "/openai/v1/responses", "/openai/v1/responses/compact"),
    *("/openai/v1/embeddings", "/openai/v1/images/generations"),
    *("/anthropic/v1/messages", "/anthropic/v1/messages?beta=true"),
    *("/fireworks/inference/v1/chat/completions", "/fireworks/inference/v1/messages", "/baseten/v1/chat/completions"),
    *("/gemini/v1beta/models/gemini-2.5-flash:generateContent", "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent"),
    *("/gemini/v1beta/models/gemini-embedding-001:embedContent", "/gemini/v1beta/models/gemini-embedding-001:batchEmbedContents"),
    *(f"{VERTEX}/google/models/gemini-2.5-flash:generateContent", f"{VERTEX}/google/models/gemini-embedding-001:predict"),
    *(f"{VERTEX}/anthropic/models/claude-haiku-4-5@20251001:{verb}" for verb in ("rawPredict", "streamRawPredict")),
    *(f"/bedrock/model/amazon.nova-micro-v1%3A0/{verb}" for verb in ("converse", "converse-stream", "invoke")),
    "/bedrock/model/amazon.nova-micro-v1:0/invoke-with-response-stream",
)
ODD_PATHS = ("/openai/v1//chat/completions", "/openai/v1/chat/completions/", "/openai/v1/x/../chat/completions")


@pytest.mark.parametrize("path", GENERATING_PATHS)
def test_no_path_leads_past_a_budget(gateway: Gateway, poor: Team, standin: StandIn, path: str):
    with gateway.client(poor) as client:
        answer = client.post(path, json={"model": "gpt-4o-mini", "max_tokens": 5, "messages": [], "input": "hi"})
    assert (answer.status_code, "Pocket money" in answer.text) == (402, True), answer.text
    assert standin.requests() == []


@pytest.mark.parametrize("path", ODD_PATHS)
def test_nor_does_another_spelling_of_one(gateway: Gateway, poor: Team, standin: StandIn, path: str):
    connection = http.client.HTTPConnection(gateway.listen, timeout=10)  # which sends a path as it is
    connection.request("POST", path, json.dumps(chat("hi")), {"x-gateway-key": poor.key})
    assert connection.getresponse().status in (402, 404)
    connection.close()
    assert standin.requests() == []


BLOCKING: dict[str, dict[str, Any]] = {
    "spend_cap": {"window": "daily", "limit_usd": 0},
    "default_spend_cap": {"window": "hourly", "limit_usd": 0},
    "rate_limit": {"version": 1, "limits": [{"metric": "requests", "window": "minute", "value": 1}]},
    "default_rate_limit": {"version": 1, "limits": [{"metric": "tokens", "window": "hour", "value": 1}]},
    "model_access": {"allow": ["anthropic/*"]},
    "guard": {"version": 1, "detect": {"pii": False, "secrets": True}},
}


@pytest.mark.parametrize("policy_type", POLICY_TYPES)
def test_every_type_of_policy_is_stored_as_given_and_enforced(gateway: Gateway, standin: StandIn, policy_type: str):
    team = gateway.team("governed")
    matchers = [{"key": "workspace_id", "value": team.workspace_id}]
    if policy_type.startswith("default_"):
        matchers.append({"key": "api_key_id", "value": ""})
    made = gateway.policy(team.workspace_id, policy_type, BLOCKING[policy_type], subject_matchers=matchers)
    stored = gateway.admin("GET", f"/v1/platform/gateway-policies/{made['id']}")
    assert BLOCKING[policy_type].items() <= stored["config"].items()
    assert stored["subject_matchers"] == matchers
    secret = "ghp_" + "a1B2c3D4e5F6" * 3

    def enforced() -> bool:
        standin.clear()
        status = client.post(CHAT, json=chat(f"my key is {secret}")).status_code
        if policy_type == "guard":
            return status == 200 and secret not in standin.requests()[0]
        return status in (402, 403, 429) and standin.requests() == []

    with gateway.client(team) as client:
        wait_for(enforced, f"a {policy_type} to hold")


def test_a_blocked_call_is_a_violation(gateway: Gateway, poor: Team, standin: StandIn):
    with gateway.client(poor) as client:
        call_id = client.post(CHAT, json=chat("hello")).headers["x-gateway-request-id"]
    gateway.call(call_id)
    violations = gateway.admin("GET", "/v1/violations", params={"limit": 1000})["items"]
    ours = [violation for violation in violations if violation["workspace_id"] == poor.workspace_id]
    assert ours
    assert {(entry["policy_name"], entry["policy_type"], entry["action"]) for entry in ours} == {
        ("Pocket money", "spend_cap", "blocked")
    }


def test_codex_gets_a_400_which_it_does_not_retry(gateway: Gateway, poor: Team, standin: StandIn):
    with gateway.client(poor) as client:
        body = {"model": "gpt-5", "input": "hello", "stream": True}
        answer = client.post("/openai/v1/responses", json=body, headers={"user-agent": "codex_exec/0.169.0"})
    check("openai", answer, 400, "request blocked by gateway policies: Pocket money")


@pytest.fixture(scope="module")
def restricted(gateway: Gateway) -> Team:
    allow = {"allow": ["openai/gpt-4o-mini", "openai/text-*"]}
    return gateway.team("restricted", {"policy_type": "model_access", "name": "Small models", "config": allow})


@pytest.mark.parametrize("sdk", [sdk for sdk in GENERATING if sdk.name != "openai-chat"], ids=str)
def test_a_model_that_is_not_allowed(restricted: Team, standin: StandIn, enter: Callable[[str], None], sdk: Sdk):
    enter(restricted.key)
    with pytest.raises(REFUSED, match="request blocked by gateway policies: Small models") as raised:
        sdk.ask("hello", False)
    assert status_of(raised.value) == 403
    assert json.loads(headers_of(raised.value)["x-langsmith-gateway-metadata"])["reason"] == "model_access"
    assert standin.requests() == []


def test_a_model_that_is_allowed(gateway: Gateway, restricted: Team, standin: StandIn):
    with gateway.client(restricted) as client:
        assert client.post(CHAT, json=chat("hello")).status_code == 200
