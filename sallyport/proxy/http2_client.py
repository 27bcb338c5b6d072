"""The HTTP/2 side towards providers: a connection that is going away lets its streams end."""

from __future__ import annotations

from typing import override

import h2.connection
import h2.errors
import h2.events
from mitmproxy.proxy import layer
from mitmproxy.proxy.layers.http import ErrorCode, Http2Client, ReceiveHttp, ResponseProtocolError

GOING_AWAY = "the provider's connection is going away"


class GatewayHttp2Client(Http2Client):
    @override
    def handle_h2_event(self, event: h2.events.Event) -> layer.CommandGenerator[bool]:
        if isinstance(event, h2.events.ConnectionTerminated) and event.error_code == h2.errors.ErrorCodes.NO_ERROR:
            last = event.last_stream_id or 0
            if any(stream <= last for stream in self.streams):
                yield from self._let_finish(last)
                return False
        return (yield from super().handle_h2_event(event))

    def _let_finish(self, last: int) -> layer.CommandGenerator[None]:
        """RFC 9113, 6.8: streams up to the last it names are still served, none after it. The library knows no such state."""
        self.h2_conn.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
        self.conn.error = GOING_AWAY  # so that no other call is put on it
        for stream in [stream for stream in self.streams if stream > last]:
            del self.streams[stream]
            yield ReceiveHttp(ResponseProtocolError(stream, GOING_AWAY, ErrorCode.GENERIC_SERVER_ERROR))
