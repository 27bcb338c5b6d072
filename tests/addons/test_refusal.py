import json

import pytest

from addons.context import call_of
from addons.refusal import Refusal, policy_message, refuse
from addons.route import Route
from addons.services import Services
from sallyport.tracing.record import PolicyRef
from tests.addons.support import MakeFlow, known

TEAM = PolicyRef("p1", "team budget")


def spend_refusal() -> Refusal:
    message = policy_message([TEAM], "Wait.")
    return Refusal(402, "spend_limit", message, [TEAM], "spend_cap", ["workspace"], ["monthly"])


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/openai/v1/chat/completions", ("error", "message")),
        ("/anthropic/v1/messages", ("error", "message")),
        ("/gemini/v1beta/models/gemini-2.5-pro:generateContent", ("error", "message")),
        ("/bedrock/model/m/converse", ("message",)),
    ],
)
def test_the_body_has_the_providers_shape_and_the_policys_name(
    services: Services, make_flow: MakeFlow, path: str, where: tuple[str, ...]
):
    flow = make_flow(path=path)
    Route(services).requestheaders(flow)
    refuse(flow, spend_refusal())
    response = known(flow.response)
    body = json.loads(response.content or b"")
    for name in where:
        body = body[name]
    assert body.startswith("request blocked by gateway policies: team budget")
    assert response.status_code == 402
    assert response.headers["x-should-retry"] == "false"
    assert json.loads(response.headers["x-langsmith-gateway-metadata"]) == {
        "outcome": "blocked",
        "reason": "spend_limit",
        "provider": known(call_of(flow)).record.provider,
        "scopes": ["workspace"],
        "limit_source": "gateway_policy",
        "limit_windows": ["monthly"],
    }


def test_the_record_says_which_policy_blocked(services: Services, make_flow: MakeFlow):
    flow = make_flow()
    Route(services).requestheaders(flow)
    refuse(flow, spend_refusal())
    record = known(call_of(flow)).record
    assert (record.outcome, record.status, record.reason) == ("blocked", 402, "spend_limit")
    assert record.matched == record.violated == [TEAM]
    assert [(fired.policy_type, fired.action) for fired in record.fired] == [("spend_cap", "blocked")]


def test_a_rate_limit_says_when_to_come_back(services: Services, make_flow: MakeFlow):
    flow = make_flow()
    Route(services).requestheaders(flow)
    refuse(flow, Refusal(429, "rate_limit", "slow down", [TEAM], "rate_limit", retry_after=7))
    response = known(flow.response)
    assert (response.status_code, response.headers["retry-after"], response.headers["x-should-retry"]) == (429, "7", "false")


def test_a_client_that_hides_the_plain_refusal_gets_its_own_shape(services: Services, make_flow: MakeFlow):
    flow = make_flow(path="/openai/v1/responses", user_agent="codex_cli_rs/0.169.0")
    Route(services).requestheaders(flow)
    refuse(flow, spend_refusal())
    assert known(flow.response).status_code == known(call_of(flow)).record.status == 400


@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/nothing"])
def test_a_head_request_gets_no_body(services: Services, make_flow: MakeFlow, path: str):
    flow = make_flow("HEAD", path, content=b"")
    refuse(flow, spend_refusal())
    assert known(flow.response).status_code == 402
    assert known(flow.response).raw_content == b""
