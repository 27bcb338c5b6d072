"""Signed log-in cookies. Nothing is stored: a cookie is `payload.signature`, good until it expires or its key is revoked."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from dataclasses import dataclass

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SESSION_SECONDS = 12 * 3600
COOKIE = "sallyport_session"


@dataclass(frozen=True, slots=True)
class Session:
    admin_id: str
    expires_at: float
    """UTC seconds."""


class Sessions:
    def __init__(self, root: bytes) -> None:
        """`root`: a secret that derives from the master key; the signing key derives from it in turn."""
        self._key = HKDF(hashes.SHA256(), 32, salt=None, info=b"sallyport console session").derive(root)

    def issue(self, admin_id: str) -> str:
        payload = base64.urlsafe_b64encode(orjson.dumps({"admin": admin_id, "exp": int(time.time()) + SESSION_SECONDS}))
        return f"{payload.decode()}.{self._sign(payload)}"

    def read(self, cookie: str) -> Session | None:
        """The session a cookie stands for; None when it is forged, broken or expired."""
        payload, _, signature = cookie.partition(".")
        if not cookie.isascii() or not hmac.compare_digest(self._sign(payload.encode()), signature):
            return None
        try:
            content = orjson.loads(base64.urlsafe_b64decode(payload))
        except (binascii.Error, ValueError):
            return None
        session = Session(content["admin"], content["exp"])
        return session if session.expires_at > time.time() else None

    def _sign(self, payload: bytes) -> str:
        return hmac.digest(self._key, payload, "sha256").hex()
