"""Secrets made up at run time, so that no file of ours holds what looks like a live credential."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

_RANDOM = random.Random(20_260_401)  # noqa: S311 - the same samples in every run
_ALNUM = string.ascii_letters + string.digits
_URLSAFE = _ALNUM + "_-"
_BASE64 = _ALNUM + "+/"
_HEX = "0123456789abcdef"


def some(alphabet: str, length: int) -> str:
    """Random, with at least one digit, capital and small letter where the alphabet has them, and alphanumeric at both ends."""
    kinds = [kind for kind in (string.digits, string.ascii_uppercase, string.ascii_lowercase) if set(kind) & set(alphabet)]
    while True:
        text = "".join(_RANDOM.choices(alphabet, k=length))
        if text[0].isalnum() and text[-1].isalnum() and all(set(kind) & set(text) for kind in kinds):
            return text


def jwt() -> str:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    claims = b'{"sub":"%s","iat":17}' % some(_ALNUM, 24).encode()
    return f"{part(b'{"alg":"HS256","typ":"JWT"}')}.{part(claims)}.{some(_URLSAFE, 43)}"


def private_key(kind: str = "RSA ") -> str:
    body = "\n".join(some(_BASE64, 64) for _ in range(6))
    return f"-----BEGIN {kind}PRIVATE " + f"KEY-----\n{body}\n-----END {kind}PRIVATE " + "KEY-----"


TOKENS: dict[str, tuple[str, Callable[[], str]]] = {
    "github classic": ("GITHUB_PAT", lambda: "ghp" + "_" + some(_ALNUM, 36)),
    "github fine-grained": ("GITHUB_PAT", lambda: "github" + "_pat_" + some(_ALNUM, 22) + "_" + some(_ALNUM, 59)),
    "github oauth": ("GITHUB_OAUTH_TOKEN", lambda: "gho" + "_" + some(_ALNUM, 36)),
    "github user-to-server": ("GITHUB_APP_TOKEN", lambda: "ghu" + "_" + some(_ALNUM, 36)),
    "github installation": ("GITHUB_APP_TOKEN", lambda: "ghs" + "_" + some(_ALNUM, 36)),
    "github stateless": ("GITHUB_APP_TOKEN", lambda: "ghs" + "_" + "1234567_" + jwt()),
    "gitlab personal": ("GITLAB_TOKEN", lambda: "glpat" + "-" + some(_URLSAFE, 20)),
    "gitlab routable": ("GITLAB_TOKEN", lambda: "glpat" + "-" + some(_URLSAFE, 27) + ".01." + some(_HEX, 9)),
    "gitlab deploy": ("GITLAB_TOKEN", lambda: "gldt" + "-" + some(_URLSAFE, 20)),
    "openai legacy": ("OPENAI_API_KEY", lambda: "sk" + "-" + some(_ALNUM, 20) + "T3Blbk" + "FJ" + some(_ALNUM, 20)),
    "openai project": ("OPENAI_API_KEY", lambda: "sk" + "-proj-" + some(_URLSAFE, 124)),
    "openai service account": ("OPENAI_API_KEY", lambda: "sk" + "-svcacct-" + some(_URLSAFE, 124)),
    "openai admin": ("OPENAI_API_KEY", lambda: "sk" + "-admin-" + some(_URLSAFE, 124)),
    "anthropic": ("ANTHROPIC_API_KEY", lambda: "sk" + "-ant-api03-" + some(_URLSAFE, 93) + "AA"),
    "anthropic oauth": ("ANTHROPIC_API_KEY", lambda: "sk" + "-ant-oat01-" + some(_URLSAFE, 93) + "AA"),
    "anthropic admin": ("ANTHROPIC_API_KEY", lambda: "sk" + "-ant-admin01-" + some(_URLSAFE, 93) + "AA"),
    "langsmith": ("LANGSMITH_API_KEY", lambda: "lsv2" + "_pt_" + some(_HEX, 32) + "_" + some(_HEX, 10)),
    "langsmith service": ("LANGSMITH_API_KEY", lambda: "lsv2" + "_sk_" + some(_HEX, 32) + "_" + some(_HEX, 10)),
    "hugging face": ("HUGGING_FACE_TOKEN", lambda: "hf" + "_" + some(string.ascii_letters, 34)),
    "aws access key": ("AWS_ACCESS_KEY_ID", lambda: "AKIA" + some(string.ascii_uppercase + "234567", 16)),
    "aws temporary key": ("AWS_ACCESS_KEY_ID", lambda: "ASIA" + some(string.ascii_uppercase + "234567", 16)),
    "aws session": ("AWS_SESSION_TOKEN", lambda: "IQoJb3JpZ2lu" + some(_BASE64, 300)),
    "bedrock": ("AWS_BEARER_TOKEN_BEDROCK", lambda: "ABSK" + some(_BASE64, 128)),
    "google": ("GOOGLE_API_KEY", lambda: "AIza" + some(_URLSAFE, 35)),
    "azure client": ("AZURE_CLIENT_SECRET", lambda: some(_ALNUM, 3) + "8Q~" + some(_ALNUM + "._-", 34)),
    "slack bot": ("SLACK_TOKEN", lambda: "xoxb" + "-" + "123456789012-1234567890123-" + some(_ALNUM, 24)),
    "slack user": ("SLACK_TOKEN", lambda: "xoxp" + "-" + "123456789012-123456789012-123456789012-" + some(_HEX, 32)),
    "slack app": ("SLACK_TOKEN", lambda: "xapp" + "-1-A" + some(_ALNUM, 10).upper() + "-1234567890123-" + some(_HEX, 64)),
    "datadog app": ("DATADOG_APP_KEY", lambda: "ddapp" + "_" + some(_ALNUM, 34)),
    "pypi": ("PYPI_TOKEN", lambda: "pypi" + "-AgEIcHlwaS5vcmc" + some(_URLSAFE, 150)),
    "npm": ("NPM_TOKEN", lambda: "npm" + "_" + some(_ALNUM, 36)),
    "stripe": ("STRIPE_KEY", lambda: "sk" + "_live_" + some(_ALNUM, 99)),
    "stripe restricted": ("STRIPE_KEY", lambda: "rk" + "_test_" + some(_ALNUM, 24)),
    "sendgrid": ("SENDGRID_API_KEY", lambda: "SG" + "." + some(_URLSAFE, 22) + "." + some(_URLSAFE, 43)),
    "twilio": ("TWILIO_API_KEY", lambda: "SK" + some(_HEX, 32)),
    "jwt": ("JWT", jwt),
    "gateway key": ("GATEWAY_KEY", lambda: "sp" + "_" + some(_ALNUM, 43)),
    "admin key": ("GATEWAY_KEY", lambda: "spa" + "_" + some(_ALNUM, 43)),
    "groq": ("GROQ_API_KEY", lambda: "gsk" + "_" + some(_ALNUM, 52)),
}
"""Kinds that show what they are: name → category and how to make one."""

CONTEXTS: dict[str, str] = {
    "alone": "{}",
    "env": "DEBUG=1\nSOME_KEY={}\nPORT=80\n",
    "quoted": "client = Client('{}')",
    "json": '{{"key": "{}", "n": 1}}',
    "yaml": "service:\n  key: {}\n  port: 80",
    "json in json": '{{"text": "first\\n{}\\nlast"}}',
    "twice escaped": '"{{\\"a\\": \\"x\\\\n{}\\\\n\\"}}"',
    "url": "https://host.example/path?key={}&page=2",
    "url-encoded": "redirect=https%3A%2F%2Fhost%2F%3Fkey%3D{}%26page%3D2",
    "sentence": "My key is {}, please use it.",
    "log": "\x1b[32m{}\x1b[0m used by 10.0.0.1",
    "markdown": "Use `{}` here",
    "diff": "-OLD=1\n+NEW={}\n",
}

IN_CONTEXT: dict[str, tuple[str, str, Callable[[], str]]] = {
    "aws secret, env": ("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY={}\n", lambda: some(_BASE64, 40)),
    "aws secret, json": ("AWS_SECRET_ACCESS_KEY", '{{"SecretAccessKey": "{}", "a": 1}}', lambda: some(_BASE64, 40)),
    "aws secret, prose": ("AWS_SECRET_ACCESS_KEY", "my aws secret key is {} ok", lambda: some(_BASE64, 40)),
    "aws secret, two lines": ("AWS_SECRET_ACCESS_KEY", "- name: AWS_SECRET_ACCESS_KEY\n  value: {}\n", lambda: some(_BASE64, 40)),
    "aws session": ("AWS_SESSION_TOKEN", 'aws_session_token = "{}"', lambda: some(_BASE64, 200)),
    "datadog api key": ("DATADOG_API_KEY", "DD_API_KEY: {}", lambda: some(_HEX, 32)),
    "datadog app key": ("DATADOG_API_KEY", "datadog application key = '{}'", lambda: some(_HEX, 40)),
    "datadog, two lines": ("DATADOG_API_KEY", "- name: DD_API_KEY\n  value: {}\n", lambda: some(_HEX, 32)),
    "azure storage": (
        "AZURE_STORAGE_KEY",
        "DefaultEndpointsProtocol=https;AccountName=x;AccountKey={};EndpointSuffix=core.windows.net",
        lambda: some(_BASE64, 86) + "==",
    ),
    "azure sas": (
        "AZURE_SAS_TOKEN",
        "https://a.blob.core.windows.net/c?sv=2024-01-01&sig={}&se=2030",
        lambda: some(_ALNUM, 20) + "%2B" + some(_ALNUM, 22) + "%3D",
    ),
    "slack webhook": (
        "SLACK_WEBHOOK",
        "https://hooks.slack.com/" + "services/{}",
        lambda: "T" + some(_ALNUM, 8).upper() + "/B" + some(_ALNUM, 8).upper() + "/" + some(_ALNUM, 24),
    ),
    "twilio auth token": ("TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN={}", lambda: some(_HEX, 32)),
    "service account": ("GCP_PRIVATE_KEY_ID", '{{"type": "service_account", "private_key_id": "{}"}}', lambda: some(_HEX, 40)),
    "npmrc": ("NPM_TOKEN", "//registry.npmjs.org/:_authToken={}", lambda: some(_ALNUM, 36)),
    "database url": ("PASSWORD", "DATABASE_URL=postgres://app:{}@db.internal:5432/app", lambda: some(_ALNUM, 16)),
    "redis url": ("PASSWORD", "redis://:{}@10.0.0.5:6379/0", lambda: some(_ALNUM, 16)),
    "ado": ("PASSWORD", "Server=tcp:x;Database=d;User Id=sa;Password={};Encrypt=True", lambda: some(_ALNUM, 14) + "!"),
    "env password": ("PASSWORD", "DB_PASSWORD={}\n", lambda: some(_ALNUM, 14) + "!"),
    "json password": ("PASSWORD", '{{"password": "{}"}}', lambda: some(_ALNUM, 14) + "#"),
    "bearer": ("AUTHORIZATION", "curl -H 'Authorization: Bearer {}' https://x", lambda: some(_ALNUM, 32)),
    "basic": (
        "AUTHORIZATION",
        '{{"Authorization": "Basic {}"}}',
        lambda: base64.b64encode(b"u:" + some(_ALNUM, 12).encode()).decode(),
    ),
    "client secret": ("SECRET", 'client_secret: "{}"', lambda: some(_ALNUM, 32)),
}
"""Kinds that only their context tells: name → category, context, how to make one."""
