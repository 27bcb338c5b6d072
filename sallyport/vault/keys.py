"""Gateway keys and admin keys: 256 random bits, kept only as their SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass

from sallyport.secret import Secret

GATEWAY = "sp_"
ADMIN = "spa_"

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_DIGITS = 43  # base 62 digits that hold 256 bits
_SHOWN = 6  # characters of the random part that are shown to tell keys apart


@dataclass(frozen=True, slots=True)
class FreshKey:
    """A key and what is kept of it."""

    key: Secret
    hash: bytes
    prefix: str


def new_gateway_key() -> FreshKey:
    return _new(GATEWAY)


def new_admin_key() -> FreshKey:
    return _new(ADMIN)


def describe_admin_key(key: str) -> FreshKey:
    """What is kept of an admin key that the operator chose; no more of it is shown than a quarter."""
    return FreshKey(Secret(key), hash_key(key), key[: min(len(ADMIN) + _SHOWN, len(key) // 4)])


def hash_key(key: str) -> bytes:
    """SHA-256. Plain, for a key's 256 random bits leave nothing to guess, and it is computed on every call."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def same(one: bytes, other: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(one, other)


def _new(kind: str) -> FreshKey:
    number = secrets.randbits(256)
    digits: list[str] = []
    for _ in range(_DIGITS):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    key = kind + "".join(digits)
    return FreshKey(Secret(key), hash_key(key), key[: len(kind) + _SHOWN])
