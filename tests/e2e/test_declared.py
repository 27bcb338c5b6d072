"""Declared providers through the real gateway: by `/providers/NAME`, by host, from the config file, and a local one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from sallyport.standin import StandIn
from tests.e2e.sdks import ANSWER
from tests.e2e.support import ROOT, Gateway, Team

PROMPT = "four words of prompt"
SECRETS = {
    name: f"CANARY-{name}"
    for name in (
        *("ACME_API_KEY", "AZURE_OPENAI_API_KEY", "CO_API_KEY", "DEEPSEEK_API_KEY", "GROQ_API_KEY", "MISTRAL_API_KEY"),
        "PERPLEXITY_API_KEY",
    )
}
CONFIG = """
[providers.acme]
base_url = "{url}"
secret = "ACME_API_KEY"
auth = "api-key"
headers = {{ x-acme-tenant = "north" }}
wire_formats = {{ "/azure/openai/v1" = "openai" }}
"""
"""The stand-in takes what comes below `/azure` as Azure does: the key in `api-key`."""


@pytest.fixture(scope="module")
def local() -> Iterator[StandIn]:
    with StandIn(plain=True) as standin:
        yield standin


@pytest.fixture(scope="module")
def gateway(providers: StandIn, local: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    directory = tmp_path_factory.mktemp("declared")
    (directory / "gateway.toml").write_text(CONFIG.format(url=providers.url))
    upstreams = {"ollama": f"{local.url}/ollama", "vllm": f"{local.url}/vllm"}
    with Gateway(directory, providers, "--config", str(directory / "gateway.toml"), upstreams=upstreams) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def team(gateway: Gateway) -> Team:
    return gateway.team("Ada", secrets=SECRETS)


def sdk(gateway: Gateway, team: Team, path: str) -> openai.OpenAI:
    http = httpx2.Client(trust_env=False)
    return openai.OpenAI(api_key=team.key, base_url=f"{gateway.url}/providers/{path}", max_retries=0, http_client=http)


def chat(api: openai.OpenAI, model: str, *, stream: bool = False) -> tuple[str, Any]:
    """The text, and the headers."""
    raw = api.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": PROMPT}], stream=stream
    )
    answer: Any = raw.parse()
    if not stream:
        return answer.choices[0].message.content, raw.headers
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices), raw.headers


def record(gateway: Gateway, headers: Any) -> dict[str, Any]:
    return gateway.call(headers["x-gateway-request-id"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "model", "credential"),
    [
        ("groq/openai/v1", "llama-3.3-70b-versatile", "authorization: Bearer CANARY-GROQ_API_KEY"),
        ("mistral/v1", "mistral-small-latest", "authorization: Bearer CANARY-MISTRAL_API_KEY"),
        ("deepseek", "deepseek-chat", "authorization: Bearer CANARY-DEEPSEEK_API_KEY"),
        ("perplexity", "sonar", "authorization: Bearer CANARY-PERPLEXITY_API_KEY"),
        ("cohere/compatibility/v1", "command-a-03-2025", "authorization: Bearer CANARY-CO_API_KEY"),
        ("acme/azure/openai/v1", "model-of-tomorrow", "api-key: CANARY-ACME_API_KEY"),
    ],
)
def test_a_call_by_base_url(gateway: Gateway, team: Team, standin: StandIn, path: str, model: str, credential: str, stream: bool):
    text, headers = chat(sdk(gateway, team, path), model, stream=stream)
    assert text == ANSWER
    (received,) = standin.requests()
    name, _, value = credential.partition(": ")
    assert received.header(name) == value
    assert "sp_" not in received
    found = record(gateway, headers)
    assert (found["provider"], found["model"], found["operation"]) == (path.partition("/")[0], model, "chat")
    assert (found["input_tokens"], found["output_tokens"], found["estimated"]) == (4, 11, False)
    assert Decimal(found["cost_usd"]) > 0  # never free, priced or not
    assert found["unpriced"] == (model == "model-of-tomorrow")


def test_what_the_config_file_adds_gets_its_headers(gateway: Gateway, team: Team, standin: StandIn):
    chat(sdk(gateway, team, "acme/azure/openai/v1"), "m")
    assert standin.requests()[0].header("x-acme-tenant") == "north"


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_by_host(gateway: Gateway, team: Team, standin: StandIn, stream: bool):
    http = gateway.proxied(team.key)
    api = openai.OpenAI(api_key="dummy", base_url="https://api.groq.com/openai/v1", max_retries=0, http_client=http)
    text, headers = chat(api, "llama-3.3-70b-versatile", stream=stream)
    assert text == ANSWER
    assert standin.requests()[0].header("authorization") == "Bearer CANARY-GROQ_API_KEY"
    found = record(gateway, headers)
    assert (found["provider"], found["way_in"]) == ("groq", "proxy")


def test_azures_sdk_with_its_key_header_and_a_deployment(gateway: Gateway, team: Team, standin: StandIn):
    http = httpx2.Client(trust_env=False)
    endpoint = f"{gateway.url}/providers/azure"
    api = openai.AzureOpenAI(api_key=team.key, azure_endpoint=endpoint, api_version="2024-10-21", http_client=http)
    text, headers = chat(api, "my-gpt")
    assert text == ANSWER
    (received,) = standin.requests()
    assert received.target == "/azure/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21"
    assert received.header("api-key") == "CANARY-AZURE_OPENAI_API_KEY"
    assert record(gateway, headers)["model"] == "my-gpt"


def test_deepseek_speaks_anthropics_format_too(gateway: Gateway, team: Team, standin: StandIn):
    http = httpx2.Client(trust_env=False)
    api = anthropic.Anthropic(api_key=team.key, base_url=f"{gateway.url}/providers/deepseek/anthropic", http_client=http)
    answer = api.messages.create(model="deepseek-chat", max_tokens=99, messages=[{"role": "user", "content": PROMPT}])
    assert getattr(answer.content[0], "text", None) == ANSWER
    assert standin.requests()[0].header("authorization") == "Bearer CANARY-DEEPSEEK_API_KEY"


@pytest.mark.parametrize("stream", [False, True])
def test_coheres_own_api_is_billed_for_what_it_bills(gateway: Gateway, team: Team, standin: StandIn, stream: bool):
    body = {"model": "command-a-03-2025", "stream": stream, "messages": [{"role": "user", "content": PROMPT}]}
    answer = gateway.client(team).post("/providers/cohere/v2/chat", json=body)
    assert answer.status_code == 200
    found = record(gateway, answer.headers)
    assert (found["input_tokens"], found["output_tokens"], found["estimated"]) == (4, 11, False)


@pytest.mark.parametrize("path", ["ollama/v1/chat/completions", "ollama/api/chat", "vllm/v1/chat/completions"])
def test_a_local_one_needs_no_key_and_costs_nothing(gateway: Gateway, team: Team, local: StandIn, path: str):
    local.clear()
    body = {"model": "llama3.2", "messages": [{"role": "user", "content": PROMPT}]}
    answer = gateway.client(team).post(f"/providers/{path}", json=body, headers={"authorization": "Bearer of-the-client"})
    assert answer.status_code == 200
    assert local.requests()[0].header("authorization") is None
    found = record(gateway, answer.headers)
    assert (found["input_tokens"], found["output_tokens"]) == (4, 11)
    assert (Decimal(found["cost_usd"]), found["unpriced"]) == (0, False)


def test_a_local_one_is_reached_through_the_pipeline_alone(gateway: Gateway, team: Team, local: StandIn):
    local.clear()
    refused = gateway.client(team).request("DELETE", "/providers/ollama/api/delete", json={"model": "llama3.2"})
    assert (refused.status_code, "no model API" in refused.text) == (404, True)
    with pytest.raises(httpx2.ProxyError, match="403"):
        gateway.proxied(team.key).get(local.url.replace("http:", "https:"))
    assert gateway.proxied(team.key).get(f"{local.url}/ollama/api/tags").status_code == 403
    assert local.requests() == []


def test_model_access_knows_them(gateway: Gateway):
    policy = {"policy_type": "model_access", "config": {"allow": ["groq/llama-*", "acme/*"]}}
    team = gateway.team("Bob", policy, secrets=SECRETS)
    chat(sdk(gateway, team, "groq/openai/v1"), "llama-3.3-70b-versatile")
    chat(sdk(gateway, team, "acme/azure/openai/v1"), "anything")
    for path, model in (("groq/openai/v1", "qwen3"), ("mistral/v1", "mistral-small-latest")):
        with pytest.raises(openai.PermissionDeniedError, match="request blocked by gateway policies"):
            chat(sdk(gateway, team, path), model)


def test_a_missing_secret_is_named(gateway: Gateway):
    team = gateway.team("Eve", secrets={})
    with pytest.raises(openai.BadRequestError, match="has no secret ACME_API_KEY"):
        chat(sdk(gateway, team, "acme/azure/openai/v1"), "m")


def command(gateway: Gateway, *words: str, stdin: str = "") -> str:
    """What the command line says, with the running gateway's data dir and config file."""
    config = gateway.data_dir.parent / "gateway.toml"
    program = [sys.executable, str(ROOT / "run_gateway.py"), "--data-dir", str(gateway.data_dir), "--config", str(config)]
    return subprocess.run([*program, *words], input=stdin, capture_output=True, text=True, check=True).stdout


def test_the_command_line_knows_them(gateway: Gateway):
    assert "ACME_API_KEY is set" in command(gateway, "secrets", "set", "ACME_API_KEY", stdin="from-the-command-line")
    assert "genai-prices" in command(gateway, "prices", "groq/llama-3.3-70b-versatile")
    assert "charged as the dearest that is known of acme" in command(gateway, "prices", "acme/anything")
    assert "ollama is free" in command(gateway, "prices", "ollama/llama3.2")
