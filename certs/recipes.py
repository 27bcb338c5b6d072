"""What to set in an environment so that a client goes through the gateway, and trusts it.

Two ways: as a proxy (`environment`), for any program; as a base URL (`RECIPES`), for one client each. What each client reads was
measured with the real ones: Python SDKs, boto3, curl, Node, Go, Rust and Java programs, and the coding agents.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from certs.truststore import PASSWORD

NO_PROXY = "localhost,127.0.0.1,::1,169.254.169.254"
"""The last is where clouds tell instances their credentials: that must never go through a proxy."""

_BUNDLE_VARIABLES = (  # each replaces the roots that the program comes with, so they get the system's roots and our CA
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
)
_EXTRA_VARIABLES = ("NODE_EXTRA_CA_CERTS", "CODEX_CA_CERTIFICATE", "DENO_CERT")  # each adds to the program's own roots

_CREDENTIALS = (
    "ANTHROPIC_API_KEY",
    "AWS_BEARER_TOKEN_BEDROCK",
    "BASETEN_API_KEY",
    "CODEX_API_KEY",
    "FIREWORKS_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",  # opencode's and the AI SDK's name for it
    "OPENAI_API_KEY",
)


def environment(proxy_url: str, ca_cert: Path, bundle: Path, truststore: Path | None = None) -> dict[str, str]:
    """The proxy way. `proxy_url` is `http://NAME:sp_KEY@HOST:PORT`, both parts of its credential filled in.

    HTTP_PROXY is left out on purpose: boto3 would ask for instance credentials through it. `truststore` is for Java.
    """
    variables = {"HTTPS_PROXY": proxy_url, "https_proxy": proxy_url, "NO_PROXY": NO_PROXY, "no_proxy": NO_PROXY}
    variables["NODE_USE_ENV_PROXY"] = "1"  # without it Node's own fetch goes direct
    variables |= dict.fromkeys(_BUNDLE_VARIABLES, str(bundle)) | dict.fromkeys(_EXTRA_VARIABLES, str(ca_cert))
    if truststore is not None:
        variables["JAVA_TOOL_OPTIONS"] = _java_options(proxy_url, truststore)
    return variables


def credentials(value: str, present: Mapping[str, str]) -> dict[str, str]:
    """Something for the clients that won't start without a provider key: `value` for each that is not in `present`."""
    return {name: value for name in _CREDENTIALS if name not in present}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one client is pointed at the gateway by base URL."""

    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    config: Mapping[str, str] = field(default_factory=dict[str, str])
    """Configuration file → what to put in it, for clients that read no variable."""


def recipe(client: str, base_url: str, key: str, bundle: Path) -> Recipe:
    """The base-URL way. `base_url` is `http://HOST:PORT`. Raises KeyError for a client that is not in RECIPES."""
    return RECIPES[client](base_url.rstrip("/"), key, bundle)


def _anthropic(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe({"ANTHROPIC_BASE_URL": f"{base}/anthropic", "ANTHROPIC_API_KEY": key})


def _claude(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe(
        {
            "ANTHROPIC_BASE_URL": f"{base}/anthropic",
            "ANTHROPIC_AUTH_TOKEN": key,  # an API key it would send to Anthropic's own side hosts, past the base URL, too
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
    )


def _claude_login(base: str, key: str, _bundle: Path) -> Recipe:
    """With its user's own log-in, which a workspace that passes it through leaves where it is."""
    return Recipe(
        {
            "ANTHROPIC_BASE_URL": f"{base}/anthropic",
            "ANTHROPIC_CUSTOM_HEADERS": f"X-Gateway-Key: {key}",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
    )


def _claude_bedrock(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe(
        {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BEDROCK_BASE_URL": f"{base}/bedrock", "AWS_BEARER_TOKEN_BEDROCK": key}
    )


def _anthropic_bedrock(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe({"ANTHROPIC_BEDROCK_BASE_URL": f"{base}/bedrock", "AWS_BEARER_TOKEN_BEDROCK": key})


def _anthropic_vertex(base: str, _key: str, _bundle: Path) -> Recipe:
    return Recipe({"ANTHROPIC_VERTEX_BASE_URL": f"{base}/vertex/v1"})  # the key is the access token it is made with


def _openai(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe({"OPENAI_BASE_URL": f"{base}/openai/v1", "OPENAI_API_KEY": key})


def _fireworks(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe({"OPENAI_BASE_URL": f"{base}/fireworks/inference/v1", "OPENAI_API_KEY": key})


def _baseten(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe({"OPENAI_BASE_URL": f"{base}/baseten/v1", "OPENAI_API_KEY": key})


def _codex(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe({"CODEX_API_KEY": key}, {"~/.codex/config.toml": f'openai_base_url = "{base}/openai/v1"'})


def _gemini_cli(base: str, key: str, _bundle: Path) -> Recipe:
    variables = {"GOOGLE_GEMINI_BASE_URL": f"{base}/gemini", "GEMINI_API_KEY": key, "GEMINI_CLI_TRUST_WORKSPACE": "true"}
    method = json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}})
    return Recipe(variables, {"~/.gemini/settings.json": method})


def _gemini_cli_login(base: str, key: str, _bundle: Path) -> Recipe:
    """With its user's own Google log-in."""
    return Recipe({"CODE_ASSIST_ENDPOINT": f"{base}/codeassist", "GEMINI_CLI_CUSTOM_HEADERS": f"X-Gateway-Key: {key}"})


def _google_genai(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe({"GOOGLE_GEMINI_BASE_URL": f"{base}/gemini", "GOOGLE_API_KEY": key})


def _google_genai_vertex(base: str, _key: str, _bundle: Path) -> Recipe:
    return Recipe({"GOOGLE_VERTEX_BASE_URL": f"{base}/vertex"})  # the key is the token of its credentials


def _langchain(base: str, key: str, _bundle: Path) -> Recipe:
    return Recipe({"LANGSMITH_GATEWAY": base, "LANGSMITH_GATEWAY_API_KEY": key})  # langchain-core 1.8 and newer


def _litellm(base: str, key: str, _bundle: Path) -> Recipe:
    bases = {"OPENAI_BASE_URL": f"{base}/openai/v1", "ANTHROPIC_API_BASE": f"{base}/anthropic"}
    return Recipe(bases | {"OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key})


def _boto3(base: str, key: str, bundle: Path) -> Recipe:
    https = urlsplit(base)._replace(scheme="https").geturl()  # it sends a bearer over https only; the one port speaks both
    return Recipe(
        {
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{https}/bedrock",
            "AWS_BEARER_TOKEN_BEDROCK": key,
            "AWS_CA_BUNDLE": str(bundle),
        }
    )


def _opencode(base: str, key: str, _bundle: Path) -> Recipe:
    providers = {name: {"options": {"baseURL": f"{base}/{name}/v1"}} for name in ("anthropic", "openai")}
    config = json.dumps({"provider": providers}, indent=2)
    return Recipe({"ANTHROPIC_API_KEY": key, "OPENAI_API_KEY": key}, {"opencode.json": config})


RECIPES: Mapping[str, Callable[[str, str, Path], Recipe]] = MappingProxyType(
    {
        "anthropic": _anthropic,
        "anthropic-bedrock": _anthropic_bedrock,
        "anthropic-vertex": _anthropic_vertex,
        "baseten": _baseten,
        "boto3": _boto3,
        "claude": _claude,
        "claude-bedrock": _claude_bedrock,
        "claude-login": _claude_login,
        "codex": _codex,
        "fireworks": _fireworks,
        "gemini-cli": _gemini_cli,
        "gemini-cli-login": _gemini_cli_login,
        "google-genai": _google_genai,
        "google-genai-vertex": _google_genai_vertex,
        "langchain": _langchain,
        "litellm": _litellm,
        "openai": _openai,
        "opencode": _opencode,
    }
)
"""By the name that `env --client` takes."""


def _java_options(proxy_url: str, truststore: Path) -> str:
    """Java takes no credential for a proxy from outside: its clients must hold the gateway key as their provider key."""
    proxy = urlsplit(proxy_url)
    options = (
        f"-Dhttps.proxyHost={proxy.hostname}",
        f"-Dhttps.proxyPort={proxy.port}",
        f"-Dhttp.nonProxyHosts={NO_PROXY.replace(',', '|')}",
        f"-Djavax.net.ssl.trustStore={truststore}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
        f"-Djavax.net.ssl.trustStorePassword={PASSWORD}",
    )
    return " ".join(shlex.quote(option) if " " in option else option for option in options)
