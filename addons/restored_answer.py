"""Puts values back into an answer as it streams by: events cut out of the bytes that carry them, and put in again.

Holds at most one incomplete event; an answer that does not stream is one. What can't be read passes as it came.
"""

from __future__ import annotations

import binascii
from abc import ABC, abstractmethod
from typing import Any, cast, override

from addons.restored_events import RestoredEvents
from addons.splice import spliced
from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.wire.eventstream import EventStreamDecoder, EventStreamError, Frame, encode_frame
from sallyport.providers.wire.json_stream import JsonObjects
from sallyport.providers.wire.reading import decode
from sallyport.providers.wire.sse import SseEvent, SseParser
from sallyport.redaction.restore import Rewriter


class RestoredAnswer(ABC):
    """`feed` takes what came of an answer, content coding removed, and gives what the client should get."""

    @abstractmethod
    def feed(self, data: bytes) -> bytes: ...

    @abstractmethod
    def flush(self) -> bytes:
        """What is held of texts; the stream is about to be ended, after its last whole event."""

    @abstractmethod
    def finish(self) -> bytes:
        """All that is still held: the answer has ended by itself."""


def restored_answer(media_type: str, restorer: Rewriter, wire: WireFormat) -> RestoredAnswer | None:
    """None for what carries no text: sound, pictures."""
    match media_type:
        case "text/event-stream":
            return _Sse(restorer, wire)
        case "application/vnd.amazon.eventstream":
            return _Frames(restorer, wire)
        case "application/x-ndjson":
            return _Lines(restorer, wire)
        case "application/json":
            return _Json(restorer, wire)
        case _:
            return None


class _Sse(RestoredAnswer):
    def __init__(self, restorer: Rewriter, wire: WireFormat) -> None:
        self._parser = SseParser()
        self._events: RestoredEvents[SseEvent] = RestoredEvents(restorer, wire)

    @override
    def feed(self, data: bytes) -> bytes:
        if self._parser.overflowed:
            return data
        parts = [self._restored(event) for event in self._parser.feed(data)]
        if self._parser.overflowed:
            parts.append(self._parser.take())
        return b"".join(parts)

    @override
    def flush(self) -> bytes:
        return b"".join(_with_data(event, data) for data, event in self._events.flush())

    @override
    def finish(self) -> bytes:
        raw = self._parser.take()
        return (self._restored(SseEvent.parse(raw)) if raw else b"") + self.flush()

    def _restored(self, event: SseEvent) -> bytes:
        if not event.data:
            return event.raw
        return b"".join(_with_data(frame, data) for data, frame in self._events.event(event.data, event))


def _with_data(event: SseEvent, data: bytes) -> bytes:
    if data == event.data:
        return event.raw
    if event.data in event.raw:
        return event.raw.replace(event.data, data, 1)
    head = b"".join(line + b"\n" for line in event.raw.split(b"\n") if line.strip() and not line.startswith(b"data:"))
    return head + b"".join(b"data: " + line + b"\n" for line in data.split(b"\n")) + b"\n"


class _Frames(RestoredAnswer):
    """Bedrock's frames: of JSON, or of JSON in base64."""

    def __init__(self, restorer: Rewriter, wire: WireFormat) -> None:
        self._decoder = EventStreamDecoder()
        self._events: RestoredEvents[Frame] = RestoredEvents(restorer, wire)
        self._broken = False

    @override
    def feed(self, data: bytes) -> bytes:
        if self._broken:
            return data
        parts: list[bytes] = []
        try:
            for frame in self._decoder.feed(data):
                parts.append(self._restored(frame))
        except EventStreamError:
            self._broken = True
            parts.append(self._decoder.take())
        return b"".join(parts)

    @override
    def flush(self) -> bytes:
        return b"".join(_with_payload(frame, data) for data, frame in self._events.flush())

    @override
    def finish(self) -> bytes:
        return self.flush() + self._decoder.take()

    def _restored(self, frame: Frame) -> bytes:
        if frame.is_error:
            return self.flush() + frame.raw
        return b"".join(_with_payload(of, data) for data, of in self._events.event(_document(frame), frame))


def _document(frame: Frame) -> bytes:
    inner = _inner(decode(frame.payload))
    return frame.payload if inner is None else inner


def _inner(payload: Any) -> bytes | None:
    encoded = cast(JsonObject, payload).get("bytes") if isinstance(payload, dict) else None
    if not isinstance(encoded, str):
        return None
    try:
        return binascii.a2b_base64(encoded)
    except ValueError:
        return None


def _with_payload(frame: Frame, document: bytes) -> bytes:
    payload = decode(frame.payload)
    inner = _inner(payload)
    if document == (frame.payload if inner is None else inner):
        return frame.raw
    if inner is not None:
        encoded = binascii.b2a_base64(document, newline=False).decode()
        document = spliced(frame.payload, payload | {"bytes": encoded}, strings=True)
    return encode_frame(frame.headers, document)


class _Lines(RestoredAnswer):
    """One JSON object a line."""

    def __init__(self, restorer: Rewriter, wire: WireFormat) -> None:
        self._events: RestoredEvents[None] = RestoredEvents(restorer, wire)
        self._held = b""

    @override
    def feed(self, data: bytes) -> bytes:
        *lines, self._held = (self._held + data).split(b"\n")
        return b"".join(self._restored(line) for line in lines)

    @override
    def flush(self) -> bytes:
        return b"".join(data + b"\n" for data, _ in self._events.flush())

    @override
    def finish(self) -> bytes:
        line, self._held = self._held, b""
        return (self._restored(line)[:-1] if line else b"") + self.flush()

    def _restored(self, line: bytes) -> bytes:
        return b"".join(data + b"\n" for data, _ in self._events.event(line, None)) if line else b"\n"


class _Json(RestoredAnswer):
    """A document, or an array of them that is still being written."""

    def __init__(self, restorer: Rewriter, wire: WireFormat) -> None:
        self._objects = JsonObjects()
        self._events: RestoredEvents[None] = RestoredEvents(restorer, wire)
        self._held = bytearray()
        self._gone = 0  # bytes that stood before `_held`

    @override
    def feed(self, data: bytes) -> bytes:
        if self._objects.closed or self._objects.overflowed:
            return data
        self._held += data
        parts: list[bytes] = []
        for place, found in self._objects.placed(data):
            parts.append(self._take(place - self._gone))
            self._take(len(found))
            events = self._events.event(found, None, whole=not self._objects.array)
            parts.append(b",".join(event for event, _ in events))
        if self._objects.closed or self._objects.overflowed:
            parts.append(self.finish())
        return b"".join(parts)

    @override
    def flush(self) -> bytes:
        return b"".join(b"," + event for event, _ in self._events.flush())

    @override
    def finish(self) -> bytes:
        return self.flush() + self._take(len(self._held))

    def _take(self, length: int) -> bytes:
        taken = bytes(self._held[:length])
        del self._held[:length]
        self._gone += length
        return taken
