"""Budgets under parallel calls, and what they charge."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from sallyport.standin import StandIn
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.wire import chat

PATH = "/openai/v1/chat/completions"
CALL_COST = Decimal("0.0005025")
"""Of gpt-4o at $2.50 and $10 per million: one word in, 50 out."""


def body(**options: Any) -> dict[str, Any]:
    return chat("[[in:1]] [[out:50]] [[delay-ms:100]]", max_tokens=50, **options) | {"model": "gpt-4o"}


async def call_in_parallel(gateway: Gateway, team: Team, count: int) -> list[int]:
    limits = httpx2.Limits(max_connections=count)
    headers = {"x-gateway-key": team.key}
    async with httpx2.AsyncClient(base_url=gateway.url, headers=headers, limits=limits, trust_env=False, timeout=60) as client:
        answers = await asyncio.gather(*(client.post(PATH, json=body()) for _ in range(count)))
    return [answer.status_code for answer in answers]


def settled(gateway: Gateway, team: Team, policy_id: str) -> tuple[Decimal, Decimal]:
    """What the policy says was spent, once the records agree; and the sum of the records."""

    def find() -> tuple[Decimal, Decimal] | None:
        calls = [call for call in gateway.calls(workspace_id=team.workspace_id) if call["status"] == 200]
        total = sum((Decimal(call["cost_usd"]) for call in calls), Decimal(0))
        policy = gateway.admin("GET", f"/v1/platform/gateway-policies/{policy_id}")
        spent = Decimal(policy["current_spend_usd"])
        return (spent, total) if spent == total else None

    return wait_for(find, "the policy and the records to agree")


@pytest.mark.parametrize("strict", [False, True], ids=["expected", "strict"])
async def test_fifty_parallel_calls_against_one_cent(gateway: Gateway, standin: StandIn, strict: bool):
    config = {"window": "monthly", "limit_usd": 0.01, "strict": strict}
    team = gateway.team("crowd", {"policy_type": "spend_cap", "name": "One cent", "config": config})
    policies = gateway.admin("GET", "/v1/platform/gateway-policies", params={"limit": 1000})["items"]
    policy = next(entry for entry in policies if entry["subject_matchers"][0]["value"] == team.workspace_id)

    statuses = await call_in_parallel(gateway, team, 50)
    answered = statuses.count(200)
    assert answered + statuses.count(402) == 50
    assert answered == len(standin.requests())
    assert answered > 0
    spent, recorded = settled(gateway, team, policy["id"])
    assert spent == recorded == answered * CALL_COST
    if strict:
        assert spent <= Decimal("0.01")
    else:
        # the calls in flight may overshoot, never the calls that come after
        while statuses.count(200):
            statuses = await call_in_parallel(gateway, team, 5)
        spent, _ = settled(gateway, team, policy["id"])
        assert spent <= Decimal("0.01") + answered * CALL_COST
        assert set(await call_in_parallel(gateway, team, 5)) == {402}


def test_a_cap_made_at_noon_counts_the_morning(gateway: Gateway, standin: StandIn):
    team = gateway.team("early")
    with gateway.client(team) as client:
        assert client.post(PATH, json=body()).status_code == 200
        config = {"window": "monthly", "limit_usd": "0.0001"}
        policy = gateway.policy(team.workspace_id, "spend_cap", config)
        wait_for(lambda: client.post(PATH, json=chat("more")).status_code == 402, "the cap to hold")
        gateway.admin("PATCH", f"/v1/platform/gateway-policies/{policy['id']}", json={"config": {"limit_usd": 5}})
        wait_for(lambda: client.post(PATH, json=chat("more")).status_code == 200, "the raised cap to hold")
        gateway.admin("DELETE", f"/v1/platform/gateway-policies/{policy['id']}")


def test_a_rate_limit_says_when_to_come_back(gateway: Gateway, standin: StandIn):
    config = {"version": 1, "limits": [{"metric": "requests", "window": "hour", "value": 2}]}
    team = gateway.team("eager", {"policy_type": "rate_limit", "name": "Two an hour", "config": config})
    with gateway.client(team) as client:
        statuses = [client.post(PATH, json=chat("hello")).status_code for _ in range(2)]
        refused = client.post(PATH, json=chat("hello"))
    assert statuses == [200, 200]
    assert refused.status_code == 429
    assert "request blocked by gateway policies: Two an hour" in refused.json()["error"]["message"]
    assert 0 < int(refused.headers["retry-after"]) <= 3660  # the hour slides by a part of it at a time


def test_a_call_by_an_unpriced_model_is_never_free(gateway: Gateway, team: Team, standin: StandIn):
    with gateway.client(team) as client:
        answer = client.post(PATH, json=chat("hello") | {"model": "gpt-unheard-of"})
    record = gateway.call(answer.headers["x-gateway-request-id"])
    assert record["unpriced"]
    assert Decimal(record["cost_usd"]) > 0


def test_who_has_seen_the_end_of_a_call_sees_its_cost(gateway: Gateway, standin: StandIn):
    config = {"window": "daily", "limit_usd": 1}
    team = gateway.team("curious", {"policy_type": "spend_cap", "config": config})
    policies = gateway.admin("GET", "/v1/platform/gateway-policies", params={"limit": 1000})["items"]
    policy = next(entry for entry in policies if entry["subject_matchers"][0]["value"] == team.workspace_id)
    with gateway.client(team) as client:
        for number in range(1, 4):
            assert client.post(PATH, json=body(stream=number == 2)).status_code == 200
            spent = gateway.admin("GET", f"/v1/platform/gateway-policies/{policy['id']}")["current_spend_usd"]
            assert Decimal(spent) == number * CALL_COST
