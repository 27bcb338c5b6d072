"""Outages as the vendors' own SDKs see them: not at all, where a fallback chain leads on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from sallyport.standin import StandIn
from tests.e2e.credentials import CANARIES
from tests.e2e.sdks import ANSWER
from tests.e2e.support import Gateway, Team, wait_for

HELLO: Any = [{"role": "user", "content": "four words of prompt"}]
CHAINS = [
    {"when": {"provider": "openai", "model": "*-answers-503"}, "then": [{"model": "gpt-4o-mini"}]},
    {
        "when": {"provider": "openai", "model": "*-answers-429"},
        "then": [{"model": "also-answers-500"}, {"provider": "fireworks", "model": "accounts/fireworks/models/glm-5"}],
    },
    {
        "when": {"provider": "bedrock"},
        "then": [{"model": "amazon.titan-answers-500"}, {"model": "us.anthropic.claude-haiku-4-5"}],
    },
    {
        "when": {"provider": "anthropic"},
        "then": [{"model": "claude-haiku-answers-529"}, {"model": "claude-haiku-4-5"}],
        "first_byte_timeout_seconds": 20,
    },
]


@pytest.fixture(scope="module")
def chained(gateway: Gateway) -> Team:
    cap = {"policy_type": "spend_cap", "config": {"window": "monthly", "limit_usd": 100}}
    return gateway.team("outages", cap, fallbacks=CHAINS)


def records(gateway: Gateway, headers: Any) -> list[dict[str, Any]]:
    """Of all attempts at a call, in order."""
    last = gateway.call(headers["x-gateway-request-id"])
    assert headers["x-gateway-attempts"] == str(last["attempt"])
    assert headers["x-gateway-served-by"] == f"{last['provider']}/{last['model']}"

    def find() -> list[dict[str, Any]] | None:
        calls = [call for call in gateway.calls() if last["attempt_of"] in (call["id"], call["attempt_of"])]
        return sorted(calls, key=lambda call: call["attempt"]) if len(calls) == last["attempt"] else None

    return wait_for(find, "the records of all attempts")


def openai_api(gateway: Gateway, team: Team) -> openai.OpenAI:
    return openai.OpenAI(
        api_key=team.key, base_url=f"{gateway.url}/openai/v1", max_retries=0, http_client=httpx2.Client(trust_env=False)
    )


@pytest.mark.parametrize("stream", [False, True])
def test_openai(gateway: Gateway, chained: Team, standin: StandIn, stream: bool):
    raw = openai_api(gateway, chained).chat.completions.with_raw_response.create(
        model="gpt-4o-answers-503", messages=HELLO, stream=stream
    )
    answer: Any = raw.parse()
    text = "".join(chunk.choices[0].delta.content or "" for chunk in answer) if stream else answer.choices[0].message.content
    assert text == ANSWER
    one, two = records(gateway, raw.headers)
    assert (one["model"], one["outcome"], one["status"], one["cost_usd"]) == ("gpt-4o-answers-503", "error", 503, "0")
    assert (two["model"], two["outcome"], two["status"], two["stream"]) == ("gpt-4o-mini", "success", 200, stream)
    assert [request.json()["model"] for request in standin.requests()] == ["gpt-4o-answers-503", "gpt-4o-mini"]


def test_another_vendor(gateway: Gateway, chained: Team, standin: StandIn):
    raw = openai_api(gateway, chained).chat.completions.with_raw_response.create(model="gpt-4o-answers-429", messages=HELLO)
    answer: Any = raw.parse()
    assert answer.choices[0].message.content == ANSWER
    assert [record["status"] for record in records(gateway, raw.headers)] == [429, 500, 200]
    last = standin.requests()[-1]
    assert last.target == "/inference/v1/chat/completions"
    assert last.header("authorization") == f"Bearer {CANARIES['FIREWORKS_API_KEY']}"
    assert CANARIES["OPENAI_API_KEY"] not in last


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic(gateway: Gateway, chained: Team, standin: StandIn, stream: bool):
    api = anthropic.Anthropic(
        api_key=chained.key, base_url=f"{gateway.url}/anthropic", max_retries=0, http_client=httpx2.Client(trust_env=False)
    )
    raw = api.messages.with_raw_response.create(model="claude-sonnet-answers-529", max_tokens=200, messages=HELLO, stream=stream)
    answer: Any = raw.parse()
    text = (
        "".join(event.delta.text for event in answer if event.type == "content_block_delta") if stream else answer.content[0].text
    )
    assert text == ANSWER
    assert [record["status"] for record in records(gateway, raw.headers)] == [529, 529, 200]


@pytest.mark.parametrize(
    ("action", "statuses"), [("converse", [503, 500, 200]), ("converse-stream", [503, 500, 200]), ("invoke", [503, 200])]
)
def test_bedrock(gateway: Gateway, chained: Team, standin: StandIn, action: str, statuses: list[int]):
    """Where the body is a vendor's own, that vendor's models alone come into question."""
    body: Any = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
    if action == "invoke":
        body |= {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50}
    with gateway.client(chained) as client:
        answer = client.post(f"/bedrock/model/anthropic.claude-answers-503-v1:0/{action}", json=body)
    assert answer.status_code == 200, answer.text
    assert [record["status"] for record in records(gateway, answer.headers)] == statuses
    assert standin.requests()[-1].target == f"/model/us.anthropic.claude-haiku-4-5/{action}"


def test_the_last_error_is_the_clients(gateway: Gateway, chained: Team, standin: StandIn):
    """With nothing left to try, it is the provider's own."""
    changed = {"when": {"provider": "openai"}, "then": [{"model": "second-answers-503"}]}
    team = gateway.team("unlucky", fallbacks=[changed])
    with pytest.raises(openai.InternalServerError, match="asked to answer 503") as caught:
        openai_api(gateway, team).chat.completions.create(model="first-answers-500", messages=HELLO)
    assert caught.value.response.headers["x-gateway-attempts"] == "2"


