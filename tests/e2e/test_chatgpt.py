"""A user's own ChatGPT log-in, as Codex uses it: passed on where the workspace says so, recorded with what it would have cost."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
import zstandard
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sallyport.standin import StandIn
from tests.e2e.support import Gateway, Team
from tests.e2e.test_websockets import GUARD, TOKEN, turns
from tests.e2e.wire import check

LOGIN = "eyJhbGciOiJSUzI1NiJ9.a-users-own-login.c2lnbmF0dXJl"
PATH = "/backend-api/codex/responses"
BODY: dict[str, Any] = {"model": "gpt-5", "input": "hi", "stream": True, "store": False}
NO_MONEY = {"policy_type": "spend_cap", "config": {"window": "monthly", "limit_usd": 0}}


def headers(team: Team) -> dict[str, str]:
    return {"x-gateway-key": team.key, "authorization": f"Bearer {LOGIN}", "chatgpt-account-id": "acc-1"}


def post(gateway: Gateway, team: Team, body: dict[str, Any]) -> httpx2.Response:
    """As Codex posts it: compressed."""
    packed = zstandard.compress(json.dumps(body).encode())
    sent = {**headers(team), "content-encoding": "zstd", "content-type": "application/json"}
    with gateway.client() as client:
        return client.post(f"/chatgpt{PATH}", content=packed, headers=sent)


def test_a_call_with_the_users_own_log_in(gateway: Gateway, standin: StandIn):
    """No cap counts it: it costs nobody here anything."""
    team = gateway.team("Ada", NO_MONEY, {"policy_type": "guard", "config": GUARD}, credentials="passthrough")
    answer = post(gateway, team, {**BODY, "input": f"[[echo]] {TOKEN}"})
    assert answer.status_code == 200
    assert "SAFE_TO_USE:GITHUB_PAT_" in answer.text
    received = standin.requests()[-1]
    assert (received.header("authorization"), received.header("chatgpt-account-id")) == (f"Bearer {LOGIN}", "acc-1")
    assert TOKEN.encode() not in zstandard.ZstdDecompressor().decompressobj().decompress(received.body)
    assert team.key not in received
    call = gateway.call(answer.headers["x-gateway-request-id"])
    assert (call["provider"], call["model"], call["operation"], call["outcome"]) == ("chatgpt", "gpt-5", "responses", "success")
    assert call["cost_usd"] > "0"


def test_turns_on_a_websocket(gateway: Gateway, standin: StandIn):
    team = gateway.team("Ada", NO_MONEY, credentials="passthrough")
    with connect(f"ws://{gateway.listen}/chatgpt{PATH}", additional_headers=headers(team)) as socket:
        socket.send(json.dumps({"type": "response.create", **BODY}))
        kinds = [json.loads(socket.recv())["type"]]
        while kinds[-1] != "response.completed":
            kinds.append(json.loads(socket.recv())["type"])
    opened = standin.requests()[0]
    assert opened.header("authorization") == f"Bearer {LOGIN}"
    assert not any(team.key in request for request in standin.requests())
    call = turns(gateway, team, 1, "responses")[0]
    assert (call["provider"], call["outcome"], call["output_tokens"]) == ("chatgpt", "success", 11)
    assert call["cost_usd"] > "0"


def test_a_workspace_that_passes_no_log_in_on_says_what_to_set(gateway: Gateway, standin: StandIn):
    team = gateway.team("Ada")
    check("openai", post(gateway, team, BODY), 400, f"workspaces update {team.workspace_id} --credentials passthrough")
    codex = {**headers(team), "user-agent": "codex_exec/0.169.0"}
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://{gateway.listen}/chatgpt{PATH}", additional_headers=codex):
        pass
    assert refused.value.response.status_code == 426  # Codex then posts, and shows why
    assert standin.requests() == []


def test_side_paths_pass_as_they_are_sent(gateway: Gateway, standin: StandIn):
    team = gateway.team("Ada")
    with gateway.client() as client:
        answer = client.get("/chatgpt/backend-api/wham/accounts/check", headers=headers(team))
    assert answer.json()["default_account_id"] == "acc-1"
    assert standin.requests()[0].header("authorization") == f"Bearer {LOGIN}"
    assert team.key not in standin.requests()[0]
