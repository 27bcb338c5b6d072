"""The HTTP/1 side towards clients: bounded heads, and protocol errors answered in JSON instead of mitmproxy's HTML."""

from __future__ import annotations

import re
from typing import override

import orjson
from mitmproxy import http
from mitmproxy.connection import ConnectionState
from mitmproxy.net.http import http1, status_codes
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    ErrorCode,
    ReceiveHttp,
    RequestHeaders,
    RequestProtocolError,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
    ResponseTrailers,
)
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._http1 import Http1Server, should_make_pipe

from addons.settle import CLIENT_LEFT
from sallyport.ids import new_id
from sallyport.proxy import patience
from sallyport.proxy.http_message import BoundedBody, body_reader, strip_hop_by_hop
from sallyport.proxy.patience import TOO_SLOW, Phase
from sallyport.settings import Settings
from sallyport.tracing import rejections

_MOST_PIPELINED = 1024 * 1024
"""Bytes a client may send ahead of the answer it waits for."""
_LINGER_BYTES = 64 * 1024 * 1024
_LINGER_SECONDS = 5.0
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class GatewayHttp1Server(BoundedBody, Http1Server):
    _client_closes = False
    _discarded = 0

    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self._settings = settings
        patience.tell(context.client, self._phase)

    def _phase(self) -> Phase:
        if self.state == self.read_headers:
            return Phase.HEAD if self.buf else Phase.IDLE
        if self.state == self.read_body:
            on_its_way = self.response is not None and self.response.raw_content is None and not self.response_done
            return Phase.BUSY if on_its_way else Phase.BODY
        return Phase.IDLE if self.state == self.passthrough else Phase.BUSY

    @override
    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if not isinstance(event, events.DataReceived):
            if self.conn.error == TOO_SLOW:
                yield from self._answer(408, "the request head did not come in time")
            else:
                yield commands.CloseConnection(self.conn)
            return
        lines = self.buf.maybe_extract_lines()
        while lines == []:  # RFC 9112, 2.2: blank lines before a request are passed over
            lines = self.buf.maybe_extract_lines()
        limit = self._settings.max_head_bytes
        if (len(self.buf) if lines is None else sum(len(line) + 2 for line in lines)) > limit:
            yield from self._refuse(431, f"the request head is larger than {limit} bytes")
            return
        if lines is None:
            return
        if len(lines) - 1 > self._settings.max_head_fields:
            yield from self._refuse(431, f"the request head has more than {self._settings.max_head_fields} fields")
            return
        if problem := _problem(lines):
            yield from self._refuse(400, f"the request head is malformed: {problem}")
            return
        try:
            self.request = http1.read_request_head([bytes(line) for line in lines])
            size = http1.expected_http_body_size(self.request)
        except ValueError:  # its message quotes the line, which may hold a credential
            yield from self._refuse(400, "the request head is malformed: its first line, a field or its framing can't be read")
            return
        self._client_closes = http1.connection_close(self.request.http_version, self.request.headers)
        strip_hop_by_hop(self.request.headers)
        yield ReceiveHttp(RequestHeaders(self.stream_id, self.request, size == 0))
        self.body_reader = body_reader(size)
        self.state = self.read_body
        yield from self.state(event)

    @override
    def body_broken(self, event: events.Event, message: str) -> layer.CommandGenerator[None]:
        """A client that left is one thing; one that is still there is told what it did."""
        if isinstance(event, events.ConnectionClosed) and self.conn.error != TOO_SLOW:
            yield from self._gone()
        else:
            self.state = self._linger
            yield ReceiveHttp(RequestProtocolError(self.stream_id, message, ErrorCode.REQUEST_VALIDATION_FAILED))

    def _gone(self) -> layer.CommandGenerator[None]:
        self.state = self.done
        yield commands.CloseConnection(self.conn)
        yield ReceiveHttp(RequestProtocolError(self.stream_id, CLIENT_LEFT, ErrorCode.CLIENT_DISCONNECTED))

    @override
    def wait(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived) and len(self.buf) > _MOST_PIPELINED:
            yield from self._gone()
            return
        yield from super().wait(event)

    @override
    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        if isinstance(event, ResponseTrailers):  # of an HTTP/2 provider: RFC 9110, 6.5.1, lets us drop them, as from HTTP/1
            return
        if isinstance(event, ResponseProtocolError) and not self.response:
            status = event.code.http_status_code()
            if status is not None:
                if self.conn.state & ConnectionState.CAN_WRITE:
                    yield from self._refuse(status, event.message)
                return
        if isinstance(event, ResponseHeaders) and self.request is not None:
            self._frame(self.request, event.response)
        unread = isinstance(event, ResponseEndOfMessage) and not self.request_done
        yield from super().send(event)
        if unread and self.response and http1.connection_close("HTTP/1.1", self.response.headers):
            yield from self._close_gently()

    def _frame(self, request: http.Request, response: http.Response) -> None:
        """An answer whose length is not known is sent in chunks: when the provider breaks it off, the client can tell."""
        if response.status_code < 200 or should_make_pipe(request, response):
            return
        if self._client_closes:
            response.headers["connection"] = "close"
        if request.is_http11 and http1.expected_http_body_size(request, response) == -1:
            response.headers["transfer-encoding"] = "chunked"

    def _refuse(self, status: int, message: str) -> layer.CommandGenerator[None]:
        rejections.count("head_too_large" if status == 431 else "malformed")
        yield from self._answer(status, message)

    def _answer(self, status: int, message: str) -> layer.CommandGenerator[None]:
        """Answer what belongs to no call, and close: the rest of the connection can't be trusted."""
        body = orjson.dumps({"error": {"message": message[:500], "type": "bad_request"}})
        head = (
            f"HTTP/1.1 {status} {status_codes.RESPONSES.get(status, 'Error')}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\nx-should-retry: false\r\n"
            f"x-gateway-request-id: {new_id()}\r\n\r\n"
        )
        yield commands.SendData(self.conn, head.encode("latin-1") + body)
        yield from self._close_gently()

    def _close_gently(self) -> layer.CommandGenerator[None]:
        """Say that nothing more comes, and read on for a while: closing with bytes unread would take the answer back."""
        self.state = self._linger
        self.buf.maybe_extract_at_most(len(self.buf))
        yield commands.CloseTcpConnection(self.conn, half_close=True)
        yield commands.RequestWakeup(_LINGER_SECONDS)

    def _linger(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived):
            self._discarded += len(event.data)
            self.buf.maybe_extract_at_most(len(self.buf))
            if self._discarded <= _LINGER_BYTES:
                return
        yield commands.CloseConnection(self.conn)


def _problem(lines: list[bytearray]) -> str | None:
    """What mitmproxy's parser would take for white space or pass on."""
    if any(line.startswith((b" ", b"\t")) for line in lines[1:]):
        return "a folded header line, which RFC 9112 forbids"
    if any(_CONTROL.search(line) for line in lines):
        return "a control character"
    return None