def test_what_was_spent_is_what_the_records_say(gateway: Gateway, chained: Team, standin: StandIn):
    """The counter of the cap, the ledger and the sum of all attempts."""
    for model in ("gpt-4o-answers-503", "gpt-4o-answers-429", "gpt-4o-mini"):
        openai_api(gateway, chained).chat.completions.create(model=model, messages=HELLO)
    policies = gateway.admin("GET", "/v1/platform/gateway-policies", params={"limit": 1000})["items"]
    policy = next(entry for entry in policies if entry["subject_matchers"][0]["value"] == chained.workspace_id)

    def find() -> bool:
        calls = gateway.calls(workspace_id=chained.workspace_id)
        total = sum((Decimal(call["cost_usd"]) for call in calls), Decimal(0))
        spent = Decimal(gateway.admin("GET", f"/v1/platform/gateway-policies/{policy['id']}")["current_spend_usd"])
        rows = gateway.admin("GET", "/v1/spend", params={"group_by": "workspace", "window": "monthly"})["items"]
        row = next(row for row in rows if row["group"] == chained.workspace_id)
        return total == spent == Decimal(row["spend_usd"]) > 0 and row["calls"] == len(calls)

    wait_for(find, "the cap, the rollup and the records to agree")


def test_a_pool_of_keys(gateway: Gateway, standin: StandIn):
    """Of which two are turned away: every caller is answered, and once they rest nobody meets them."""
    team = gateway.team("pool", secrets={})
    keys = {"limited": "sk-answers-429-x", "gone": "sk-answers-401-x", "good": CANARIES["OPENAI_API_KEY"]}
    values = [{"label": label, "value": value} for label, value in keys.items()]
    gateway.admin("PUT", f"/v1/workspaces/{team.workspace_id}/secrets/OPENAI_API_KEY", json={"values": values})

    def settled() -> bool:
        standin.clear()
        for _ in range(8):
            try:
                openai_api(gateway, team).chat.completions.create(model="gpt-4o-mini", messages=HELLO)
            except openai.BadRequestError:  # a worker that has not heard of the secret yet
                return False
        return len(standin.requests()) == 8

    wait_for(settled, "both workers to let the two keys rest", patience=30.0)
    calls = gateway.calls(workspace_id=team.workspace_id)
    assert {call["provider_key"] for call in calls if call["outcome"] == "success"} == {"good"}
    assert all(call["cost_usd"] == "0" for call in calls if call["status"] in (401, 429))
    assert not any(value in str(calls) for value in keys.values())
