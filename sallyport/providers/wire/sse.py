"""Server-sent events, read as they stream by (WHATWG HTML, section 9.2; LF or CRLF line ends, as all providers send)."""

from __future__ import annotations

import re
from dataclasses import dataclass

LARGEST_EVENT = 16 * 1024 * 1024
"""Bytes of one event beyond which reading is given up. The last of a Responses stream holds the whole answer, with images."""

_END = re.compile(rb"\n\r?\n")
_LONGEST_END = 3


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One event. A comment or keep-alive has empty `data`."""

    name: str
    data: bytes
    raw: bytes
    """All its bytes, the blank line at its end included."""

    @classmethod
    def parse(cls, raw: bytes) -> SseEvent:
        name = ""
        data: list[bytes] = []
        for line in raw.split(b"\n"):
            if line.startswith(b"data:"):
                data.append(line[5:].rstrip(b"\r").removeprefix(b" "))
            elif line.startswith(b"event:"):
                name = line[6:].rstrip(b"\r").removeprefix(b" ").decode("utf-8", "replace")
        return cls(name, data[0] if len(data) == 1 else b"\n".join(data), raw)


class SseParser:
    """Cuts a stream into events, whatever its chunks. Holds at most one incomplete event."""

    def __init__(self, limit: int = LARGEST_EVENT) -> None:
        self.overflowed = False
        """An event passed the limit: nothing more is read. What was held stands ready in `take()`."""
        self._limit = limit
        self._held = bytearray()

    def feed(self, data: bytes) -> list[SseEvent]:
        """The events that `data` completes."""
        if self.overflowed:
            return []
        searched = max(0, len(self._held) - _LONGEST_END + 1)
        self._held += data
        events: list[SseEvent] = []
        start = 0
        for end in _END.finditer(self._held, searched):
            events.append(SseEvent.parse(bytes(self._held[start : end.end()])))
            start = end.end()
        del self._held[:start]
        self.overflowed = len(self._held) > self._limit
        return events

    @property
    def held(self) -> int:
        """Bytes of the event whose end has not come."""
        return len(self._held)

    def take(self) -> bytes:
        """What is still held: the beginning of an event whose end has not come."""
        held = bytes(self._held)
        self._held.clear()
        return held
