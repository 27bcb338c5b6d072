"""What a policy's refusal looks like to each SDK."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

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
