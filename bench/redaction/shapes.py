"""Random values of a given shape, made at run time so that no file of ours holds what looks like a live credential."""

from __future__ import annotations

import base64
import random
import re
import string

_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "B": string.ascii_letters + string.digits + "+/",
    "C": string.ascii_uppercase + "234567",
    "D": string.digits,
    "H": "0123456789abcdef",
    "L": string.ascii_letters,
    "U": string.ascii_letters + string.digits + "_-",
}
_PART = re.compile(r"<([A-Z])(\d+)>|<(jwt|basic)>|<pem ([A-Z ]*)>")
_KINDS = (string.digits, string.ascii_uppercase, string.ascii_lowercase)


def make(shape: str, rng: random.Random) -> str:
    """`shape` filled in: `<A36>` (36 characters of an alphabet), `<jwt>`, `<basic>` (`user:password` in base64), `<pem RSA >`."""

    def part(match: re.Match[str]) -> str:
        if match[1]:
            return _some(_ALPHABETS[match[1]], int(match[2]), rng)
        if match[3] == "jwt":
            return _jwt(rng)
        if match[3] == "basic":
            return base64.b64encode(f"user:{_some(_ALPHABETS['A'], 12, rng)}".encode()).decode()
        return _pem(match[4], rng)

    return _PART.sub(part, shape)


def _some(alphabet: str, length: int, rng: random.Random) -> str:
    """Alphanumeric at both ends, and, if it is long enough to show it, with every kind of character of its alphabet."""
    kinds = [kind for kind in _KINDS if set(kind) & set(alphabet)] if length >= 16 else []
    while True:
        text = "".join(rng.choices(alphabet, k=length))
        if text[0].isalnum() and text[-1].isalnum() and all(set(kind) & set(text) for kind in kinds):
            return text


def _jwt(rng: random.Random) -> str:
    def part(content: str) -> str:
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")

    claims = f'{{"sub":"{_some(_ALPHABETS["A"], 24, rng)}","iat":17}}'
    return f"{part('{"alg":"HS256","typ":"JWT"}')}.{part(claims)}.{_some(_ALPHABETS['U'], 43, rng)}"


def _pem(kind: str, rng: random.Random) -> str:
    body = "\n".join(_some(_ALPHABETS["B"], 64, rng) for _ in range(6))
    label = f"{kind}PRIVATE KEY"
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----"
