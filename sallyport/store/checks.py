"""Checks of single values. Each returns the value as stored, or raises Invalid with a message that starts with the field."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from sallyport.store.errors import Invalid

_LONGEST = 200
_END_OF_TIME = 253_402_300_799  # the last second of the year 9999, beyond which no time can be shown
_LONGEST_COMMENT = 4000


def text(field: str, value: object) -> str:
    """A name: one line that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"{field} must be a text that is not empty")
    value = value.strip()
    if len(value) > _LONGEST or not value.isprintable():
        raise Invalid(f"{field} must have at most {_LONGEST} characters, all printable")
    return value


def optional_text(field: str, value: object) -> str | None:
    return None if value is None or value == "" else text(field, value)


def comment(field: str, value: object) -> str:
    """A text of several lines."""
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"{field} must be a text that is not empty")
    value = value.strip().replace("\r\n", "\n")
    if len(value) > _LONGEST_COMMENT or not value.replace("\n", "").isprintable():
        raise Invalid(f"{field} must have at most {_LONGEST_COMMENT} characters, all printable or line breaks")
    return value


def email(field: str, value: object) -> str | None:
    value = optional_text(field, value)
    if value is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise Invalid(f"{field} must be an e-mail address, not {value!r}")
    return value


def choice(field: str, value: object, *choices: str) -> str:
    if value not in choices:
        raise Invalid(f"{field} must be {' or '.join(choices)}, not {value!r}")
    return str(value)


def url(field: str, value: object) -> str | None:
    """An http(s) base URL; no slash at its end."""
    value = optional_text(field, value)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise Invalid(f"{field} must be a URL such as https://api.smith.langchain.com, without credentials")
    return value.rstrip("/")


def moment(field: str, value: object) -> float | None:
    """UTC seconds."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _END_OF_TIME:
        raise Invalid(f"{field} must be a time in seconds since 1970, or null")
    return float(value)


def flag(field: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid(f"{field} must be true or false")
    return value


def whole(field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**31:
        raise Invalid(f"{field} must be a whole number")
    return value


def network(field: str, value: object) -> str:
    """An IP address or CIDR network, in its canonical form."""
    try:
        return str(ipaddress.ip_network(text(field, value), strict=False))
    except ValueError:
        raise Invalid(f"{field} must be an IP address or a network such as 10.1.0.0/16, not {value!r}") from None


def fingerprint(field: str, value: object) -> str:
    """The SHA-256 of a certificate, in lower-case hexadecimal without colons."""
    digits = text(field, value).replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise Invalid(f"{field} must be the SHA-256 of a certificate in hexadecimal")
    return digits


def known_fields(changes: Mapping[str, object], *names: str) -> None:
    for field in changes:
        if field not in names:
            raise Invalid(f"{field} can't be set; what can is {', '.join(names)}")
