"""The secret VERTEX_SERVICE_ACCOUNT_JSON: a service account's key file, or the configuration of a workload identity.

Who sets it may send the gateway nowhere but to Google, and have it read no file but those that the operator allows
(https://cloud.google.com/docs/authentication/external/externally-sourced-credentials).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import orjson
from google.auth import identity_pool
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account

from sallyport.providers.base import CredentialError, JsonObject, Upstream
from sallyport.secret import Secret

SECRET_NAME = "VERTEX_SERVICE_ACCOUNT_JSON"  # noqa: S105 - its name
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_KEY_FIELDS = ("client_email", "private_key", "private_key_id", "project_id")
_POOL_FIELDS = ("audience", "subject_token_type", "workforce_pool_user_project")
_EXCHANGE = "https://sts.googleapis.com/v1/token"


def google_credentials(secret: Secret, endpoint: Upstream | None = None, token_files: Iterable[Path] = ()) -> object:
    """What google-auth can refresh, by Google's endpoints or by those at `endpoint`. Raises CredentialError without a word of
    the secret."""
    info = _read(secret)
    if info["type"] == "service_account":
        return _key_file(info, endpoint)
    _check_file(Path(info["credential_source"]["file"]), token_files)
    return _workload_identity(info, endpoint)


def check_account(secret: Secret) -> None:
    """Raises CredentialError. Files are not looked at: they may be the running gateway's alone."""
    info = _read(secret)
    _key_file(info, None) if info["type"] == "service_account" else _workload_identity(info, None)


def _read(secret: Secret) -> JsonObject:
    try:
        loaded: Any = orjson.loads(secret.reveal())
    except orjson.JSONDecodeError:
        raise CredentialError(f"{SECRET_NAME} is not JSON; it must be a service account's key file") from None
    info = cast(JsonObject, loaded) if isinstance(loaded, dict) else {}
    if info.get("type") not in ("service_account", "external_account"):
        raise CredentialError(
            f"{SECRET_NAME} is no service account's key file and no workload identity's configuration "
            "(its `type` must be `service_account` or `external_account`)"
        )
    if info["type"] == "external_account":
        given: Any = info.get("credential_source")
        source = cast(JsonObject, given) if isinstance(given, dict) else {}
        if source.keys() - {"file", "format"} or not isinstance(source.get("file"), str):
            raise CredentialError(f"the `credential_source` of {SECRET_NAME} must be a `file`, and nothing else is taken there")
    return info


def _key_file(info: JsonObject, endpoint: Upstream | None) -> object:
    fields = _texts(info, _KEY_FIELDS)
    fields["token_uri"] = _at(endpoint, "/token") or _google_only(info, "token_uri", "https://oauth2.googleapis.com/token")
    try:
        return service_account.Credentials.from_service_account_info(fields, scopes=_SCOPES)  # pyright: ignore[reportUnknownMemberType] - google-auth is untyped
    except (GoogleAuthError, ValueError):
        raise CredentialError(
            f"{SECRET_NAME} lacks a field of a service account's key file, or its private key is broken"
        ) from None


def _workload_identity(info: JsonObject, endpoint: Upstream | None) -> object:
    fields: JsonObject = dict(_texts(info, _POOL_FIELDS))
    fields["token_url"] = _at(endpoint, "/v1/token") or _google_only(info, "token_url", _EXCHANGE)
    if "service_account_impersonation_url" in info:
        url = _google_only(info, "service_account_impersonation_url", "")
        fields["service_account_impersonation_url"] = _at(endpoint, urlsplit(url).path) or url
    try:
        return identity_pool.Credentials(credential_source=info["credential_source"], scopes=_SCOPES, **fields)
    except (GoogleAuthError, ValueError, TypeError):
        raise CredentialError(f"{SECRET_NAME} lacks a field of a workload identity's configuration") from None


def _check_file(file: Path, allowed: Iterable[Path]) -> None:
    """Links are followed first: who may write there must not lead us out."""
    if not any(file.resolve().is_relative_to(folder.resolve()) for folder in allowed):
        raise CredentialError(
            f"the `credential_source` of {SECRET_NAME} is a file that the operator does not allow "
            "(`--workload-token-dir` names the folders where such files may lie)"
        )


def _texts(info: JsonObject, names: Iterable[str]) -> dict[str, str]:
    return {name: info[name] for name in names if isinstance(info.get(name), str)}


def _google_only(info: JsonObject, name: str, default: str) -> str:
    uri = info.get(name, default)
    parts = urlsplit(uri) if isinstance(uri, str) else None
    if parts is None or parts.scheme != "https" or not (parts.hostname or "").endswith(".googleapis.com"):
        raise CredentialError(f"the `{name}` of {SECRET_NAME} is not Google's")
    return cast(str, uri)


def _at(endpoint: Upstream | None, path: str) -> str | None:
    return f"{endpoint.scheme}://{endpoint.authority}{path}" if endpoint else None
