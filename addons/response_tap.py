"""The stream callback of a response: passes bytes on as they come, while the meter reads them, and can end a stream in form."""

from __future__ import annotations

import time

from addons.decoding import Decoding
from addons.refusal import Refusal
from addons.restored_answer import RestoredAnswer
from addons.traced_content import AnswerCopy
from sallyport.providers.usage import Meter, Usage


class ResponseTap:
    """mitmproxy calls it with each chunk, and with b"" at the end; what it returns goes to the client."""

    def __init__(
        self,
        meter: Meter | None,
        length: int | None,
        *,
        events: bool = False,
        decoding: Decoding | None = None,
        decoded: bool = False,
        copy: AnswerCopy | None = None,
        restored: RestoredAnswer | None = None,
    ) -> None:
        """`events`: the answer is a stream of events, of which one is the last. `decoding`: how to read it; the client gets
        what came, or, where it is to be `decoded`, what was read. `copy`: gets what was read. `restored`: puts values back, after
        the meter."""
        self._meter = meter
        self._length = length
        self._events = events
        self._decoding = decoding
        self._decoded = decoded
        self._copy = copy
        self._restored = restored
        self._seen = 0
        self._stop: tuple[Refusal, Usage] | None = None
        self.stopped: Refusal | None = None
        """Why the stream was ended before its time."""
        self.first_byte: float | None = None
        """perf_counter of the first body byte."""

    @property
    def complete(self) -> bool:
        """What has been fed holds the end of the answer: the call can be settled before this chunk leaves."""
        return self._over or (self._length is not None and self._seen >= self._length)

    @property
    def cut(self) -> bool:
        """Asked at the end: the last event has not come. A clean end would make clients send their request again at once."""
        return self._events and self._meter is not None and not self._over

    @property
    def _over(self) -> bool:
        return self.stopped is not None or (self._meter is not None and self._meter.complete)

    def stop(self, refusal: Refusal, usage: Usage) -> None:
        """End the stream after the event that is under way, unless it is ending by itself. `usage`: what it used."""
        self._stop = refusal, usage

    def until_stopped(self, data: bytes) -> bytes:
        """`data` that is to be passed on; or, where the stream was to be stopped, as much as may be, and an end in form."""
        if self._stop is None or self._meter is None or (self._decoding and not self._decoded):
            return data
        whole = len(data) - (0 if self._restored else self._meter.unfinished)
        if whole < 0:  # all of it belongs to an event that has begun to leave
            return data
        (refusal, usage), self._stop = self._stop, None
        ending = None if self._length is not None else self._meter.ending(refusal.message, usage)
        if ending is None:
            return data
        self.stopped = refusal
        return data[:whole] + (self._restored.flush() if self._restored else b"") + ending

    def __call__(self, data: bytes) -> bytes:
        metered = self._metered(data)
        if self._restored is None:
            return metered
        return self._restored.feed(metered) + (b"" if data else self._restored.finish())

    def _metered(self, data: bytes) -> bytes:
        if not data:
            return self._meter.finish() if self._meter else b""
        if self.first_byte is None:
            self.first_byte = time.perf_counter()
        self._seen += len(data)
        if self._meter is None:
            return data
        if self._decoding is None:
            return self._read(self._meter, data)
        read = [self._read(self._meter, piece) for piece in self._decoding.feed(data)]
        return b"".join(read) if self._decoded else data

    def _read(self, meter: Meter, data: bytes) -> bytes:
        if self._copy is not None:
            self._copy.add(data)
        return meter.feed(data)
