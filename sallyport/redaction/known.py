"""Values that we hold and that must never leave, wherever they turn up: found by their hashes, in one pass over a body.

Of each value a window of 8 bytes is looked for by 32 bits of a keyed hash, and where that fits, the whole by a keyed BLAKE2. No
value is kept: what is here does not give one back.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from typing import NamedTuple, cast
from urllib.parse import quote

import numpy as np

SHORTEST = 12
"""Bytes: what is shorter may be a word."""
_WINDOW = 8
_CHUNK = 256 * 1024
_TABLE_BITS = 16
_FIELDS = ("private_key", "private_key_id", "client_secret", "refresh_token", "api_key", "token")
"""What is secret of a value that is a JSON object, such as a service account's key."""


class Known(NamedTuple):
    """`data[start:end]` is the value called `name`, or a form of it."""

    start: int
    end: int
    name: str


class _Value(NamedTuple):
    before: int
    """Bytes of the value before its window."""
    length: int
    digest: bytes
    name: str


class KnownValues:
    """Made anew whenever the values change."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        """`values`: names and values."""
        self._key = secrets.token_bytes(32)
        self._factor = np.uint64(secrets.randbits(64) | 1)
        self._windows: dict[int, list[_Value]] = {}
        self._table = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        for name, form in {(name, form) for name, value in values for form in _forms(value)}:
            self._add(name, form)

    def _add(self, name: str, form: bytes) -> None:
        before = max(range(len(form) - _WINDOW + 1), key=lambda at: (len(set(form[at : at + _WINDOW])), at))
        hashed = int(self._hashes(form[before : before + _WINDOW])[0])
        self._windows.setdefault(hashed, []).append(_Value(before, len(form), self._digest(form), name))
        self._table[hashed >> (32 - _TABLE_BITS)] = True

    def find(self, data: bytes) -> list[Known]:
        """Sorted, of two at one place the longer first."""
        if not self._windows:
            return []
        found: list[Known] = []
        for start in range(0, len(data) - _WINDOW + 1, _CHUNK):
            found.extend(self._in_chunk(data, start))
        return sorted(set(found), key=lambda known: (known.start, -known.end))

    def _in_chunk(self, data: bytes, first: int) -> Iterator[Known]:
        hashes = self._hashes(data[first : first + _CHUNK + _WINDOW - 1])
        for at in np.flatnonzero(self._table[hashes >> np.uint64(32 - _TABLE_BITS)]):
            for value in self._windows.get(int(hashes[at]), ()):
                start = first + int(at) - value.before
                end = start + value.length
                if start >= 0 and end <= len(data) and self._digest(data[start:end]) == value.digest:
                    yield Known(start, end, value.name)

    def _hashes(self, data: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        """32 bits for the window at each place."""
        windows = np.ndarray((len(data) - _WINDOW + 1,), dtype="<u8", buffer=data, strides=(1,))
        return (windows * self._factor) >> np.uint64(32)

    def _digest(self, data: bytes) -> bytes:
        return hashlib.blake2b(data, key=self._key, digest_size=16).digest()


def _forms(value: str) -> Iterator[bytes]:
    """As it stands, in JSON, in a URL, in base64 wherever in a group of three it starts."""
    for part in _parts(value):
        raw = part.encode("utf-8", "surrogateescape")
        if len(raw) < SHORTEST:
            continue
        yield raw
        yield json.dumps(part)[1:-1].encode()
        yield json.dumps(part)[1:-1].replace("/", "\\/").encode()
        yield quote(part, safe="", errors="surrogateescape").encode()
        for shift in range(3):
            inner = base64.b64encode(b"\0" * shift + raw)
            whole = inner[(0, 2, 3)[shift] : (len(raw) + shift) * 8 // 6]
            yield whole
            yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def _parts(value: str) -> Iterator[str]:
    """A JSON object's secret fields; of what has several lines, each."""
    try:
        loaded: object = json.loads(value)
    except ValueError:
        loaded = None
    fields = cast("dict[str, object]", loaded) if isinstance(loaded, dict) else None
    for one in [value] if fields is None else [str(fields[name]) for name in _FIELDS if name in fields]:
        yield from (line.strip() for line in one.splitlines() if not line.startswith("-----"))
