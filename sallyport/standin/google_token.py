"""Google's token endpoints: a service account's signed JWT for an access token (RFC 7523), a workload's own token for Google's
(RFC 8693), and that one for a service account's.

Source: https://developers.google.com/identity/protocols/oauth2/service-account#httprest,
https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token and
https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
"""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

from starlette.responses import Response

from sallyport.standin.wire import Call, JsonObject, answer

ACCESS_TOKEN = "ya29.stand-in-access-token"  # noqa: S105 - made up
FEDERATED_TOKEN = "ya29.d.stand-in-federated-token"  # noqa: S105 - made up
SUBJECT_TOKEN = "stand-in-workload-token"  # noqa: S105 - made up
"""The one that a workload's platform has given it; no other is exchanged."""
REFRESH_TOKEN = "1//stand-in-refresh-token"  # noqa: S105 - made up
"""Of a person who has logged in: for it, there is an access token again and again."""
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_JSON = "application/json; charset=utf-8"


def google_token(call: Call) -> Response | None:
    """None for what is no token endpoint's."""
    match call.method, call.segments:
        case "POST", ["token"] if b"grant_type=refresh_token" in call.body:
            return _refresh(call)
        case "POST", ["token"]:
            return _mint(call)
        case "GET" | "POST", ["tokeninfo"]:
            return answer({"azp": "client", "scope": "openid", "expires_in": "3599"}, content_type=_JSON)
        case "POST", ["v1", "token"]:
            return _exchange(call)
        case "POST", ["v1", "projects", "-", "serviceAccounts", account] if account.endswith(":generateAccessToken"):
            return _impersonate(call)
        case _:
            return None


def _mint(call: Call) -> Response:
    """An access token for a well-formed, current assertion. Its signature goes unchecked: no service account is known here."""
    claims = _claims(call.body)
    if claims is None:
        return _refuse("Invalid JWT: malformed assertion.")
    if not claims["iat"] - 300 <= time.time() <= claims["exp"] <= claims["iat"] + 3600:
        return _refuse("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
    return answer({"access_token": ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer"}, content_type=_JSON)


def _refresh(call: Call) -> Response:
    """https://developers.google.com/identity/protocols/oauth2/native-app#offline"""
    if parse_qs(call.body.decode("ascii", "replace")).get("refresh_token") != [REFRESH_TOKEN]:
        return _refuse("Token has been expired or revoked.")
    return answer(
        {"access_token": ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer", "scope": "openid"}, content_type=_JSON
    )


def _exchange(call: Call) -> Response:
    form = {name: values[0] for name, values in parse_qs(call.body.decode("ascii", "replace")).items()}
    asked = {"audience", "scope", "requested_token_type", "subject_token_type"} <= form.keys()
    if form.get("grant_type") != _EXCHANGE or not asked:
        return answer({"error": "invalid_request", "error_description": "Missing fields."}, status=400, content_type=_JSON)
    if form.get("subject_token") != SUBJECT_TOKEN:
        return _refuse("The subject token is not valid for the provider of the audience.")
    token = {"access_token": FEDERATED_TOKEN, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    return answer(token | {"token_type": "Bearer", "expires_in": 3599}, content_type=_JSON)


def _impersonate(call: Call) -> Response:
    if call.headers.get("authorization") != f"Bearer {FEDERATED_TOKEN}":
        error = {"code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied.", "status": "PERMISSION_DENIED"}
        return answer({"error": error}, status=403, content_type=_JSON)
    expires = datetime.now(UTC) + timedelta(hours=1)
    return answer({"accessToken": ACCESS_TOKEN, "expireTime": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}, content_type=_JSON)


def _refuse(description: str) -> Response:
    return answer({"error": "invalid_grant", "error_description": description}, status=400, content_type=_JSON)


def _claims(body: bytes) -> JsonObject | None:
    """The claims of a well-formed RS256 assertion, or None."""
    form = parse_qs(body.decode("ascii", "replace"))
    parts = form.get("assertion", [""])[0].split(".")
    if form.get("grant_type") != [_GRANT] or len(parts) != 3 or not parts[2]:
        return None
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except ValueError:
        return None
    whole = {"iss", "scope", "aud", "iat", "exp"} <= claims.keys()
    return claims if whole and header.get("alg") == "RS256" else None
