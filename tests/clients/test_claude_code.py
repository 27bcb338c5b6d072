"""What Claude Code does beside asking: its probe, its side traffic, and secrets in what it is asked."""

import pytest

from tests.clients.bench import Bench
from tests.clients.clients import CLAUDE
from tests.e2e.credentials import CANARIES
from tests.e2e.sdks import ANSWER


def test_its_probe_needs_no_key_and_is_no_call(clients: Bench):
    """Without a proxy in its environment, which tests don't let it be, it asks first whether the base URL is there."""
    with clients.gateway.client() as client:
        probe, refused = client.head("/anthropic/api/hello"), client.get("/anthropic/v1/models")
    assert (probe.status_code, refused.status_code) == (200, 401)
    clients.gateway.call(refused.headers["x-gateway-request-id"])
    assert probe.headers["x-gateway-request-id"] not in [call["id"] for call in clients.gateway.calls(provider="anthropic")]


@pytest.mark.usefixtures("standin")
def test_its_side_traffic_never_holds_the_providers_key(clients: Bench):
    """Telemetry and settings, for which it uses its key too."""
    talkative = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": ""}
    assert clients.run(CLAUDE, "proxy", clients.team.key, "hi", **talkative).output == ANSWER
    side = [received for received in clients.received() if not received.target.startswith("/v1/messages?")]
    assert not any(CANARIES["ANTHROPIC_API_KEY"] in received or clients.team.key in received for received in side)


@pytest.mark.usefixtures("standin")
def test_a_secret_in_a_prompt_stays_here(clients: Bench):
    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    guard = {"version": 1, "detect": {"pii": False, "secrets": True}, "timeout_seconds": 30, "on_timeout": "block"}
    team = clients.gateway.team("Ada", {"policy_type": "guard", "config": guard})
    outcome = clients.run(CLAUDE, "proxy", team.key, f"[[echo]] deploy with {token}")
    assert outcome.status == 0
    assert "deploy with [SAFE_TO_USE:GITHUB_PAT_" in outcome.output
    assert not any(token in received for received in clients.received())
