"""The JSON objects of an answer, whatever they are framed in."""

from __future__ import annotations

import binascii
import contextlib

from sallyport.providers.base import JsonObject
from sallyport.providers.wire.eventstream import EventStreamDecoder, EventStreamError, Frame
from sallyport.providers.wire.json_stream import JsonObjects
from sallyport.providers.wire.reading import decode, obj, text
from sallyport.providers.wire.sse import SseParser

_PIECE = 4096


def events_of(media_type: str, data: bytes) -> list[JsonObject]:
    """In order; what is no object is left out. A Bedrock frame that is no chunk of a model's is `{event type: payload}`."""
    match media_type:
        case "text/event-stream":
            events = [obj(decode(event.data)) for event in SseParser().feed(data + b"\n\n")]
        case "application/vnd.amazon.eventstream":
            events = [_of_frame(frame) for frame in _frames(data)]
        case _:
            events = [obj(decode(document)) for document in _documents(data)]
    return [event for event in events if event]


def _frames(data: bytes) -> list[Frame]:
    """Up to where they are broken."""
    decoder, frames = EventStreamDecoder(), list[Frame]()
    with contextlib.suppress(EventStreamError):
        for start in range(0, len(data), _PIECE):
            frames += decoder.feed(data[start : start + _PIECE])
    return frames


def _of_frame(frame: Frame) -> JsonObject:
    payload = obj(decode(frame.payload))
    if frame.event_type != "chunk":
        return {frame.event_type: payload}
    try:
        return obj(decode(binascii.a2b_base64(text(payload, "bytes") or "")))
    except ValueError:
        return {}


def _documents(data: bytes) -> list[bytes]:
    """Of one document, of an array of them, or of one a line."""
    found: list[bytes] = []
    while data := data.strip():
        reader = JsonObjects()
        objects = reader.feed(data)
        found += objects
        end = data.find(b"\n")
        if not reader.closed or len(objects) != 1 or not data.startswith(b"{") or end < 0:
            break
        data = data[len(objects[0]) :]
    return found
