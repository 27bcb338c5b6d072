"""Meters by the kind of answer. A wire format fills in what its events and documents mean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, override

from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.eventstream import EventStreamDecoder, EventStreamError, Frame
from sallyport.providers.wire.reading import decode
from sallyport.providers.wire.sse import SseEvent, SseParser

LARGEST_DOCUMENT = 16 * 1024 * 1024
"""Bytes of a JSON answer beyond which its usage is not looked for."""

_MEDIA_TYPES = {"text/event-stream": "sse", "application/vnd.amazon.eventstream": "frames"}


def pick_meter(status: int, headers: Mapping[str, str], **by_kind: Callable[[], Meter]) -> Meter:
    """The meter for this sort of answer: `sse`, `frames`, or, for all others, `json`. An error answer has none of them."""
    if status >= 400:
        return Unmetered()
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return by_kind.get(_MEDIA_TYPES.get(media_type, "json"), by_kind["json"])()


class Unmetered(Meter):
    """An error answer: nothing in it is billed."""

    complete = True

    def feed(self, data: bytes) -> bytes:
        return data


class Uncounted(Meter):
    """An answer that names nothing of what it costs: sound, or the receipt of a batch. It is paid for by estimate."""

    def feed(self, data: bytes) -> bytes:
        return data


class JsonMeter(Meter):
    """Collects a JSON document, and reads it once it is whole."""

    def __init__(self, read: Callable[[Meter, Any], None]) -> None:
        """`read(meter, document)` fills the meter in."""
        self._read = read
        self._collected = bytearray()
        self._reading = True

    def feed(self, data: bytes) -> bytes:
        if self._reading:
            self._collected += data
            if len(self._collected) > LARGEST_DOCUMENT:
                self._stop()
            elif data.rstrip()[-1:] in (b"}", b"]"):
                self._try()
        return data

    def _try(self) -> None:
        document = decode(self._collected)
        if document is not None:
            self._stop()
            self._read(self, document)
            self.complete = True

    def _stop(self) -> None:
        self._reading = False
        self._collected.clear()


class SseMeter(Meter):
    """Reads server-sent events. With `filters`, an event that `on_event` turns down is kept from the client."""

    def __init__(self, *, filters: bool = False) -> None:
        self._parser = SseParser()
        self._filters = filters

    @abstractmethod
    def on_event(self, event: SseEvent) -> bool:
        """Take note of an event; False to keep it from the client."""

    def closing(self, message: str, usage: Usage) -> bytes | None:
        """As `ending`, of a stream that can still be read."""
        return None

    @override
    def ending(self, message: str, usage: Usage) -> bytes | None:
        return None if self.complete or self._parser.overflowed else self.closing(message, usage)

    @property
    @override
    def unfinished(self) -> int:
        return 0 if self._filters else self._parser.held

    def feed(self, data: bytes) -> bytes:
        if self._parser.overflowed:
            return data
        kept = [event.raw for event in self._parser.feed(data) if self.on_event(event)]
        if self._parser.overflowed:
            kept.append(self._parser.take())
        return b"".join(kept) if self._filters else data

    def finish(self) -> bytes:
        """Some servers leave out the blank line after the last event; clients that read by the line have seen it all the same."""
        raw = self._parser.take()
        keep = not raw or self.on_event(SseEvent.parse(raw))
        return raw if keep and self._filters else b""


class FrameMeter(Meter):
    """Reads AWS event-stream frames. A broken frame ends the reading; the client finds it by itself."""

    def __init__(self) -> None:
        self._decoder = EventStreamDecoder()
        self._broken = False

    @abstractmethod
    def on_frame(self, frame: Frame) -> None: ...

    def closing(self, message: str, usage: Usage) -> bytes | None:
        """As `ending`, of a stream that can still be read."""
        return None

    @override
    def ending(self, message: str, usage: Usage) -> bytes | None:
        return None if self.complete or self._broken else self.closing(message, usage)

    @property
    @override
    def unfinished(self) -> int:
        return self._decoder.held

    def feed(self, data: bytes) -> bytes:
        if not self._broken:
            try:
                for frame in self._decoder.feed(data):
                    self.on_frame(frame)
            except EventStreamError:
                self._broken = True
        return data
