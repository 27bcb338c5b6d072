"""Checks AWS Signature Version 4 as AWS does, from what came on the wire.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; written from it, and not by
means of the library that the gateway signs with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import quote

from sallyport.standin.script import Refusal
from sallyport.standin.wire import Call

ACCESS_KEY_ID = "AKIASTANDIN000000001"
SECRET_ACCESS_KEY = "stand-in/secret/access/key/0000000000001"  # noqa: S105 - made up
_TEMPORARY = re.compile(r"ASIA[0-9A-F]{16}")
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,]+)/([0-9]{8})/([^/,]+)/([^/,]+)/aws4_request"
    r", ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)"
)
_SKEW = 300
"""Seconds by which a client's clock may differ."""


def check_signature(call: Call, service: str) -> None:
    """Raises Refusal as AWS refuses, where the call is not signed for `service` with keys that are known here."""
    found = _AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
    if not found:
        raise Refusal(403, "Authorization header requires 'Credential' parameter.", "IncompleteSignatureException")
    key_id, day, region, named, signed, given = found.groups()
    secret = _secret_of(call, key_id)
    names = signed.split(";")
    stamp = call.headers.get("x-amz-date", "")
    sent = {name for name in call.headers if name == "host" or name.startswith("x-amz-")}
    if named != service or not stamp.startswith(day) or names != sorted(names) or not sent <= set(names):
        raise Refusal(403, "Credential should be scoped to the correct service and headers.", "InvalidSignatureException")
    when = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs((datetime.now(UTC) - when).total_seconds()) > _SKEW:
        raise Refusal(403, f"Signature expired: {stamp}", "InvalidSignatureException")
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, _sha256(_canonical(call, names).encode())))
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), given):
        raise Refusal(
            403,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
            "and signing method. Consult the service documentation for details.",
            "InvalidSignatureException",
        )


def temporary_secret(key_id: str) -> str:
    """What a token service gave out with that key, so that nobody must remember it."""
    return base64.b64encode(hmac.digest(SECRET_ACCESS_KEY.encode(), key_id.encode(), "sha256")).decode()[:40]


def temporary_token(key_id: str) -> str:
    return base64.b64encode(f"session of {key_id}".encode()).decode()


def _secret_of(call: Call, key_id: str) -> str:
    token = call.headers.get("x-amz-security-token")
    if key_id == ACCESS_KEY_ID and token is None:
        return SECRET_ACCESS_KEY
    if _TEMPORARY.fullmatch(key_id) and token == temporary_token(key_id):
        return temporary_secret(key_id)
    raise Refusal(403, "The security token included in the request is invalid.", "UnrecognizedClientException")


def _canonical(call: Call, names: list[str]) -> str:
    """All but S3 encode the path a second time: the `%3A` of a client becomes `%253A`, its `:` becomes `%3A`."""
    query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in call.query.multi_items())
    values = (",".join(" ".join(value.split()) for value in call.headers.getlist(name)) for name in names)
    return "\n".join(
        (
            call.method,
            quote(call.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{value}" for name, value in zip(names, values, strict=True)),
            "",
            ";".join(names),
            _sha256(call.body),
        )
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
