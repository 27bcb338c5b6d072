"""What both sides of HTTP/1 share: bodies read with bounds, and headers that end at each hop."""

from __future__ import annotations

from typing import override

import h11
from h11._readers import ChunkedReader
from h11._receivebuffer import ReceiveBuffer
from mitmproxy import http
from mitmproxy.proxy import events, layer
from mitmproxy.proxy.layers.http import ReceiveHttp
from mitmproxy.proxy.layers.http._http1 import Http1Connection, TBodyReader, make_body_reader

_MOST_HELD = 64 * 1024
"""Bytes of a chunk's head, or of the trailers."""
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade", b"http2-settings"})
"""RFC 9110, 7.6.1. `Transfer-Encoding` is not among them: it frames the message on both hops alike."""
_LISTED_ANYWAY = frozenset({b"close", b"keep-alive", b"host", b"content-length", b"transfer-encoding"})


def strip_hop_by_hop(headers: http.Headers) -> None:
    """Take out what is for this hop only, the fields that `Connection` lists among them. A WebSocket's upgrade stays."""
    fields = [(name.lower(), name, value) for name, value in headers.fields]  # one look at each: this runs twice a call
    if any(lower == b"upgrade" and b"websocket" in value.lower() for lower, _, value in fields):
        return
    listed = {option.strip().lower() for lower, _, value in fields if lower == b"connection" for option in value.split(b",")}
    ended = _HOP_BY_HOP | (listed - _LISTED_ANYWAY)
    headers.fields = tuple((name, value) for lower, name, value in fields if lower not in ended)


class BoundedBody(Http1Connection):
    """Reads a body without holding more than a piece of it; what breaks the framing goes to `body_broken`."""

    @override
    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        while True:
            try:
                part = self._part(event)
            except h11.ProtocolError as error:
                yield from self.body_broken(event, str(error))
                return
            if part is None:
                return
            if isinstance(part, h11.Data):
                if part.data:
                    yield ReceiveHttp(self.ReceiveData(self._id, bytes(part.data)))
                continue
            if self.request is not None and self.request.method.upper() != "CONNECT":
                yield ReceiveHttp(self.ReceiveEndOfMessage(self._id))
            of_request = self.conn is self.context.client
            yield from self.mark_done(request=of_request, response=not of_request)
            return

    def body_broken(self, event: events.Event, message: str) -> layer.CommandGenerator[None]:
        raise NotImplementedError

    @property
    def _id(self) -> int:
        return self.stream_id or 0

    def _part(self, event: events.Event) -> h11.Data | h11.EndOfMessage | None:
        if isinstance(event, events.ConnectionClosed):
            return self.body_reader.read_eof()
        part = self.body_reader(self.buf)
        if part is None and len(self.buf) > _MOST_HELD:
            raise h11.RemoteProtocolError("the head of a chunk, or the trailers, do not end")
        return part


class _Chunks(ChunkedReader):
    """Without the trailers: RFC 9110, 6.5.1, lets a recipient discard them, and mitmproxy can't pass them on."""

    @override
    def __call__(self, buf: ReceiveBuffer) -> h11.Data | h11.EndOfMessage | None:
        part = super().__call__(buf)
        return h11.EndOfMessage() if isinstance(part, h11.EndOfMessage) else part


def body_reader(size: int | None) -> TBodyReader:
    """`size` is None for chunks, -1 for all until the connection ends."""
    return _Chunks() if size is None else make_body_reader(size)
