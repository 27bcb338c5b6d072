"""Placeholders: `[SAFE_TO_USE:<CATEGORY>_<8 characters>]`, the same for the same value within a workspace.

A conversation that is sent again therefore keeps a byte-identical prefix, and the provider's prompt cache keeps hitting.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

from sallyport.redaction.finding import Finding

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH = 8
_OPENING = "[SAFE_TO_USE:"
_PATTERN = re.compile(r"\[SAFE_TO_USE:[A-Z][A-Z_]{0,63}_[0-9A-Za-z]{8}\]")

_CASE_BLIND = frozenset({"PERSON", "LOCATION", "NRP", "EMAIL", "AGE"})
_DIGITS_ONLY = frozenset({"US_PHONE_NUMBER", "US_SSN"})


def normalise(category: str, value: str) -> str:
    """Two spellings are one value if this is equal: names but for case and blanks, numbers by their digits, secrets exactly."""
    if category in _CASE_BLIND:
        return " ".join(value.split()).casefold()
    if category in _DIGITS_ONLY:
        digits = "".join(character for character in value if character.isdecimal())
        return digits[-10:] if category == "US_PHONE_NUMBER" else digits
    return value


def placeholder(key: bytes, category: str, value: str) -> str:
    """The placeholder of `value` under a workspace key: 8 base-62 digits (47 bits) of HMAC-SHA256(key, category and value)."""
    message = f"{category}\0{normalise(category, value)}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hmac.digest(key, message, "sha256"))
    suffix = ""
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        suffix += _ALPHABET[digit]
    return f"{_OPENING}{category}_{suffix}]"


def spans(text: str) -> list[tuple[int, int]]:
    """Where placeholders already stand in `text`."""
    if _OPENING not in text:
        return []
    return [match.span() for match in _PATTERN.finditer(text)]


def replace(key: bytes, text: str, findings: Iterable[Finding]) -> str:
    """`text` with each finding (sorted, none overlapping) replaced by its placeholder."""
    parts: list[str] = []
    known: dict[tuple[str, str], str] = {}
    reached = 0
    for start, end, category in findings:
        value = text[start:end]
        name = known.get((category, value))
        if name is None:
            name = known[category, value] = placeholder(key, category, value)
        parts += (text[reached:start], name)
        reached = end
    parts.append(text[reached:])
    return "".join(parts)
