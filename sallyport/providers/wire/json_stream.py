"""JSON objects out of a JSON array that is still being written: how Google streams without `alt=sse`."""

from __future__ import annotations

import re

LARGEST_OBJECT = 16 * 1024 * 1024
"""Bytes of one object beyond which reading is given up."""

_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')


class JsonObjects:
    """Cuts `{…}` or `[{…}, {…}]` into its top-level objects, whatever its chunks. Holds at most one incomplete object."""

    def __init__(self, limit: int = LARGEST_OBJECT) -> None:
        self.closed = False
        """The last bracket has come: the document is whole."""
        self.overflowed = False
        self._limit = limit
        self._held = bytearray()
        self._at = 0  # how far `_held` has been looked at
        self._start: int | None = None  # where the current object begins in `_held`
        self._depth = 0
        self._base = 0  # the depth at which objects stand: 1 within an array
        self._in_string = False
        self._gone = 0  # bytes that stood before `_held`

    @property
    def array(self) -> bool:
        """The objects stand in an array, and another one may follow."""
        return self._base == 1

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that `data` completes."""
        return [found for _, found in self.placed(data)]

    def placed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The same, each after its place in the document."""
        found: list[tuple[int, bytes]] = []
        if self.closed or self.overflowed:
            return found
        self._held += data
        while match := (_INSIDE if self._in_string else _OUTSIDE).search(self._held, self._at):
            at, mark = match.start(), match[0]
            if mark == b"\\":
                if at + 1 == len(self._held):
                    self._at = at
                    return found  # what it escapes is still to come
                self._at = at + 2
                continue
            self._at = at + 1
            if mark == b'"':
                self._in_string = not self._in_string
            elif mark in b"{[":
                self._open(mark, at)
            elif self._close() and self._start is not None:
                found.append((self._gone + self._start, bytes(self._held[self._start : at + 1])))
                self._start = None
            if self.closed:
                break
        else:
            self._at = len(self._held)
        self._let_go()
        return found

    def _open(self, mark: bytes, at: int) -> None:
        if mark == b"[" and self._depth == 0:
            self._base = 1
        elif mark == b"{" and self._depth == self._base:
            self._start = at
        self._depth += 1

    def _close(self) -> bool:
        """True when this bracket ends an object."""
        self._depth -= 1
        self.closed = self._depth <= 0
        return self._depth == self._base and self._start is not None

    def _let_go(self) -> None:
        done = self._at if self._start is None else self._start
        del self._held[:done]
        self._gone += done
        self._at -= done
        self._start = None if self._start is None else 0
        self.overflowed = len(self._held) > self._limit
        if self.closed or self.overflowed:
            self._held.clear()
