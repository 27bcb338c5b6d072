"""The HTTP/1 side towards clients: bounded heads, and protocol errors answered in JSON instead of mitmproxy's HTML."""

from __future__ import annotations

import orjson
from mitmproxy.connection import ConnectionState
from mitmproxy.net.http import http1, status_codes
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import ReceiveHttp, RequestHeaders, ResponseProtocolError
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._http1 import Http1Server, make_body_reader

from sallyport.ids import new_id
from sallyport.settings import Settings


class GatewayHttp1Server(Http1Server):
    def __init__(self, context: Context, settings: Settings) -> None:
        super().__init__(context)
        self._settings = settings

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        if not isinstance(event, events.DataReceived):
            yield from super().read_headers(event)
            return
        limit = self._settings.max_head_bytes
        lines = self.buf.maybe_extract_lines()
        if lines is None:
            if len(self.buf) > limit:
                yield from self._refuse(431, f"the request head is larger than {limit} bytes")
            return
        if not lines:
            return
        if sum(len(line) + 2 for line in lines) > limit:
            yield from self._refuse(431, f"the request head is larger than {limit} bytes")
            return
        if len(lines) - 1 > self._settings.max_head_fields:
            yield from self._refuse(431, f"the request head has more than {self._settings.max_head_fields} fields")
            return
        try:
            if any(bytes(line[:1]) in (b" ", b"\t") for line in lines[1:]):
                raise ValueError("a folded header line, which RFC 9112 forbids")
            self.request = http1.read_request_head([bytes(line) for line in lines])
            size = http1.expected_http_body_size(self.request)
        except ValueError as error:
            yield from self._refuse(400, f"the request head is malformed: {error}")
            return
        yield ReceiveHttp(RequestHeaders(self.stream_id, self.request, size == 0))
        self.body_reader = make_body_reader(size)
        self.state = self.read_body
        yield from self.state(event)

    def send(self, event: HttpEvent) -> layer.CommandGenerator[None]:
        status = event.code.http_status_code() if isinstance(event, ResponseProtocolError) else None
        if isinstance(event, ResponseProtocolError) and status is not None and not self.response:
            if self.conn.state & ConnectionState.CAN_WRITE:
                yield from self._refuse(status, event.message)
            return
        yield from super().send(event)

    def _refuse(self, status: int, message: str) -> layer.CommandGenerator[None]:
        """Answer what belongs to no call, and close: the rest of the connection can't be trusted."""
        body = orjson.dumps({"error": {"message": message[:500], "type": "bad_request"}})
        head = (
            f"HTTP/1.1 {status} {status_codes.RESPONSES.get(status, 'Error')}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\nx-should-retry: false\r\n"
            f"x-gateway-request-id: {new_id()}\r\n\r\n"
        )
        yield commands.SendData(self.conn, head.encode("latin-1") + body)
        yield commands.CloseConnection(self.conn)
        self.state = self.done
