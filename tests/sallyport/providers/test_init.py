"""The registry: whose host, whose path, and providers of third parties."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers import PROVIDERS, constrained_domains, load_providers, provider_for_host, provider_for_path

SEVEN = ("anthropic", "bedrock", "baseten", "fireworks", "gemini", "vertex", "openai")


def test_the_seven_are_there():
    assert {name for provider in map(PROVIDERS.__getitem__, SEVEN) for name in provider.secret_names} == {
        "ANTHROPIC_API_KEY",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_CREDENTIALS_JSON",
        "BASETEN_API_KEY",
        "FIREWORKS_API_KEY",
        "GOOGLE_API_KEY",
        "VERTEX_SERVICE_ACCOUNT_JSON",
        "OPENAI_API_KEY",
    }


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.anthropic.com", "anthropic"),
        ("API.Anthropic.COM", "anthropic"),
        ("api.anthropic.com.", "anthropic"),
        ("api.openai.com", "openai"),
        ("chatgpt.com", "chatgpt"),
        ("cloudcode-pa.googleapis.com", "codeassist"),
        ("eu.api.openai.com", "openai"),
        ("us.api.openai.com", "openai"),
        ("generativelanguage.googleapis.com", "gemini"),
        ("aiplatform.googleapis.com", "vertex"),
        ("us-central1-aiplatform.googleapis.com", "vertex"),
        ("aiplatform.eu.rep.googleapis.com", "vertex"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "bedrock"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "bedrock"),
        ("bedrock.eu-west-1.amazonaws.com", "bedrock"),
        ("api.fireworks.ai", "fireworks"),
        ("inference.baseten.co", "baseten"),
        ("model-abc123.api.baseten.co", "baseten"),
    ],
)
def test_hosts_of_providers(host: str, name: str):
    provider = provider_for_host(host)
    assert provider is not None
    assert provider.name == name


@pytest.mark.parametrize(
    "host",
    [
        "",
        "bedrock.s3.amazonaws.com",
        "bedrock-runtime.s3.amazonaws.com",
        "bedrock.s3-us-west-2.amazonaws.com",
        "bedrock.s3-website-us-east-1.amazonaws.com",
        "us@evil-aiplatform.googleapis.com",
        ".",
        "example.com",
        "anthropic.com",
        "evil-api.anthropic.com",
        "api.anthropic.com.evil.example",
        "api.anthropic.com..",
        "xapi.openai.com",
        "s3.us-east-1.amazonaws.com",
        "bedrock.amazonaws.com",
        "bedrock-runtime.us-east-1.evil.amazonaws.com",
        "bedrock-runtime..amazonaws.com",
        "-aiplatform.googleapis.com",
        "storage.googleapis.com",
        "oauth2.googleapis.com",
        "a.b.api.baseten.co",
        "api.baseten.co",  # management
        "bedrock-runtime.us-east-1.amazonaws.com\n",
    ],
)
def test_hosts_of_none(host: str):
    assert provider_for_host(host) is None


@given(st.text(max_size=80))
def test_no_host_breaks_the_lookup(host: str):
    provider_for_host(host)


@pytest.mark.parametrize(
    ("path", "name", "rest"),
    [
        ("/openai/v1/chat/completions", "openai", "/v1/chat/completions"),
        ("/openai", "openai", "/"),
        ("/openai/", "openai", "/"),
        ("/gemini/v1beta/models/m:generateContent", "gemini", "/v1beta/models/m:generateContent"),
        ("/bedrock/model/a%3A0/invoke", "bedrock", "/model/a%3A0/invoke"),
        ("/openai//v1/models", "openai", "//v1/models"),
        ("/providers/openai/v1/models", "openai", "/v1/models"),
        ("/providers/groq/openai/v1/models", "groq", "/openai/v1/models"),
        ("/providers/groq", "groq", "/"),
    ],
)
def test_base_paths(path: str, name: str, rest: str):
    assert provider_for_path(path) == (PROVIDERS[name], rest)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "openai/v1", "/openaiX", "/OpenAI/v1", "//openai/v1", "/v1/openai", "/%6fpenai/v1"),
        *(
            "/groq/openai/v1",
            "/providers",
            "/providers/",
            "/providers/nobody",
            "/providers//openai",
            "/providers/providers/openai",
        ),
    ],
)
def test_base_paths_of_none(path: str):
    assert provider_for_path(path) is None


def test_the_ca_may_sign_for_every_host_of_a_known_region_and_for_little_else():
    constraints = [domain for provider in PROVIDERS.values() for domain in provider.name_constraints]
    assert not {"amazonaws.com", "googleapis.com", "us-east-1.amazonaws.com"} & set(constraints)
    for provider in PROVIDERS.values():
        for host in provider.hosts:
            example = host.replace("??-*", "us-east-1").replace("*", "us" if ".rep." in host else "us-east1")
            assert any(example == domain or example.endswith(f".{domain}") for domain in provider.name_constraints), host


ACME = """
from sallyport.providers.openai import OpenAI

class Acme(OpenAI):
    name = "acme"
    hosts = ("llm.acme.example", "*.llm.acme.example")

class Impostor(OpenAI):
    pass

acme = Acme()
broken = 7
"""
LOOK = """
from sallyport.providers import load_providers, provider_for_host, provider_for_path
try:
    load_providers(), load_providers()  # twice is the same as once
    acme, openai = provider_for_host("eu.LLM.acme.example"), provider_for_host("api.openai.com")
    print(acme.name, provider_for_path("/acme/v1")[1], openai.name)
except ValueError as error:
    print(error)
"""


def installed(tmp_path: Path, target: str) -> str:
    """What a process says that has a package with this entry point installed."""
    (tmp_path / "acme_llm.py").write_text(ACME)
    info = tmp_path / "acme_llm-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-llm\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[sallyport.providers]\ntheirs = acme_llm:{target}\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), *filter(None, sys.path)))}
    done = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("target", ["acme", "Acme"])
def test_a_third_party_adds_a_provider(tmp_path: Path, target: str):
    assert installed(tmp_path, target) == "acme /v1 openai"


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("Impostor", "the provider 'theirs' (acme_llm:Impostor) takes the name of another, 'openai'"),
        ("broken", "the provider 'theirs' (acme_llm:broken) is no Provider"),
        ("missing", "the provider 'theirs' (acme_llm:missing) can't be loaded"),
    ],
)
def test_a_third_partys_mistake_is_named(tmp_path: Path, target: str, complaint: str):
    assert installed(tmp_path, target).startswith(complaint)


def test_what_an_operator_leaves_undecrypted():
    try:
        load_providers(undecrypted=("ChatGPT.com", "openrouter", "openrouter.ai", "acme.openai.azure.com"))
        assert [provider_for_host(host) for host in ("chatgpt.com", "openrouter.ai", "acme.openai.azure.com")] == [None] * 3
        assert provider_for_host("other.openai.azure.com")
        assert provider_for_path("/chatgpt/backend-api/codex/responses")
        assert not {"chatgpt.com", "openrouter.ai"} & constrained_domains()
        assert "openai.azure.com" in constrained_domains()
    finally:
        load_providers()
    assert provider_for_host("chatgpt.com")


def test_what_can_not_be_left():
    try:
        with pytest.raises(ValueError, match=r"'openrouter\.io' is neither a provider nor a provider's host"):
            load_providers(undecrypted=("openrouter.io",))
    finally:
        load_providers()
