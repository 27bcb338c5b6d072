"""Clients with a vendor log-in of their user's own, as a workspace with `credentials: passthrough` lets through."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.clients.client import Client

_NEVER = 4102444800
"""UTC seconds, in 2100: no client tries to renew these log-ins."""
_CLAUDE = "sk-ant-oat01-0123456789abcdefghijklmnopqrstuvwxyz"
_GOOGLE = "ya29.a-users-own-login-0123456789abcdefghijklmnop"
_QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}


@dataclass(frozen=True, slots=True)
class Login:
    client: Client
    bearer: str = field(repr=False)
    """What the vendor must see."""
    headers: Mapping[str, str]
    """What it must see beside it: name → what stands in it."""
    needed: bool = False
    """There is no key that could take its place."""

    def __str__(self) -> str:
        return self.client.name


def _jwt(claims: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"


_ACCOUNT = {"chatgpt_plan_type": "pro", "chatgpt_account_id": "acc-1", "chatgpt_user_id": "user-1"}
_CHATGPT = _jwt({"email": "ada@example.com", "exp": _NEVER, "https://api.openai.com/auth": _ACCOUNT})
_AUTH_JSON = {
    "auth_mode": "chatgpt",
    "tokens": {"id_token": _CHATGPT, "access_token": _CHATGPT, "refresh_token": "rt_none", "account_id": "acc-1"},
    "last_refresh": "2100-01-01T00:00:00Z",
}
_CLAUDE_FILE = {
    "claudeAiOauth": {
        "accessToken": _CLAUDE,
        "refreshToken": "sk-ant-ort01-none",
        "expiresAt": _NEVER * 1000,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
}
_GOOGLE_CHOSEN = {"security": {"auth": {"selectedType": "oauth-personal"}}}

LOGINS = (
    Login(
        Client(
            "Claude Code, Claude log-in",
            "claude-login",
            "anthropic",
            ("claude", "-p", "{prompt}"),
            _QUIET,
            files={"~/.claude/.credentials.json": json.dumps(_CLAUDE_FILE)},
        ),
        _CLAUDE,
        {"anthropic-beta": "oauth-2025-04-20"},
    ),
    Login(
        Client(
            "Claude Code, `CLAUDE_CODE_OAUTH_TOKEN`",
            "claude-login",
            "anthropic",
            ("claude", "-p", "{prompt}"),
            _QUIET | {"CLAUDE_CODE_OAUTH_TOKEN": _CLAUDE},
        ),
        _CLAUDE,
        {"anthropic-beta": "oauth-2025-04-20"},
    ),
    Login(
        Client(
            "Codex, ChatGPT log-in",
            "codex",
            "chatgpt",
            ("codex", "exec", "--skip-git-repo-check", "{prompt}"),
            requests=2,
            ways=("proxy",),
            files={"~/.codex/auth.json": json.dumps(_AUTH_JSON)},
            note="By proxy only: it asks chatgpt.com where its workspace is, whatever its base URL.",
        ),
        _CHATGPT,
        {"chatgpt-account-id": "acc-1"},
        needed=True,
    ),
    Login(
        Client(
            "Gemini CLI, Google log-in",
            "gemini-cli-login",
            "codeassist",
            ("gemini", "-p", "{prompt}"),
            {"GOOGLE_GENAI_USE_GCA": "true", "GOOGLE_CLOUD_ACCESS_TOKEN": _GOOGLE, "GEMINI_CLI_TRUST_WORKSPACE": "true"},
            requests=2,
            files={"~/.gemini/settings.json": json.dumps(_GOOGLE_CHOSEN)},
            note="Its log-in is renewed at oauth2.googleapis.com, which is tunnelled.",
        ),
        _GOOGLE,
        {},
        needed=True,
    ),
)
