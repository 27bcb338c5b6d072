"""The HTTP/1 side towards providers: bounded heads, interim answers passed over, and framing that says where a body ends."""

from __future__ import annotations

from typing import override

from mitmproxy import http
from mitmproxy.connection import ConnectionState
from mitmproxy.net.http import http1
from mitmproxy.net.http.validate import validate_headers
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import (
    ErrorCode,
    ReceiveHttp,
    RequestHeaders,
    RequestProtocolError,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._http1 import Http1Client

from sallyport.proxy.http_message import BoundedBody, body_reader, strip_hop_by_hop

_LARGEST_HEAD = 256 * 1024
"""Bytes of an answer's head; providers send a few thousand."""
_BODILESS = (204, 304)


class GatewayHttp1Client(BoundedBody, Http1Client):
    _last = False
    """The provider closes this connection after its answer."""

    @override
    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        if isinstance(event, RequestProtocolError):
            if event.stream_id == self.stream_id and self.state != self.done:
                self.state = self.done  # what may still come is for nobody
                yield commands.CloseConnection(self.conn)
            return
        if isinstance(event, RequestHeaders) and not event.end_stream:
            _frame(event.request)
        yield from super().send(event)

    @override
    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if not isinstance(event, events.DataReceived):
            yield from self._closed(event)
            return
        if self.request is None or self.stream_id is None:  # nobody asked: whoever asks next must not take it for an answer
            self.state = self.done
            yield commands.CloseConnection(self.conn)
            return
        response = None
        size: int | None = None
        while response is None or (response.status_code < 200 and response.status_code != 101):
            lines = self.buf.maybe_extract_lines()
            if lines is None:
                if len(self.buf) > _LARGEST_HEAD:
                    yield from self.body_broken(event, "the head of its answer is too large")
                return
            try:
                response = http1.read_response_head([bytes(line) for line in _unfolded(lines)])
                if response.status_code in _BODILESS:
                    response.headers.pop("transfer-encoding", None)
                if response.status_code == 101 and "upgrade" not in self.request.headers:
                    raise ValueError("an upgrade that nobody asked for")
                validate_headers(response)
                size = http1.expected_http_body_size(self.request, response)
            except (ValueError, IndexError):
                yield from self.body_broken(event, "the head of its answer is malformed")
                return
        self.response = response
        self._last = http1.connection_close(response.http_version, response.headers)
        strip_hop_by_hop(response.headers)
        response.http_version = "HTTP/1.1"  # ours towards the client, whatever the provider's is
        yield ReceiveHttp(ResponseHeaders(self.stream_id, response, size == 0))
        self.body_reader = body_reader(size)
        self.state = self.read_body
        yield from self.state(event)

    def _closed(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if self.stream_id is None:
            if self.conn.state & ConnectionState.CAN_WRITE:
                yield commands.CloseConnection(self.conn)
        else:
            yield from self.body_broken(event, self.conn.error or "it closed the connection before it answered")

    @override
    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.ConnectionClosed) and self.conn.error:  # a body that ends with the connection did not end
            yield from self.body_broken(event, self.conn.error)
            return
        yield from super().read_body(event)
        if isinstance(event, events.ConnectionClosed) and self.conn.state & ConnectionState.CAN_WRITE:
            yield commands.CloseConnection(self.conn)

    @override
    def body_broken(self, event: events.Event, message: str) -> layer.CommandGenerator[None]:
        self.state = self.done
        yield commands.CloseConnection(self.conn)
        if self.stream_id is not None and not self.response_done:
            yield ReceiveHttp(ResponseProtocolError(self.stream_id, message, ErrorCode.GENERIC_SERVER_ERROR))

    @override
    def mark_done(self, *, request: bool = False, response: bool = False) -> layer.CommandGenerator[None]:
        yield from super().mark_done(request=request, response=response)
        if self.state == self.passthrough:  # it speaks another protocol now
            return
        if self.response_done:
            self.state = self._answered
        elif self._last and self.request is None and self.state == self.read_headers:
            self.state = self.done
            yield commands.CloseConnection(self.conn)

    def _answered(self, event: events.Event) -> layer.CommandGenerator[None]:
        """The answer came before the request was sent; whatever comes after it belongs to nobody."""
        self.state = self.done
        yield commands.CloseConnection(self.conn)


def _frame(request: http.Request) -> None:
    """HTTP/2 need not name a body's length, and a guarded form has none. Unframed, the body would be read as another request."""
    if "content-length" not in request.headers and "transfer-encoding" not in request.headers:
        request.headers["transfer-encoding"] = "chunked"


def _unfolded(lines: list[bytearray]) -> list[bytearray]:
    """RFC 9112, 5.2: a proxy replaces the line folding of an answer by spaces."""
    result: list[bytearray] = []
    for line in lines:
        if line.startswith((b" ", b"\t")) and len(result) > 1:
            result[-1] += b" " + line.strip()
        else:
            result.append(line)
    return result
