"""WebSocket frames by hand (RFC 6455, 5.2; RFC 7692): a test is either end, and sees every one."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from tests.sallyport.proxy.gateway import Worker
from tests.sallyport.proxy.wire import Message, Provider, Wire, request

MORE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
DEFLATE = "permessage-deflate"
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {_KEY}")


@dataclass(frozen=True, slots=True)
class Frame:
    opcode: int
    payload: bytes
    fin: bool = True
    compressed: bool = False

    @property
    def close(self) -> tuple[int, str]:
        """Code and reason of a closing."""
        assert self.opcode == CLOSE, self
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else 1005, self.payload[2:].decode()


def encode(payload: bytes, opcode: int = TEXT, *, fin: bool = True, masked: bool, compressed: bool = False) -> bytes:
    """One frame's bytes."""
    size, bit = len(payload), 0x80 if masked else 0
    if size < 126:
        length = bytes([bit | size])
    else:
        length = bytes([bit | 126]) + struct.pack("!H", size) if size < 65536 else bytes([bit | 127]) + struct.pack("!Q", size)
    head = bytes([(0x80 if fin else 0) | (0x40 if compressed else 0) | opcode]) + length
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


class Peer:
    """One end of an open WebSocket. With `deflate`, what it says is compressed, each message by itself."""

    def __init__(self, wire: Wire, *, client: bool, deflate: bool = False) -> None:
        self.wire = wire
        self._client = client
        self._deflate = deflate
        self._inflate = zlib.decompressobj(-15)

    def send(self, payload: bytes, opcode: int = TEXT, *, fin: bool = True, compressed: bool = False) -> None:
        self.wire.send(encode(payload, opcode, fin=fin, masked=self._client, compressed=compressed))

    def say(self, message: object) -> bytes:
        """A JSON message as text; its bytes."""
        content = message if isinstance(message, bytes) else orjson.dumps(message)
        self.send(deflate(content) if self._deflate else content, compressed=self._deflate)
        return content

    def close(self, code: int, reason: str = "") -> None:
        self.send(struct.pack("!H", code) + reason.encode(), CLOSE)

    def frame(self) -> Frame:
        first, second = self.wire.exactly(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(self.wire.exactly(2 if size == 126 else 8))
        mask = self.wire.exactly(4) if second & 0x80 else b""
        assert bool(mask) != self._client, "only a client masks"
        payload = self.wire.exactly(size)
        if mask:
            payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        return Frame(first & 0x0F, payload, bool(first & 0x80), bool(first & 0x40))

    def content(self) -> bytes:
        """The next message, whole."""
        frames = [self.frame()]
        while not frames[-1].fin:
            frames.append(self.frame())
        content = b"".join(frame.payload for frame in frames)
        assert frames[0].opcode in (TEXT, BINARY), frames
        return self._inflate.decompress(content + b"\x00\x00\xff\xff") if frames[0].compressed else content

    def hear(self) -> Any:
        return orjson.loads(self.content())


def deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def ask(worker: Worker, target: str, *fields: str) -> Wire:
    """A client's handshake, sent; the answer is still to be read."""
    return worker.ask(request("GET", target, *HANDSHAKE, *fields))


def grant(wire: Wire, *fields: str) -> Message:
    """Read a handshake as the provider, and grant it."""
    asked = wire.head()
    key = asked.header("sec-websocket-key") or ""
    accept = base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()  # noqa: S324
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}"]
    wire.send("\r\n".join([*lines, *fields, "", ""]).encode())
    return asked


def connect(worker: Worker, provider: Provider, target: str, *fields: str, extension: str = "") -> tuple[Peer, Peer]:
    """An open WebSocket: the client's end and the provider's."""
    client = ask(worker, target, worker.auth, *fields, *([f"Sec-WebSocket-Extensions: {extension}"] if extension else []))
    server = provider.accept()
    grant(server, *([f"Sec-WebSocket-Extensions: {extension}"] if extension else []))
    granted = client.head()
    assert granted.status == 101, granted
    return Peer(client, client=True, deflate=bool(extension)), Peer(server, client=False, deflate=bool(extension))
