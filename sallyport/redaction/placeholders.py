"""Placeholders: `[SAFE_TO_USE:<CATEGORY>_<8 characters>]`, the same for the same value within a workspace.

A conversation that is sent again therefore keeps a byte-identical prefix, and the provider's prompt cache keeps hitting.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterable
from itertools import count

from sallyport.redaction.finding import Finding

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH = 8
OPENING = "[SAFE_TO_USE:"
PATTERN = re.compile(r"\[SAFE_TO_USE:([A-Z][A-Z_]{0,63})_[0-9A-Za-z]{8}\]")

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
    return _mint(key, category, normalise(category, value))


def spans(text: str) -> list[tuple[int, int]]:
    """Where placeholders already stand in `text`."""
    if OPENING not in text:
        return []
    return [match.span() for match in PATTERN.finditer(text)]


class Placeholders:
    """Those of one request, and what they stand for: no two values share one.

    Where a category is to be restored, each spelling of a value has a placeholder of its own, so that what comes back is what
    stood there, character by character.
    """

    def __init__(self, key: bytes, restores: Callable[[str], bool] = lambda _: False) -> None:
        """`key`: the workspace's. `restores`: whether values of a category are to come back."""
        self.key = key
        self.values: dict[str, str] = {}
        """Placeholder → value, of what is to come back."""
        self._restores = restores
        self._named: dict[tuple[str, str], str] = {}
        self._meant: dict[str, str] = {}

    def name(self, category: str, value: str) -> str:
        """The placeholder of `value`."""
        name = self._named.get((category, value))
        if name is None:
            exact = self._restores(category)
            name = self._named[category, value] = self._unique(category, value if exact else normalise(category, value))
            if exact:
                self.values[name] = value
        return name

    def replace(self, text: str, findings: Iterable[Finding]) -> str:
        """`text` with each finding (sorted, none overlapping) replaced by its placeholder."""
        parts: list[str] = []
        reached = 0
        for start, end, category in findings:
            parts += (text[reached:start], self.name(category, text[start:end]))
            reached = end
        parts.append(text[reached:])
        return "".join(parts)

    def as_written(self, written: str, *, ascii_only: bool) -> str:
        """`written`, a string in JSON, with placeholders that stand for their values as JSON writes them, escapes included."""

        def one(match: re.Match[str]) -> str:
            value = self.values.get(match[0], "")
            escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
            return match[0] if escaped == value else self.name(match[1], escaped)

        return PATTERN.sub(one, written) if self.values else written

    def _unique(self, category: str, meant: str) -> str:
        """Of two values with the same digits the one that is read later gets others, in each request the same."""
        attempts = (f"{meant}\0{attempt}" if attempt else meant for attempt in count())
        minted = (_mint(self.key, category, attempt) for attempt in attempts)
        return next(name for name in minted if self._meant.setdefault(name, meant) == meant)


def _mint(key: bytes, category: str, meant: str) -> str:
    number = int.from_bytes(hmac.digest(key, f"{category}\0{meant}".encode("utf-8", "surrogatepass"), "sha256"))
    suffix = ""
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        suffix += _ALPHABET[digit]
    return f"{OPENING}{category}_{suffix}]"
