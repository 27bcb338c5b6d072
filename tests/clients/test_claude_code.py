"""Claude Code, the real one, through the gateway: answered, recorded and paid for; and told at once where it is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sallyport.standin import Received, StandIn
from tests.clients.agent import Agent
from tests.e2e.credentials import CANARIES
from tests.e2e.sdks import ANSWER
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.wire import chat

SECRET = CANARIES["ANTHROPIC_API_KEY"]
SECRETS = {name: CANARIES[name] for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY")}
QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
AT_ONCE = 30.0
"""Seconds. Where it takes a refusal for something that may pass, it retries for minutes, in silence."""


def is_for_a_model(received: Received) -> bool:
    return received.target.startswith("/v1/messages?")


def recorded(gateway: Gateway, **filters: str) -> list[dict[str, Any]]:
    """The records of calls of a model, as soon as there are any."""
    return wait_for(
        lambda: [call for call in gateway.calls(provider="anthropic", **filters) if call["operation"] == "messages"],
        "the record of a call",
    )


def test_a_prompt(claude: Agent, gateway: Gateway, standin: StandIn, way_in: str):
    team = gateway.team("Ada", secrets=SECRETS)
    outcome = claude.run(way_in, team.key, "-p", "hi")
    assert (outcome.status, outcome.output, outcome.errors) == (0, ANSWER, "")

    requests = standin.requests()
    assert any(is_for_a_model(received) for received in requests)
    for received in requests:
        assert team.key not in received
        assert received.header("proxy-authorization") is None
        if is_for_a_model(received):
            assert received.header("x-api-key") == SECRET
            assert received.header("authorization") is None
        else:  # telemetry and settings, for which it uses its key too
            assert SECRET not in received

    for call in recorded(gateway, user_id=team.user_id):
        assert (call["outcome"], call["status"], call["way_in"]) == ("success", 200, way_in)
        assert (call["workspace_id"], call["api_key_id"]) == (team.workspace_id, team.key_id)
        assert call["model"].startswith("claude-")
        assert call["stream"]
        assert (call["input_tokens"] > 1000, call["output_tokens"]) == (True, 11)
        assert Decimal(call["cost_usd"]) > 0
        assert (call["estimated"], call["unpriced"]) == (False, False)


def test_its_probe_needs_no_key_and_is_no_call(gateway: Gateway):
    """Without a proxy in its environment, which tests don't let it be, it asks first whether the base URL is there."""
    with gateway.client() as client:
        probe, refused = client.head("/anthropic/api/hello"), client.get("/anthropic/v1/models")
    assert (probe.status_code, refused.status_code) == (200, 401)
    gateway.call(refused.headers["x-gateway-request-id"])
    assert probe.headers["x-gateway-request-id"] not in [call["id"] for call in gateway.calls(provider="anthropic")]


def test_a_turn_with_a_tool(claude: Agent, gateway: Gateway, standin: StandIn):
    """The first answer calls a tool, the second is for what the tool said."""
    team = gateway.team("Ada", secrets=SECRETS)
    outcome = claude.run("proxy", team.key, "-p", "use it [[tool]]", **QUIET)
    assert (outcome.status, outcome.output) == (0, ANSWER)

    requests = standin.requests()
    assert all(is_for_a_model(received) for received in requests)
    assert '"tool_result"' in requests[-1]

    calls = wait_for(
        lambda: records if len(records := recorded(gateway, user_id=team.user_id)) == len(requests) > 1 else None,
        "a record for each request",
    )
    rows = gateway.admin("GET", "/v1/spend", params={"group_by": "user", "window": "monthly", "limit": 1000})["items"]
    spent = {row["group"]: Decimal(row["spend_usd"]) for row in rows}
    assert spent[team.user_id] == sum(Decimal(call["cost_usd"]) for call in calls)


def test_a_secret_in_a_prompt_stays_here(claude: Agent, gateway: Gateway, standin: StandIn):
    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    guard = {"version": 1, "detect": {"pii": False, "secrets": True}, "timeout_seconds": 30, "on_timeout": "block"}
    team = gateway.team("Ada", {"policy_type": "guard", "config": guard}, secrets=SECRETS)
    outcome = claude.run("proxy", team.key, "-p", f"[[echo]] deploy with {token}", **QUIET)
    assert outcome.status == 0
    assert "deploy with [SAFE_TO_USE:GITHUB_PAT_" in outcome.output
    assert not any(token in received for received in standin.requests())
    assert recorded(gateway, user_id=team.user_id)[0]["redactions"] == {"GITHUB_PAT": 1}


def broke(gateway: Gateway) -> Team:
    """A team that has spent what its cap allows."""
    cap = {"policy_type": "spend_cap", "name": "Pocket money", "config": {"window": "monthly", "limit_usd": "0.00000001"}}
    team = gateway.team("poor", cap, secrets=SECRETS)
    with gateway.client(team) as client:
        wait_for(lambda: client.post("/openai/v1/chat/completions", json=chat("spend")).status_code == 402, "a used-up cap")
    return team


def test_a_used_up_spend_cap_is_shown_at_once(claude: Agent, gateway: Gateway, standin: StandIn, way_in: str):
    team = broke(gateway)
    outcome = claude.run(way_in, team.key, "-p", "hi")
    assert outcome.status == 1
    assert "402 request blocked by gateway policies: Pocket money." in outcome.output
    assert outcome.seconds < AT_ONCE

    assert not any(is_for_a_model(received) and SECRET in received for received in standin.requests())
    (call,) = recorded(gateway, user_id=team.user_id)
    assert (call["outcome"], call["status"], call["way_in"]) == ("blocked", 402, way_in)
    assert [policy["name"] for policy in call["policies"]["violated"]] == ["Pocket money"]


def test_an_unknown_key_is_named_at_once(claude: Agent, gateway: Gateway, standin: StandIn, way_in: str):
    outcome = claude.run(way_in, f"sp_unknown{way_in}", "-p", "hi")
    assert outcome.status == 1
    assert "401 gateway key unknown" in outcome.output
    assert outcome.seconds < AT_ONCE

    assert standin.requests() == []
    (call,) = [call for call in recorded(gateway, outcome="blocked") if call["status"] == 401 and call["way_in"] == way_in]
    assert (call["user_id"], call["cost_usd"]) == (None, "0")
