"""What callers say in headers is capped, kept, summed and told of; what subscriptions pay for is shown apart."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from sallyport.standin import StandIn
from tests.e2e.support import ADMIN_KEY, Gateway, wait_for
from tests.e2e.wire import CHAT, chat
from tests.sallyport.alerts.receiver import receiving

POLICIES = "/v1/platform/gateway-policies"


def ask(gateway: Gateway, key: str, **headers: str) -> httpx2.Response:
    body = chat("[[in:10]] [[out:50]]", max_tokens=50) | {"model": "gpt-4o"}
    with gateway.client() as client:
        return client.post(CHAT, json=body, headers={"x-gateway-key": key, **headers})


def test_a_cap_on_a_header_counts_what_was_spent_before_it_and_agrees_with_the_rollups(
    gateway: Gateway, standin: StandIn
) -> None:
    team = gateway.team("tagged")
    blue = {"X-Gateway-Metadata": '{"Team": "blue", "run": 7}'}
    for headers in (blue, {"X-Gateway-Team": "blue"}, {"X-Gateway-Team": "red"}, {}):
        answer = ask(gateway, team.key, **headers)
        assert answer.status_code == 200
    assert not [name for request in standin.requests() for name, _ in request.headers if name.lower().startswith("x-gateway")]
    gateway.call(answer.headers["x-gateway-request-id"])  # the last of them is in the ledger

    def rows(**params: str) -> dict[str | None, Decimal]:
        found = gateway.admin("GET", "/v1/spend", params={"workspace_id": team.workspace_id, **params})["items"]
        return {row["group"]: Decimal(row["spend_usd"]) for row in found}

    by_team = rows(group_by="header:Team")
    assert set(by_team) == {"blue", "red", None}
    assert by_team["blue"] == 2 * by_team["red"] > 0
    matchers = [{"key": "workspace_id", "value": team.workspace_id}, {"key": "header:team", "value": "blue"}]
    cap = gateway.policy(
        team.workspace_id, "spend_cap", {"window": "monthly", "limit_usd": str(by_team["blue"])}, subject_matchers=matchers
    )
    assert Decimal(cap["current_spend_usd"]) == by_team["blue"]
    wait_for(lambda: ask(gateway, team.key, **blue).status_code == 402, "the cap to hold")
    assert ask(gateway, team.key, **{"X-Gateway-Team": "red"}).status_code == 200
    assert ask(gateway, team.key, **{"X-Gateway-Team": "x" * 300}).status_code == 431
    assert gateway.admin("GET", f"{POLICIES}/{cap['id']}")["current_spend_usd"] == cap["current_spend_usd"]

    by_hour = gateway.admin(
        "GET", "/v1/spend", params={"workspace_id": team.workspace_id, "group_by": "model", "interval": "hour"}
    )
    wait_for(lambda: sum(rows(group_by="header:team").values()) == sum(rows(group_by="model").values()), "the sums to agree")
    assert len({row["start"] for row in by_hour["items"]}) in (1, 2)
    file = httpx2.get(
        f"{gateway.console}/v1/spend",
        params={"group_by": "header:team", "workspace_id": team.workspace_id},
        headers={"x-api-key": ADMIN_KEY, "accept": "text/csv"},
        trust_env=False,
    )
    assert {row["group"] for row in csv.DictReader(file.text.splitlines())} == {"blue", "red", ""}


def test_a_subscriptions_calls_are_shown_apart_and_capped_in_tokens(gateway: Gateway, standin: StandIn) -> None:
    limits = {"version": 1, "limits": [{"metric": "tokens", "window": "week", "value": 100}]}
    team = gateway.team("seats", {"policy_type": "rate_limit", "name": "Weekly", "config": limits}, credentials="passthrough")
    login = {"authorization": f"Bearer eyJhbGciOi{'b' * 40}"}
    answers = [ask(gateway, team.key, **login) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 86400
    assert "UTC" in answers[2].json()["error"]["message"]
    gateway.call(answers[1].headers["x-gateway-request-id"])

    def row() -> Any:
        found = gateway.admin("GET", "/v1/spend", params={"group_by": "workspace", "workspace_id": team.workspace_id})["items"]
        return found[0] if found and Decimal(found[0]["notional_usd"]) else None

    spent = wait_for(row, "the calls to be recorded")
    assert spent["spend_usd"] == "0"
    assert Decimal(spent["notional_usd"]) > 0


def test_word_of_a_cap_is_sent_by_the_console_and_after_a_restart(providers: StandIn, tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.statuses = [503]
        options = ("--allow-destination", "127.0.0.0/8")
        with Gateway(tmp_path, providers, *options) as gateway:
            gateway.admin("POST", "/v1/webhooks", json={"name": "finance", "url": receiver.url})
            config = {"window": "monthly", "limit_usd": "0.0001"}
            team = gateway.team("loud", {"policy_type": "spend_cap", "name": "Tiny", "config": config})
            assert ask(gateway, team.key).status_code == 200
            wait_for(lambda: len(receiver.got) == 1, "the first attempt")
        with Gateway(tmp_path, providers, *options) as gateway:
            wait_for(lambda: len(receiver.got) == 2, "the second attempt, by another process", 30)
            [alert] = [entry for entry in gateway.admin("GET", "/v1/alerts")["items"] if entry["deliveries"]]
        assert alert["threshold_percent"] == 100
        assert {content["id"] for content in receiver.content} == {alert["id"]}
        assert receiver.content[0]["policy"]["name"] == "Tiny"
