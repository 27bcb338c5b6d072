"""What a refused caller gets: the contract's status, in the provider's shape, so that its SDK shows the message."""

from __future__ import annotations

import datetime
import json
import socket
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from sallyport.standin import StandIn
from tests.e2e.sdks import GENERATING, REFUSED, SDKS, Sdk, headers_of, status_of
from tests.e2e.support import CANARIES, Gateway, Team, chat, wait_for

PATHS = {
    "openai": "/openai/v1/chat/completions",
    "fireworks": "/fireworks/inference/v1/chat/completions",
    "baseten": "/baseten/v1/chat/completions",
    "anthropic": "/anthropic/v1/messages",
    "gemini": "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
    "vertex": "/vertex/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent",
    "bedrock": "/bedrock/model/anthropic.claude-haiku-4-5-20251001-v1:0/converse",
}
CHAT = PATHS["openai"]


def message_in(provider: str, answer: httpx2.Response) -> str:
    """The message, read where this provider's SDK looks for it."""
    body: dict[str, Any] = answer.json()
    if provider == "bedrock":
        assert answer.headers["x-amzn-errortype"]
        return body["message"]
    if provider == "anthropic":
        assert body["type"] == "error"
        assert body["error"]["type"]
    elif provider in ("gemini", "vertex"):
        assert body["error"]["code"] == answer.status_code
        assert body["error"]["status"]
    else:
        assert set(body["error"]) == {"message", "type", "param", "code"}
    return body["error"]["message"]


def check(provider: str, answer: httpx2.Response, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    message = message_in(provider, answer)
    for word in words:
        assert word in message
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-gateway-request-id"]


@pytest.mark.parametrize("provider", PATHS)
def test_no_key(gateway: Gateway, standin: StandIn, provider: str):
    with gateway.client() as client:
        answer = client.post(PATHS[provider], json={})
    check(provider, answer, 401, "gateway key missing")
    assert answer.headers["x-should-retry"] == "false"
    assert standin.requests() == []


@pytest.mark.parametrize("provider", PATHS)
def test_an_unknown_key(gateway: Gateway, standin: StandIn, provider: str):
    with gateway.client() as client:
        answer = client.post(PATHS[provider], json={}, headers={"authorization": "Bearer sp_" + "x" * 43})
    check(provider, answer, 401, "gateway key unknown")
    assert answer.headers["x-should-retry"] == "false"
    assert standin.requests() == []


def test_a_vendor_key_is_no_gateway_key(gateway: Gateway, standin: StandIn):
    with gateway.client() as client:
        answer = client.post(CHAT, json=chat("hi"), headers={"authorization": "Bearer sk-proj-mine"})
    check("openai", answer, 401, "gateway key missing")
    assert standin.requests() == []


def test_an_expired_key(gateway: Gateway, team: Team, standin: StandIn):
    expires_at = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)).isoformat()
    key = gateway.new_key(team.workspace_id, wait=False, expires_at=expires_at)["key"]
    wait_for(lambda: gateway.refused(key) and datetime.datetime.now(datetime.UTC).isoformat() > expires_at, "the key to expire")
    with gateway.client() as client:
        answer = client.post(CHAT, json=chat("hi"), headers={"x-gateway-key": key})
    check("openai", answer, 401, "gateway key expired")


def test_a_revoked_key_holds_on_no_worker_after_a_second(gateway: Gateway, team: Team, standin: StandIn):
    made = gateway.new_key(team.workspace_id)
    with gateway.client() as kept, gateway.proxied(made["key"]) as tunnelled:
        headers = {"x-gateway-key": made["key"]}
        assert kept.post(CHAT, json=chat("hi"), headers=headers).status_code == 200
        assert tunnelled.post("https://api.openai.com/v1/chat/completions", json=chat("hi")).status_code == 200
        gateway.admin("DELETE", f"/v1/keys/{made['id']}")
        wait_for(lambda: gateway.refused(made["key"]), "every worker to refuse a revoked key")
        # connections that were open before
        check("openai", kept.post(CHAT, json=chat("hi"), headers=headers), 401, "gateway key revoked")
        answer = tunnelled.post("https://api.openai.com/v1/chat/completions", json=chat("hi"))
        check("openai", answer, 401, "gateway key revoked")


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


@pytest.mark.parametrize("provider", PATHS)
def test_a_missing_secret_is_named(gateway: Gateway, bare: Team, standin: StandIn, provider: str):
    names = {
        "openai": "OPENAI_API_KEY",
        "anthropic": "ANTHROPIC_API_KEY",
        "bedrock": "AWS_BEARER_TOKEN_BEDROCK",
        "baseten": "BASETEN_API_KEY",
        "fireworks": "FIREWORKS_API_KEY",
        "gemini": "GOOGLE_API_KEY",
        "vertex": "VERTEX_SERVICE_ACCOUNT_JSON",
    }
    with gateway.client(bare) as client:
        check(provider, client.post(PATHS[provider], json={}), 400, names[provider])
    assert standin.requests() == []


