"""A gateway that reaches the world through its company's proxy only."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from websockets.sync.client import connect as websocket

from sallyport.standin import StandIn
from sallyport.standin.aws_signature import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from tests.corporate_proxy import CorporateProxy
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.test_tunnel import basic
from tests.e2e.wire import PATHS, chat, connect

PASSWORD = "pass%word"
NAMES = (
    "api.openai.com",
    "us-central1-aiplatform.googleapis.com",
    "oauth2.googleapis.com",
    "bedrock-runtime.eu-west-1.amazonaws.com",
    "sts.eu-west-1.amazonaws.com",
    "chatgpt.com",
    "other.example",
    "127.0.0.1",
)


@dataclass(frozen=True, slots=True)
class Company:
    proxy: CorporateProxy
    gateway: Gateway
    team: Team
    internet: StandIn


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    directory = tmp_path_factory.mktemp("company")
    with ExitStack() as stack:
        internet = stack.enter_context(StandIn(directory, names=NAMES))
        smith = stack.enter_context(StandIn(plain=True))
        hosts = {name: internet.url.removeprefix("https://") for name in NAMES}
        hosts["smith.example"] = smith.url.removeprefix("http://")
        proxy = stack.enter_context(CorporateProxy(hosts, f"gateway:{PASSWORD}"))
        config = directory / "sallyport.toml"
        proxied = f'upstream_proxy = "http://gateway:pass%25word@127.0.0.1:{proxy.port}"'
        config.write_text(f'{proxied}\nundecrypted = ["chatgpt"]\n')
        options = ("--config", str(config), "--ner-workers", "0", "--workers", "1", "--log-level", "debug")
        gateway = stack.enter_context(Gateway(directory, internet, *options, own_hosts=True))
        yield Company(proxy, gateway, gateway.team("Ada"), internet)
        assert PASSWORD not in gateway.log
        assert "pass%25word" not in gateway.log


@pytest.fixture(autouse=True)
def _forget(company: Company) -> None:
    company.proxy.seen.clear()
    company.internet.clear()


def test_a_call(company: Company):
    with company.gateway.client(company.team) as client:
        answer = client.post(PATHS["openai"], json=chat("[[echo]] hello"))
    assert answer.status_code == 200
    assert company.proxy.seen == ["api.openai.com:443"]
    (received,) = company.internet.requests()
    assert received.header("proxy-authorization") is None


def test_the_tls_of_a_tunnel_is_the_origins(company: Company):
    context = ssl.create_default_context(cafile=company.internet.ca)
    proxy = httpx2.Proxy(company.gateway.url, auth=("sallyport", company.team.key))
    with httpx2.Client(proxy=proxy, verify=context, trust_env=False) as client:
        assert client.get("https://other.example/v1/models", headers={"authorization": "Bearer theirs"}).status_code == 200
    assert company.proxy.seen == ["other.example:443"]


def test_googles_token_too(company: Company):
    with company.gateway.client(company.team) as client:
        answer = client.post(PATHS["vertex"], json={"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
    assert answer.status_code == 200, answer.text
    assert set(company.proxy.seen) == {"oauth2.googleapis.com:443", "us-central1-aiplatform.googleapis.com:443"}


def test_the_keys_of_an_aws_role_too(company: Company):
    keys = {"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY}
    role = keys | {"role_arn": "arn:aws:iam::123456789012:role/gateway"}
    team = company.gateway.team("Rolf", secrets={"AWS_CREDENTIALS_JSON": json.dumps(role)})
    path = "/bedrock/@eu-west-1/model/anthropic.claude-haiku-4-5-20251001-v1:0/converse"
    with company.gateway.client(team) as client:
        answer = client.post(path, json={"messages": [{"role": "user", "content": [{"text": "hi"}]}]})
    assert answer.status_code == 200, answer.text
    assert company.proxy.seen == ["sts.eu-west-1.amazonaws.com:443", "bedrock-runtime.eu-west-1.amazonaws.com:443"]
    assert "/eu-west-1/bedrock/aws4_request" in company.internet.requests()[-1]


def test_a_websocket_whose_base_path_names_the_location(company: Company):
    path = "vertex/@us-central1/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
    headers = {"x-gateway-key": company.team.key}
    with websocket(f"ws://{company.gateway.listen}/{path}", additional_headers=headers, proxy=None) as socket:
        socket.send('{"setup": {"model": "projects/p/locations/us-central1/publishers/google/models/gemini-live-2.5-flash"}}')
        assert b"setupComplete" in socket.recv(decode=False)
    assert "us-central1-aiplatform.googleapis.com:443" in company.proxy.seen


def test_a_provider_that_is_left_undecrypted(company: Company):
    """By its base path it is a provider all the same."""
    context = ssl.create_default_context(cafile=company.internet.ca)
    proxy = httpx2.Proxy(company.gateway.url, auth=("sallyport", company.team.key))
    with httpx2.Client(proxy=proxy, verify=context, trust_env=False) as client:
        answer = client.get("https://chatgpt.com/backend-api/codex/models", headers={"authorization": "Bearer a-browsers-own"})
    assert answer.status_code == 200
    assert company.proxy.seen == ["chatgpt.com:443"]
    assert connect(company.gateway, "chatgpt.com:443").status == 407
    ca = x509.load_pem_x509_certificate(company.gateway.ca.read_bytes())
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or ()
    assert x509.DNSName("chatgpt.com") not in constraints
    subscriber = company.gateway.team("Sue", credentials="passthrough")
    path, login = "/chatgpt/backend-api/codex/responses", {"authorization": "Bearer a-users-own-login-0123456789"}
    with company.gateway.client(subscriber) as client:
        answer = client.post(path, json={"model": "gpt-5", "input": "hi"}, headers=login)
    assert answer.status_code == 200, answer.text


def test_langsmith_too(company: Company):
    traced = company.gateway.team(
        "Eve", secrets={"OPENAI_API_KEY": "sk-openai", "LANGSMITH_API_KEY": "lsv2_x"}, langsmith_endpoint="http://smith.example"
    )

    def sent() -> bool:
        """The recorder takes a moment to know where runs go."""
        with company.gateway.client(traced) as client:
            client.post(PATHS["openai"], json=chat("hi"))
        return any(target.startswith("http://smith.example/") for target in company.proxy.seen)

    wait_for(sent, "a run", 20)


@pytest.mark.parametrize("target", ["127.0.0.1:22", "2130706433:22", "0x7f.1:22", "localhost:22", "[::1]:22", "10.1.2.3:443"])
def test_addresses_are_judged_all_the_same(company: Company, target: str):
    assert connect(company.gateway, target, basic(company.team.key)).status == 403
    assert company.proxy.seen == []


def test_what_the_proxy_refuses(company: Company):
    answer = connect(company.gateway, "forbidden.example:443", basic(company.team.key))
    assert answer.status == 502
    assert "does not let the gateway connect to forbidden.example:443 (403)" in answer.json()["error"]["message"]


def test_the_password_stands_in_no_command_line(company: Company):
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(PASSWORD.encode() in line or b"pass%25word" in line for line in lines)
