"""Access tokens for Vertex AI, minted from a service account's key by google-auth, off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
import requests
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from sallyport.providers.base import CredentialError, CredentialUnavailable, Upstream
from sallyport.secret import Secret
from sallyport.upstream_proxy import UpstreamProxy

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT = 10  # seconds for Google to answer
_EARLY = 300.0  # seconds before its end at which a token is renewed …
_LAST = 15.0  # … and at which it is no longer handed out
_PAUSE = 10.0  # seconds between two renewals ahead of the end, should the first fail
_FIELDS = ("client_email", "private_key", "private_key_id", "project_id")
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires_at: float
    """UTC seconds."""


@dataclass(slots=True)
class _Entry:
    token: _Token | None = None
    minting: asyncio.Task[_Token] | None = None
    renew_at: float = 0.0


class VertexTokens:
    """One token per service account, whoever asks for it: cached, minted once at a time, renewed in the background."""

    def __init__(self, secret_name: str) -> None:
        self.ca_bundle: Path | None = None
        """Roots to verify the token endpoint with; None: the usual ones."""
        self.proxy: UpstreamProxy | None = None
        """The way to it; None: directly."""
        self._secret_name = secret_name
        self._entries: dict[tuple[bytes, Upstream | None], _Entry] = {}

    async def get(self, secret: Secret, endpoint: Upstream | None = None) -> str:
        """A token good for some time yet. Raises CredentialError."""
        key = (hashlib.sha256(secret.reveal().encode()).digest(), endpoint)
        entry = self._entries.get(key)
        if entry is None:
            self._forget_expired()
            entry = self._entries[key] = _Entry()
        now = time.time()
        token = entry.token
        if token is None or token.expires_at - now < _LAST:
            # Shielded: a caller who hangs up must not take the token from those who wait for the same one.
            return (await asyncio.shield(self._mint(entry, secret, endpoint))).value
        if token.expires_at - now < _EARLY and now >= entry.renew_at:
            entry.renew_at = now + _PAUSE
            self._mint(entry, secret, endpoint)
        return token.value

    def _mint(self, entry: _Entry, secret: Secret, endpoint: Upstream | None) -> asyncio.Task[_Token]:
        if entry.minting is None:
            work = asyncio.to_thread(_fetch, self._secret_name, secret, endpoint, self.ca_bundle, self.proxy)
            entry.minting = asyncio.create_task(work)
            entry.minting.add_done_callback(partial(_minted, entry))
        return entry.minting

    def _forget_expired(self) -> None:
        now = time.time()
        for key, entry in list(self._entries.items()):
            if entry.minting is None and (entry.token is None or entry.token.expires_at < now):
                del self._entries[key]


def _minted(entry: _Entry, task: asyncio.Task[_Token]) -> None:
    entry.minting = None
    if not task.cancelled() and task.exception() is None:  # who waits for it gets the exception
        entry.token = task.result()


def _fetch(
    secret_name: str, secret: Secret, endpoint: Upstream | None, ca_bundle: Path | None, proxy: UpstreamProxy | None
) -> _Token:
    """Blocking. Raises CredentialError without a word of the secret."""
    credentials: Any = _credentials(secret_name, secret, endpoint)
    session = requests.Session()
    session.trust_env = False  # never through a proxy of the environment, which may be this very gateway
    session.verify = str(ca_bundle) if ca_bundle else True
    if proxy:
        session.proxies = proxy.for_requests(endpoint.host if endpoint else "oauth2.googleapis.com")
    try:
        credentials.refresh(partial(Request(session), timeout=_TIMEOUT))
    except (TransportError, OSError):  # OSError: the CA bundle can't be read
        raise CredentialUnavailable(f"Google's token endpoint can't be reached for {secret_name}") from None
    except RefreshError as error:
        if error.retryable:  # pyright: ignore[reportUnknownMemberType] - google-auth is untyped
            raise CredentialUnavailable(f"Google's token endpoint failed for {secret_name}") from None
        raise CredentialError(f"{secret_name} was refused by Google{_reason(error)}") from None
    except GoogleAuthError:
        raise CredentialError(f"{secret_name} can't be used to sign in to Google") from None
    finally:
        session.close()
    return _Token(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp())


def _credentials(secret_name: str, secret: Secret, endpoint: Upstream | None) -> object:
    try:
        loaded = orjson.loads(secret.reveal())
    except orjson.JSONDecodeError:
        raise CredentialError(f"{secret_name} is not JSON; it must be a service account's key file") from None
    info = cast(dict[str, Any], loaded) if isinstance(loaded, dict) else {}
    if info.get("type") != "service_account":
        raise CredentialError(f"{secret_name} is no service account's key file (its `type` must be `service_account`)")
    fields = {name: info[name] for name in _FIELDS if isinstance(info.get(name), str)}
    fields["token_uri"] = f"{endpoint.scheme}://{_netloc(endpoint)}/token" if endpoint else _google_only(secret_name, info)
    try:
        return service_account.Credentials.from_service_account_info(fields, scopes=[_SCOPE])  # pyright: ignore[reportUnknownMemberType] - google-auth is untyped
    except (GoogleAuthError, ValueError):
        raise CredentialError(
            f"{secret_name} lacks a field of a service account's key file, or its private key is broken"
        ) from None


def _google_only(secret_name: str, info: dict[str, Any]) -> str:
    """The key file's token endpoint, which must be Google's: whoever sets a secret can't send the gateway elsewhere."""
    uri = info.get("token_uri", "https://oauth2.googleapis.com/token")
    parts = urlsplit(uri) if isinstance(uri, str) else None
    if parts is None or parts.scheme != "https" or not (parts.hostname or "").endswith(".googleapis.com"):
        raise CredentialError(f"the `token_uri` of {secret_name} is not Google's")
    return cast(str, uri)


def _netloc(endpoint: Upstream) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"


def _reason(error: RefreshError) -> str:
    """Google's error code (`invalid_grant`), where the answer has one."""
    details: Any = error.args[1] if len(error.args) > 1 else None
    code = cast(dict[str, Any], details).get("error") if isinstance(details, dict) else None
    return f" ({code})" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
