"""What a refused caller gets: the contract's status, in the provider's shape, so that its SDK shows the message."""

from __future__ import annotations

import datetime
import socket
import zlib
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from sallyport.standin import StandIn
from tests.e2e.credentials import CANARIES
from tests.e2e.support import ADMIN_KEY, Gateway, Team, wait_for
from tests.e2e.wire import CHAT, PATHS, chat, check


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


@pytest.mark.parametrize("provider", PATHS)
def test_a_missing_secret_is_named(gateway: Gateway, bare: Team, standin: StandIn, provider: str):
    names = {
        "openai": "OPENAI_API_KEY",
        "anthropic": "ANTHROPIC_API_KEY",
        "bedrock": "AWS_BEARER_TOKEN_BEDROCK or AWS_CREDENTIALS_JSON",
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


@pytest.mark.parametrize("name", ["VERTEX_SERVICE_ACCOUNT_JSON", "AWS_CREDENTIALS_JSON"])
def test_a_secret_that_is_none_is_not_taken(gateway: Gateway, bare: Team, name: str):
    answer = httpx2.put(
        f"{gateway.console}/v1/workspaces/{bare.workspace_id}/secrets/{name}",
        json={"value": '{"type": "CANARYbroken"}'},
        headers={"x-api-key": ADMIN_KEY},
        trust_env=False,
    )
    assert answer.status_code == 400
    assert name in answer.text
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
