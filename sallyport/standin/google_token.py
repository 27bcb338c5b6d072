"""Google's OAuth 2 token endpoint for service accounts: a signed JWT for an access token (RFC 7523).

Source: https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import parse_qs

from starlette.responses import Response

from sallyport.standin.wire import Call, JsonObject, answer

ACCESS_TOKEN = "ya29.stand-in-access-token"  # noqa: S105 - made up
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JSON = "application/json; charset=utf-8"


def mint_token(call: Call) -> Response:
    """An access token for a well-formed, current assertion. Its signature goes unchecked: no service account is known here."""
    claims = _claims(call.body)
    if claims is None:
        return _refuse("Invalid JWT: malformed assertion.")
    if not claims["iat"] - 300 <= time.time() <= claims["exp"] <= claims["iat"] + 3600:
        return _refuse("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
    return answer({"access_token": ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer"}, content_type=_JSON)


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
