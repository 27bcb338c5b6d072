"""HTTP/1.1 and HTTP/2 on either side: whatever the two speak, the same bytes arrive both ways, and are metered alike."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import h2.events
import pytest

from tests.sallyport.proxy.gateway import ANSWER, CHAT, SECRETS, Installation, Worker, clean
from tests.sallyport.proxy.http2 import Http2, http2_client
from tests.sallyport.proxy.test_wire_streams import DONE, HELLO, STREAM, USAGE
from tests.sallyport.proxy.wire import Provider, Wire, chunk, request

Fields = dict[str, str]
TRAILING = b": bye\n\n"
SSE = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Case:
    name: str
    body: bytes
    pieces: tuple[bytes, ...]
    """Of the answer, each sent once the client has the one before it."""
    status: int = 200
    fields: tuple[tuple[str, str], ...] = tuple(JSON.items())
    path: str = "/v1/chat/completions"
    trailers: bool = False
    tokens: tuple[int, int] | None = (9, 3)


CASES = (
    Case("json", CHAT, (ANSWER,)),
    Case("events", STREAM, (HELLO, USAGE, DONE), fields=tuple(SSE.items())),
    Case("gzip", CHAT, (gzip.compress(ANSWER),), fields=(*JSON.items(), ("content-encoding", "gzip"))),
    Case("gzip'd events", STREAM, (gzip.compress(HELLO + USAGE + DONE),), fields=(*SSE.items(), ("content-encoding", "gzip"))),
    Case("upload", os.urandom(3_000_000), (b'{"id":"file-1"}',), path="/v1/files", tokens=None),
    Case("error", CHAT, (b' {"error" : {"message":"caf\\u00e9", "code":null }}\r\n',), status=429, tokens=None),
    Case("trailing bytes", STREAM, (HELLO, USAGE + DONE, TRAILING), fields=tuple(SSE.items()), trailers=True),
)


class Peer(Protocol):
    """One end of one exchange, in either version."""

    def ask(self, path: str, fields: Fields, body: bytes) -> None: ...
    def head(self) -> tuple[int, Fields]: ...
    def piece(self, size: int) -> bytes: ...
    def ended(self) -> bool: ...
    def asked(self) -> tuple[str, Fields, bytes]: ...
    def begin(self, status: int, fields: Fields) -> None: ...
    def say(self, data: bytes) -> None: ...
    def end(self, *, trailers: bool) -> None: ...


class Version1:
    def __init__(self, wire: Wire, prefix: str = "") -> None:
        self.wire = wire
        self._prefix = prefix

    def ask(self, path: str, fields: Fields, body: bytes) -> None:
        self.wire.send(request("POST", self._prefix + path, *(f"{name}: {value}" for name, value in fields.items()), body=body))

    def head(self) -> tuple[int, Fields]:
        head = self.wire.head()
        assert head.header("transfer-encoding") == "chunked"
        return head.status, {name.lower(): value for name, value in head.fields}

    def piece(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self.wire.chunk()
        return data

    def ended(self) -> bool:
        return self.wire.chunk() == b""

    def asked(self) -> tuple[str, Fields, bytes]:
        got = self.wire.message()
        return got.start.split()[1], {name.lower(): value for name, value in got.fields}, got.body

    def begin(self, status: int, fields: Fields) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields.items())]
        self.wire.send("\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode())

    def say(self, data: bytes) -> None:
        self.wire.send(chunk(data))

    def end(self, *, trailers: bool) -> None:
        self.wire.send(b"0\r\nX-Sum: 1\r\n\r\n" if trailers else b"0\r\n\r\n")


class Version2:
    def __init__(self, peer: Http2) -> None:
        self.peer = peer
        self._stream = 0
        self._held = b""

    def ask(self, path: str, fields: Fields, body: bytes) -> None:
        start = {":method": "POST", ":scheme": "https", ":authority": "api.openai.com", ":path": path}
        head = [(name.encode(), value.encode()) for name, value in (start | fields).items()]
        self._stream = self.peer.open(head, b"", end=False)
        self._send(body)
        self.peer.connection.end_stream(self._stream)
        self.peer.flush()

    def head(self) -> tuple[int, Fields]:
        got = self.peer.wait(h2.events.ResponseReceived, self._stream)
        fields = {name.decode(): value.decode() for name, value in got.headers}
        return int(fields.pop(":status")), fields

    def piece(self, size: int) -> bytes:
        while len(self._held) < size:
            self._held += self.peer.wait(h2.events.DataReceived, self._stream).data
        taken, self._held = self._held[:size], self._held[size:]
        return taken

    def ended(self) -> bool:
        self.peer.wait(h2.events.StreamEnded, self._stream)
        return not self._held and not any(isinstance(event, h2.events.DataReceived) and event.data for event in self.peer.events)

    def asked(self) -> tuple[str, Fields, bytes]:
        got = self.peer.wait(h2.events.RequestReceived)
        assert got.stream_id is not None
        self._stream = got.stream_id
        self.peer.wait(h2.events.StreamEnded, self._stream)
        body = b"".join(event.data for event in self.peer.events if isinstance(event, h2.events.DataReceived))
        fields = {name.decode(): value.decode() for name, value in got.headers}
        return fields.pop(":path"), fields, body

    def begin(self, status: int, fields: Fields) -> None:
        head = [(b":status", b"%d" % status), *((name.encode(), value.encode()) for name, value in fields.items())]
        self.peer.connection.send_headers(self._stream, head)
        self.peer.flush()

    def say(self, data: bytes) -> None:
        self._send(data)

    def end(self, *, trailers: bool) -> None:
        if trailers:
            self.peer.connection.send_headers(self._stream, [(b"x-sum", b"1")], end_stream=True)
        else:
            self.peer.connection.end_stream(self._stream)
        self.peer.flush()

    def _send(self, data: bytes) -> None:
        while data:
            room = min(self.peer.connection.local_flow_control_window(self._stream), 16384)
            self.peer.connection.send_data(self._stream, data[:room])
            self.peer.flush()
            data = data[room:]
            if data and not room:
                self.peer.pump()


@pytest.fixture(scope="module")
def workers(start_worker: Any, installation: Installation) -> dict[int, Worker]:
    """By the version that their OpenAI speaks."""
    upstreams = installation.settings["upstreams"]
    return {1: start_worker(), 2: start_worker(upstreams={**upstreams, "openai": installation.anthropic.url})}


@contextmanager
def calling(worker: Worker, version: int) -> Generator[Peer]:
    if version == 2:
        with http2_client(worker, "api.openai.com") as peer:
            yield Version2(peer)
    else:
        context = worker.trust()
        context.set_alpn_protocols(["h2", "http/1.1"])  # our own port takes the second, and asks the provider for the first
        with worker.dial().tls(context, "localhost") as wire:
            yield Version1(wire, "/openai")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("ours", [1, 2], ids=["from-http1", "from-http2"])
@pytest.mark.parametrize("theirs", [1, 2], ids=["to-http1", "to-http2"])
def test_the_same_bytes_arrive(workers: dict[int, Worker], ours: int, theirs: int, case: Case):
    worker = workers[theirs]
    clean(worker)
    server: Provider = worker.installation.anthropic if theirs == 2 else worker.installation.openai
    own = {
        "authorization": f"Bearer {worker.key}",
        "accept-encoding": "gzip",
        "x-unknown": "Kept  AsIs",
        "anthropic-beta": "a,b , c",
    }
    with calling(worker, ours) as client:
        sending = threading.Thread(target=client.ask, args=(case.path, own, case.body))
        sending.start()
        wire = server.accept()
        provider: Peer = Version2(Http2(wire, client=False)) if theirs == 2 else Version1(wire)
        with wire:
            path, fields, body = provider.asked()
            sending.join()
            assert (path, body) == (case.path, case.body)
            assert {name: fields[name] for name in own} == own | {"authorization": f"Bearer {SECRETS['OPENAI_API_KEY']}"}
            provider.begin(case.status, {**dict(case.fields), "x-ratelimit": "7"})
            status, got = client.head()
            assert (status, got["x-ratelimit"]) == (case.status, "7")
            assert {name: got[name] for name, _ in case.fields} == dict(case.fields)
            for piece in case.pieces:
                provider.say(piece)
                assert client.piece(len(piece)) == piece
            provider.end(trailers=case.trailers)
            assert client.ended()
    record = worker.record(got["x-gateway-request-id"])
    if case.tokens:
        assert (record.outcome, record.input_tokens, record.output_tokens, record.estimated) == ("success", *case.tokens, False)
