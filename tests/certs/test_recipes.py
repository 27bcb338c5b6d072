import json
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from certs.authority import write_authority
from certs.recipes import RECIPES, credentials, environment, recipe
from certs.truststore import java_truststore
from sallyport.paths import DataDir

PROXY = "http://sallyport:sp_KEY@127.0.0.1:8080"


def test_every_kind_of_client_finds_its_proxy_and_roots() -> None:
    variables = environment(PROXY, Path("/d/ca-cert.pem"), Path("/d/bundle.pem"))
    assert variables["HTTPS_PROXY"] == variables["https_proxy"] == PROXY
    assert "169.254.169.254" in variables["NO_PROXY"] == variables["no_proxy"]
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO"):
        assert variables[name] == "/d/bundle.pem"
    for name in ("NODE_EXTRA_CA_CERTS", "CODEX_CA_CERTIFICATE", "DENO_CERT"):
        assert variables[name] == "/d/ca-cert.pem"
    assert not {"HTTP_PROXY", "http_proxy", "JAVA_TOOL_OPTIONS"} & set(variables)


def test_java_gets_options_that_survive_spaces() -> None:
    variables = environment(PROXY, Path("/d/c"), Path("/d/b"), Path("/d d/trust.p12"))
    options = shlex.split(variables["JAVA_TOOL_OPTIONS"])
    assert "-Djavax.net.ssl.trustStore=/d d/trust.p12" in options
    assert "-Dhttps.proxyHost=127.0.0.1" in options
    assert "-Dhttps.proxyPort=8080" in options
    assert "sp_KEY" not in variables["JAVA_TOOL_OPTIONS"]


def test_a_users_own_provider_keys_are_left_alone() -> None:
    made = credentials("sp_KEY", {"OPENAI_API_KEY": "sk-mine"})
    assert "OPENAI_API_KEY" not in made
    assert made["ANTHROPIC_API_KEY"] == "sp_KEY"


@pytest.mark.parametrize(
    ("client", "name", "value"),
    [
        ("anthropic", "ANTHROPIC_BASE_URL", "http://gw:8080/anthropic"),
        ("claude", "ANTHROPIC_AUTH_TOKEN", "sp_KEY"),
        ("claude-bedrock", "ANTHROPIC_BEDROCK_BASE_URL", "http://gw:8080/bedrock"),
        ("openai", "OPENAI_BASE_URL", "http://gw:8080/openai/v1"),
        ("fireworks", "OPENAI_BASE_URL", "http://gw:8080/fireworks/inference/v1"),
        ("baseten", "OPENAI_BASE_URL", "http://gw:8080/baseten/v1"),
        ("codex", "CODEX_API_KEY", "sp_KEY"),
        ("claude-login", "ANTHROPIC_CUSTOM_HEADERS", "X-Gateway-Key: sp_KEY"),
        ("gemini-cli-login", "CODE_ASSIST_ENDPOINT", "http://gw:8080/codeassist"),
        ("gemini-cli", "GOOGLE_GEMINI_BASE_URL", "http://gw:8080/gemini"),
        ("google-genai", "GOOGLE_API_KEY", "sp_KEY"),
        ("boto3", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "https://gw:8080/bedrock"),
        ("opencode", "OPENAI_API_KEY", "sp_KEY"),
    ],
)
def test_a_client_is_pointed_at_its_base_url(client: str, name: str, value: str) -> None:
    assert recipe(client, "http://gw:8080/", "sp_KEY", Path("/d/bundle.pem")).variables[name] == value


def test_configuration_files_are_well_formed() -> None:
    for client in RECIPES:
        for file, content in recipe(client, "http://gw:8080", "sp_KEY", Path("/b")).config.items():
            (tomllib if file.endswith(".toml") else json).loads(content)
    codex = recipe("codex", "http://gw:8080", "sp_KEY", Path("/b")).config["~/.codex/config.toml"]
    assert tomllib.loads(codex) == {"openai_base_url": "http://gw:8080/openai/v1"}


@pytest.mark.skipif(shutil.which("keytool") is None, reason="no Java is installed")
def test_java_reads_the_trust_store(paths: DataDir) -> None:
    write_authority(paths, ["api.openai.com"])
    store = paths.ca / "truststore.p12"
    java_truststore(store, paths.ca_bundle)
    command = ["keytool", "-list", "-v", "-keystore", str(store), "-storetype", "PKCS12", "-storepass", "changeit"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "Sallyport CA" in listed
    assert "trustedCertEntry" in listed


def test_the_trust_store_follows_the_bundle(paths: DataDir) -> None:
    write_authority(paths, ["api.openai.com"])
    store = paths.ca / "truststore.p12"
    java_truststore(store, paths.ca_cert)
    first = store.read_bytes()
    java_truststore(store, paths.ca_cert)
    assert store.read_bytes() == first
    write_authority(paths, ["api.openai.com"], ["gw.example"])
    java_truststore(store, paths.ca_cert)
    assert store.read_bytes() != first
