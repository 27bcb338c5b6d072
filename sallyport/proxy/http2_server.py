"""The HTTP/2 side towards clients: what breaks the protocol is counted, and a client that is too slow is told so and let go."""

from __future__ import annotations

from typing import override

import h2.errors
from h2.connection import ConnectionState
from h2.stream import H2Stream, StreamState
from mitmproxy.proxy import events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import Http2Server

from sallyport.proxy import patience
from sallyport.proxy.http2_pacing import PacedHttp2
from sallyport.proxy.patience import TOO_SLOW, Phase
from sallyport.tracing import rejections

_MOST_HELD = 256 * 1024
"""Bytes of a frame; half of it is allowed, and the library looks only once the frame is whole."""


class GatewayHttp2Server(PacedHttp2, Http2Server):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        patience.tell(context.client, self._phase)

    def _phase(self) -> Phase:
        """A connection on which one request is complete is at work, whatever the others do."""
        open_streams = [stream for number in self.streams if (stream := self.h2_conn.streams.get(number)) is not None]
        if not open_streams:
            frames = self.h2_conn.incoming_buffer
            return Phase.HEAD if frames._data or frames._headers_buffer else Phase.IDLE  # pyright: ignore[reportPrivateUsage]
        return Phase.BODY if all(map(_owes_body, open_streams)) else Phase.BUSY

    @override
    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.ConnectionClosed) and self.conn.error == TOO_SLOW:
            yield from super().protocol_error(TOO_SLOW, h2.errors.ErrorCodes.ENHANCE_YOUR_CALM)
            return
        yield from super()._handle_event(event)
        held = len(self.h2_conn.incoming_buffer._data)  # pyright: ignore[reportPrivateUsage]
        if held > _MOST_HELD and self.h2_conn.state_machine.state is not ConnectionState.CLOSED:
            yield from self.protocol_error("a frame is too large", h2.errors.ErrorCodes.FRAME_SIZE_ERROR)

    @override
    def protocol_error(self, message: str, error_code: int = h2.errors.ErrorCodes.PROTOCOL_ERROR) -> layer.CommandGenerator[None]:
        rejections.count("malformed")
        yield from super().protocol_error(message, error_code)


def _owes_body(stream: H2Stream) -> bool:
    """Its request is not complete, and no answer is on its way."""
    machine = stream.state_machine
    return machine.state is StreamState.HALF_CLOSED_LOCAL or (machine.state is StreamState.OPEN and not machine.headers_sent)
