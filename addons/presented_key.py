"""Finding the gateway key in a request, and nothing else: no decision is made here."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from mitmproxy import http

from addons import websocket
from addons.langsmith_callers import PREFIX as LANGSMITH_PREFIX

KEY_PREFIX = "sp_"
KEY_PREFIXES = (KEY_PREFIX, LANGSMITH_PREFIX)
"""Of what is taken for a gateway key wherever it stands."""
_PLACES = ("authorization", "x-api-key", "x-goog-api-key", "api-key")


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """`separate`: it came in a place of its own, so the provider's auth place may hold the user's vendor log-in."""

    key: str
    separate: bool


def from_proxy_authorization(value: str) -> str | None:
    """The password of `Basic` (any user name), or a user name that is a key, or a `Bearer` token. None when there is none."""
    scheme, _, rest = value.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest or None
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except ValueError:  # bad base64, not UTF-8
        return None
    return password or user or None


def from_request(request: http.Request, connect_key: str | None, query_names: Iterable[str]) -> PresentedKey | None:
    """The first place that holds a key: X-Gateway-Key, Proxy-Authorization (or CONNECT's), the provider's auth place (header,
    subprotocol), the query.

    In the first two anything counts, so that a wrong key is named as wrong; in the provider's own place only what looks like a
    gateway key does, since vendor keys and dummies stand there too.
    """
    if own := request.headers.get("x-gateway-key"):
        return PresentedKey(own.strip(), separate=True)
    proxy = request.headers.get("proxy-authorization")
    if proxy and (key := from_proxy_authorization(proxy)):
        return PresentedKey(key, separate=True)
    if connect_key:
        return PresentedKey(connect_key, separate=True)
    for name in _PLACES:
        value = request.headers.get(name, "").strip()
        token = value.partition(" ")[2].strip() if name == "authorization" else value
        if token.startswith(KEY_PREFIXES):
            return PresentedKey(token, separate=False)
        if name == "authorization" and value.lower().startswith("basic "):
            password = from_proxy_authorization(value)
            if password and password.startswith(KEY_PREFIXES):
                return PresentedKey(password, separate=False)
    if (key := websocket.key_in_subprotocol(request)) and key.startswith(KEY_PREFIXES):
        return PresentedKey(key, separate=False)
    for name, value in query_pairs(request.path):
        if name in query_names and unquote(value).startswith(KEY_PREFIXES):
            return PresentedKey(unquote(value), separate=False)
    return None


def query_pairs(path: str) -> list[tuple[str, str]]:
    """The raw `name=value` pairs of a path's query, undecoded, in order."""
    query = path.partition("?")[2]
    return [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]