@pytest.fixture(scope="module")
def bare(gateway: Gateway) -> Team:
    return gateway.team("bare", secrets={})


def test_a_service_account_that_is_none(gateway: Gateway, standin: StandIn):
    team = gateway.team("broken", secrets={"VERTEX_SERVICE_ACCOUNT_JSON": '{"type": "CANARYbroken"}'})
    with gateway.client(team) as client:
        answer = client.post(PATHS["vertex"], json={"contents": [{"parts": [{"text": "hi"}]}]})
    check("vertex", answer, 400, "VERTEX_SERVICE_ACCOUNT_JSON")
    assert "CANARY" not in answer.text


@pytest.mark.parametrize("provider", PATHS)
def test_broken_json(gateway: Gateway, team: Team, standin: StandIn, provider: str):
    with gateway.client(team) as client:
        answer = client.post(PATHS[provider], content=b'{"model": "gpt', headers={"content-type": "application/json"})
        check(provider, answer, 400, "JSON")
        check(provider, client.post(PATHS[provider], content=b"[]"), 400, "object")
    assert standin.requests() == []


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "rot13"])
def test_a_body_that_does_not_decode(gateway: Gateway, team: Team, standin: StandIn, encoding: str):
    with gateway.client(team) as client:
        answer = client.post(CHAT, content=b"not that", headers={"content-encoding": encoding})
    check("openai", answer, 415)
    assert standin.requests() == []


def test_a_body_that_is_too_large(gateway: Gateway, team: Team, standin: StandIn):
    with gateway.client(team) as client:
        announced = client.post(CHAT, content=b" " * (33 * 1024 * 1024))
        check("openai", announced, 413)

        def chunks() -> Iterator[bytes]:
            for _ in range(33):
                yield b" " * (1024 * 1024)

        check("openai", client.post(CHAT, content=chunks()), 413)
    assert standin.requests() == []


def test_a_bomb(gateway: Gateway, team: Team, standin: StandIn):
    small = zlib.compress(b" " * (40 * 1024 * 1024))
    with gateway.client(team) as client:
        check("openai", client.post(CHAT, content=small, headers={"content-encoding": "deflate"}), 413)
    assert standin.requests() == []


def test_a_head_that_is_too_large(gateway: Gateway, team: Team):
    with gateway.client(team) as client:
        assert client.get("/openai/v1/models", headers={"x-long": "a" * 70_000}).status_code == 431
    with gateway.client(team) as client:
        answer = client.get("/openai/v1/models", headers={f"x-{number}": "a" for number in range(250)})
    assert answer.status_code == 431
    assert answer.json()["error"]["message"]
    assert answer.headers["x-gateway-request-id"]


@pytest.mark.parametrize("path", ["/nothing/v1/x", "/", "/openaix/v1/models", "//openai/v1/models", "/OPENAI/v1/models"])
def test_a_base_path_that_is_no_providers(gateway: Gateway, team: Team, standin: StandIn, path: str):
    with gateway.client(team) as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert "/openai" in answer.json()["error"]["message"]
    assert answer.headers["x-gateway-request-id"]
    assert standin.requests() == []


@pytest.fixture(scope="module")
def cut_off(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Team, StandIn]]:
    """A gateway that can reach no provider: OpenAI's certificate is not trusted, and the others' port is closed."""
    with socket.socket() as closed, StandIn() as stranger:
        closed.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{closed.getsockname()[1]}"
        upstreams = {**dict.fromkeys(PATHS, url), "openai": stranger.url}
        directory = tmp_path_factory.mktemp("cut-off")
        with Gateway(directory, providers, "--ner-workers", "0", upstreams=upstreams) as gateway:
            yield gateway, gateway.team("Ada"), stranger


BODIES: dict[str, dict[str, Any]] = {
    "openai": chat("hi"),
    "fireworks": chat("hi"),
    "baseten": chat("hi"),
    "anthropic": {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]},
    "gemini": {"contents": [{"parts": [{"text": "hi"}]}]},
    "bedrock": {"messages": [{"role": "user", "content": [{"text": "hi"}]}]},
}


@pytest.mark.parametrize("provider", BODIES)
def test_a_provider_that_is_dead_or_not_trusted(cut_off: tuple[Gateway, Team, StandIn], provider: str):
    gateway, team, stranger = cut_off
    with gateway.client(team) as client:
        answer = client.post(PATHS[provider], json=BODIES[provider])
    check(provider, answer, 502)
    assert not any(canary in answer.text for canary in CANARIES.values())
    record = gateway.call(answer.headers["x-gateway-request-id"])
    assert (record["outcome"], record["status"], record["cost_usd"]) == ("error", 502, "0")
    assert stranger.requests() == []


def test_a_token_endpoint_that_is_dead(cut_off: tuple[Gateway, Team, StandIn]):
    gateway, team, _ = cut_off
    with gateway.client(team) as client:
        answer = client.post(PATHS["vertex"], json=BODIES["gemini"])
    check("vertex", answer, 502, "reached")
