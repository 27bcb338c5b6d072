"""A provider that takes whatever it is asked, says what the test wants to hear, and keeps what it got."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import override

TOKEN = "ya29.surface"


@dataclass(frozen=True, slots=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def __contains__(self, text: str) -> bool:
        return text in self.path or any(text in value for value in self.headers.values()) or text.encode() in self.body


class SurfaceProvider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[Received] = []
        self.answer = b"{}"
        """What is said next; Vertex' token endpoint says what it must."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body at once: else the second waits for an acknowledgement of the first
    server: SurfaceProvider  # pyright: ignore[reportIncompatibleVariableOverride]

    def _handle(self) -> None:
        body, answer = self._body(), self.server.answer
        if self.path == "/token":
            answer = b'{"access_token":"%s","expires_in":3599,"token_type":"Bearer"}' % TOKEN.encode()
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.server.received.append(Received(self.command, self.path, headers, body))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        return b"".join(self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def surface_provider() -> Generator[SurfaceProvider]:
    with SurfaceProvider() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
