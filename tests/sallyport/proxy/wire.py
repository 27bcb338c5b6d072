"""Both ends of the wire, in one thread: a test plays the client and the provider, and sees and times every byte."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import orjson

PATIENCE = 10.0
"""Seconds that something awaited may take on a busy machine; nothing waits that long when all is well."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer, as it stood on the wire."""

    start: str
    fields: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def status(self) -> int:
        return int(self.start.split()[1])

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field.lower() == name]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) < 2, f"{name} stands there {len(values)} times"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> str:
        """The message of an error answer, in the shapes of OpenAI, Anthropic and Google, and of our own."""
        return str(self.json["error"]["message"])

    @property
    def id(self) -> str:
        value = self.header("x-gateway-request-id")
        assert value is not None
        return value


class Wire:
    """One end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        self.sock = sock
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> Self:
        self.sock.sendall(data)
        return self

    def until(self, mark: bytes) -> bytes:
        """Everything up to and including `mark`."""
        while mark not in self._held:
            self._more()
        taken, mark, self._held = self._held.partition(mark)
        return taken + mark

    def exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            self._more()
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def head(self) -> Message:
        start, *lines = self.until(b"\r\n\r\n")[:-4].decode("latin-1").split("\r\n")
        fields = tuple((name, value) for name, _, value in (line.partition(": ") for line in lines))
        return Message(start, fields)

    def message(self) -> Message:
        """A whole message that says how long it is; chunks are put together."""
        head = self.head()
        if head.header("transfer-encoding") == "chunked":
            return Message(head.start, head.fields, b"".join(iter(self.chunk, b"")))
        return Message(head.start, head.fields, self.exactly(int(head.header("content-length") or 0)))

    def chunk(self) -> bytes:
        """The next chunk; empty at the end of the message."""
        size = int(self.until(b"\r\n").partition(b";")[0], 16)
        data = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return data

    def rest(self) -> bytes:
        """What comes until the other end closes, in order or by a reset."""
        try:
            while True:
                self._more()
        except (EOFError, ConnectionError):
            taken, self._held = self._held, b""
            return taken

    def closed(self) -> bool:
        """Whether the other end closes, with nothing more to say."""
        return self.rest() == b""

    def silent(self, seconds: float = 0.05) -> bool:
        """Whether nothing comes, not even an end, for so long."""
        if self._held or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            return False
        return not select.select([self.sock], [], [], seconds)[0]

    def half_close(self) -> Self:
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self) -> None:
        """Close without a farewell: the other end gets a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.sock.close()

    def close(self) -> None:
        self.sock.close()

    def tls(self, context: ssl.SSLContext, name: str | None) -> Wire:
        """The same connection as a TLS client."""
        assert not self._held
        return Wire(context.wrap_socket(self.sock, server_hostname=name))

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError(f"closed after {self._held!r}")
        self._held += data


class Provider:
    """A provider's port. The test takes each connection and answers it by hand."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context = context

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def accept(self) -> Wire:
        wire = self.accept_raw()
        return self.handshake(wire) if self._context else wire

    def accept_raw(self) -> Wire:
        """Without a TLS handshake."""
        self._listener.settimeout(PATIENCE)
        return Wire(self._listener.accept()[0])

    def handshake(self, wire: Wire) -> Wire:
        assert self._context is not None
        return Wire(self._context.wrap_socket(wire.sock, server_side=True))

    def untouched(self) -> bool:
        """Whether nobody has connected."""
        return not select.select([self._listener], [], [], 0)[0]

    def forget(self) -> None:
        """Drop connections that an earlier test did not take."""
        while not self.untouched():
            self._listener.accept()[0].close()

    def close(self) -> None:
        self._listener.close()


def eventually[T](find: Callable[[], T], what: str) -> T:
    """What `find` returns, once that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := find()):
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.01)
    return found


def request(method: str, target: str, *fields: str, body: bytes = b"", length: bool = True) -> bytes:
    """A request's bytes. Where it has a body its length is named, unless `length` is False."""
    lines = [f"{method} {target} HTTP/1.1", "Host: gateway", *fields]
    if body and length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def answer(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", *fields, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def flood(wire: Wire, data: bytes) -> int:
    """How many bytes of it could be sent before the other side took no more."""
    view, sent = memoryview(data), 0
    wire.sock.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        while sent < len(data):
            sent += wire.sock.send(view[sent : sent + 65536])
    wire.sock.settimeout(PATIENCE)
    return sent
