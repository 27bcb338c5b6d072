"""AWS event-stream framing (https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html), as Bedrock streams its answers.

A frame is: total length, headers length, CRC-32 of these two | headers | payload | CRC-32 of all before it; integers big-endian.
A header is: name length (1 byte), name, type (1 byte), value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

HeaderValue = str | bytes | bool | int

LARGEST_FRAME = 24 * 1024 * 1024
"""Bytes; what AWS's own SDKs accept."""

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CRC.size
_NUMBERS = {
    2: struct.Struct(">b"),
    3: struct.Struct(">h"),
    4: struct.Struct(">i"),
    5: struct.Struct(">q"),
    8: struct.Struct(">q"),
}
_LENGTH = struct.Struct(">H")
_BYTES, _STRING, _LONG, _UUID = 6, 7, 5, 9


class EventStreamError(ValueError):
    """The bytes are no event stream, or were changed on the way."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. Timestamps are milliseconds, UUIDs their 16 bytes."""

    headers: Mapping[str, HeaderValue]
    payload: bytes
    raw: bytes = b""
    """All its bytes, as they came."""

    @property
    def event_type(self) -> str:
        """`:event-type` of an event, `:exception-type` of an exception, else empty."""
        value = self.headers.get(":event-type", self.headers.get(":exception-type", ""))
        return value if isinstance(value, str) else ""

    @property
    def is_error(self) -> bool:
        return self.headers.get(":message-type") in ("exception", "error")


class EventStreamDecoder:
    """Cuts a stream into frames, whatever its chunks; holds at most one incomplete frame."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def held(self) -> int:
        """Bytes of the frame whose end has not come."""
        return len(self._held)

    def take(self) -> bytes:
        """What is still held: the beginning of a frame whose end has not come, or all that can't be read."""
        held = bytes(self._held)
        self._held.clear()
        return held

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes. Iterating raises EventStreamError; nothing can be read after that."""
        self._held += data
        return self._frames()

    def _frames(self) -> Iterator[Frame]:
        while len(self._held) >= _PRELUDE.size:
            total, headers_length, prelude_crc = _PRELUDE.unpack_from(self._held)
            if crc32(self._held[:8]) != prelude_crc:
                raise EventStreamError("the checksum of a frame's prelude is wrong")
            if not _OVERHEAD + headers_length <= total <= LARGEST_FRAME:
                raise EventStreamError("a frame's lengths are impossible")
            if len(self._held) < total:
                return
            frame = _frame(bytes(self._held[:total]), _PRELUDE.size + headers_length)
            del self._held[:total]
            yield frame


def encode_frame(headers: Mapping[str, HeaderValue], payload: bytes) -> bytes:
    """A frame with these headers; integers are written as 64 bits."""
    encoded = b"".join(_encode_header(name, value) for name, value in headers.items())
    lengths = struct.pack(">II", _OVERHEAD + len(encoded) + len(payload), len(encoded))
    body = b"".join((lengths, _CRC.pack(crc32(lengths)), encoded, payload))
    return body + _CRC.pack(crc32(body))


def _frame(data: bytes, payload_start: int) -> Frame:
    payload_end = len(data) - _CRC.size
    if crc32(memoryview(data)[:payload_end]) != _CRC.unpack_from(data, payload_end)[0]:
        raise EventStreamError("the checksum of a frame is wrong")
    return Frame(_decode_headers(data[_PRELUDE.size : payload_start]), data[payload_start:payload_end], data)


def _decode_headers(data: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    at = 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            name = data[at + 1 : name_end].decode()
            headers[name], at = _decode_value(data, name_end)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise EventStreamError("a frame's headers are malformed") from None
    if at != len(data):
        raise EventStreamError("a frame's headers are malformed")
    return headers


def _decode_value(data: bytes, at: int) -> tuple[HeaderValue, int]:
    kind, at = data[at], at + 1
    if kind in (0, 1):
        return kind == 0, at
    if number := _NUMBERS.get(kind):
        return number.unpack_from(data, at)[0], at + number.size
    if kind in (_BYTES, _STRING):
        start = at + _LENGTH.size
        end = start + _LENGTH.unpack_from(data, at)[0]
        return data[start:end].decode() if kind == _STRING else data[start:end], end
    if kind == _UUID:
        return data[at : at + 16], at + 16
    raise EventStreamError(f"a frame has a header of unknown type {kind}")


def _encode_header(name: str, value: HeaderValue) -> bytes:
    encoded_name = name.encode()
    start = bytes((len(encoded_name),)) + encoded_name
    if isinstance(value, bool):
        return start + bytes((0 if value else 1,))
    if isinstance(value, int):
        return start + bytes((_LONG,)) + _NUMBERS[_LONG].pack(value)
    kind, encoded = (_STRING, value.encode()) if isinstance(value, str) else (_BYTES, value)
    return start + bytes((kind,)) + _LENGTH.pack(len(encoded)) + encoded
