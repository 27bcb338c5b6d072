"""The HTTP/2 side towards providers: one that is going away lets its streams end, and says which it never began.

mitmproxy numbers a client's stream once for the whole connection; here one that was broken off may come again, by a new number.
"""

from __future__ import annotations

from typing import override

import h2.connection
import h2.errors
import h2.events
from mitmproxy.proxy import events, layer
from mitmproxy.proxy.layers.http import ErrorCode, Http2Client, ReceiveHttp, RequestProtocolError, ResponseProtocolError

from sallyport.proxy.http2_pacing import PacedHttp2

GOING_AWAY = "the provider's connection is going away"


class Unprocessed(ResponseProtocolError):
    """The provider says that it has not begun on the request (RFC 9113, 8.7): it may be sent again, whatever it is."""


class GatewayHttp2Client(PacedHttp2, Http2Client):
    @override
    def _ours(self, stream_id: int) -> int:
        return self.our_stream_id.get(stream_id, 0)

    @override
    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if not isinstance(event, RequestProtocolError):
            yield from super()._handle_event(event)
            return
        theirs = event.stream_id
        if self.stream_queue.pop(theirs, None) is None and theirs in self.our_stream_id:  # else nothing was sent of it
            yield from super()._handle_event(event)
        self.streams.pop(self.our_stream_id.pop(theirs, 0), None)

    @override
    def handle_h2_event(self, event: h2.events.Event) -> layer.CommandGenerator[bool]:
        if isinstance(event, h2.events.ConnectionTerminated):
            last = event.last_stream_id or 0
            self.conn.error = GOING_AWAY  # so that no other call is put on it
            yield from self._give_back([stream for stream in self.streams if stream > last])
            if self.streams and event.error_code == h2.errors.ErrorCodes.NO_ERROR:
                # RFC 9113, 6.8: streams up to the last it names are still served; the library knows no such state
                self.h2_conn.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
                return False
        elif isinstance(event, h2.events.StreamReset) and event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM:
            yield from self._give_back([stream for stream in self.streams if stream == event.stream_id])
        return (yield from super().handle_h2_event(event))

    def _give_back(self, streams: list[int]) -> layer.CommandGenerator[None]:
        for stream in streams:
            del self.streams[stream]
            yield ReceiveHttp(Unprocessed(stream, GOING_AWAY, ErrorCode.GENERIC_SERVER_ERROR))
