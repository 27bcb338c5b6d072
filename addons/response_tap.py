"""The stream callback of a response: passes bytes on as they come, while the meter reads them."""

from __future__ import annotations

import time

from sallyport.providers.base import Meter


class ResponseTap:
    """mitmproxy calls it with each chunk, and with b"" at the end; what it returns goes to the client."""

    def __init__(self, meter: Meter | None, length: int | None, *, events: bool = False) -> None:
        """`events`: the answer is a stream of events, of which one is the last."""
        self._meter = meter
        self._length = length
        self._events = events
        self._seen = 0
        self.first_byte: float | None = None
        """perf_counter of the first body byte."""

    @property
    def complete(self) -> bool:
        """What has been fed holds the end of the answer: the call can be settled before this chunk leaves."""
        return (self._meter is not None and self._meter.complete) or (self._length is not None and self._seen >= self._length)

    @property
    def cut(self) -> bool:
        """Asked at the end: the last event has not come. A clean end would make clients send their request again at once."""
        return self._events and self._meter is not None and not self._meter.complete

    def __call__(self, data: bytes) -> bytes:
        if not data:
            return self._meter.finish() if self._meter else b""
        if self.first_byte is None:
            self.first_byte = time.perf_counter()
        self._seen += len(data)
        return self._meter.feed(data) if self._meter else data
