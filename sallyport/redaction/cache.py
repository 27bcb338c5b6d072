"""Remembers what was found in which text, by hash: a conversation that is sent again costs only what is new in it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from sallyport.redaction.finding import Finding
from sallyport.redaction.scan import RULES_VERSION

Found = tuple[Finding, ...]

_ENTRY_BYTES = 200
_FINDING_BYTES = 120


class Cache:
    """Least recently used out first. Holds hashes (under the workspace key), places and categories; never a text."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._entries: OrderedDict[bytes, Found] = OrderedDict()
        self._bytes = 0

    def get(self, digest: bytes) -> Found | None:
        found = self._entries.get(digest)
        if found is not None:
            self._entries.move_to_end(digest)
        return found

    def put(self, digest: bytes, found: Found) -> None:
        self._bytes -= _size(self._entries.pop(digest)) if digest in self._entries else 0
        self._entries[digest] = found
        self._bytes += _size(found)
        while self._bytes > self._limit:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= _size(oldest)


def _size(found: Found) -> int:
    return _ENTRY_BYTES + _FINDING_BYTES * len(found)


def fingerprint(key: bytes, text: str) -> bytes:
    """Of a text within a workspace, for this version of the rules."""
    version = b"redaction-%d" % RULES_VERSION
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=key[:64], person=version[:16]).digest()
