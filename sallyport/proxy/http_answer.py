"""The answer as it streams by: its call is settled before its last event leaves, and it ends in form or is cut."""

from __future__ import annotations

from mitmproxy.proxy import events, layer
from mitmproxy.proxy.layers.http import (
    ErrorCode,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseProtocolError,
    ResponseTrailers,
    SendHttp,
)

from addons.context import call_of
from addons.response_tap import ResponseTap
from addons.top_up import overdrawn
from sallyport.proxy.hooks import CallCompleteHook, StreamOverdrawnHook
from sallyport.proxy.http_attempts import AttemptStream


class AnswerStream(AttemptStream):
    def state_stream_response_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        tap = self.flow.response.stream if self.flow.response else None
        if not isinstance(tap, ResponseTap) or isinstance(event, ResponseTrailers):
            yield from super().state_stream_response_body(event)
            return
        data = tap(event.data if isinstance(event, ResponseData) else b"")
        call = call_of(self.flow)
        ended = isinstance(event, ResponseEndOfMessage)
        if call and not ended:
            if not tap.complete and overdrawn(call):  # one that is whole is settled now
                yield StreamOverdrawnHook(self.flow)
            data = tap.until_stopped(data)
        cut = ended and tap.cut
        if call and not call.settled and (ended or tap.complete) and not cut:
            yield CallCompleteHook(self.flow)
        if data:
            yield SendHttp(ResponseData(self.stream_id, data), self.context.client)
        if cut:
            message = "the stream ended without its last event"
            yield from self.handle_protocol_error(ResponseProtocolError(self.stream_id, message, ErrorCode.GENERIC_SERVER_ERROR))
        elif tap.stopped:
            yield SendHttp(RequestProtocolError(self.stream_id, "stopped", ErrorCode.CANCEL), self.context.server)
            yield from self.send_response(already_streamed=True)
            self.server_state = self.state_errored  # what the provider had sent already is for nobody
        elif ended:
            yield from self.send_response(already_streamed=True)

    def send_response(self, already_streamed: bool = False) -> layer.CommandGenerator[None]:
        yield from super().send_response(already_streamed)
        if self.server_state == self.state_done and self.client_state == self.state_stream_request_body:
            # the provider has said all; what the client still sends is for nobody
            self.client_state = self.state_errored
            yield SendHttp(RequestProtocolError(self.stream_id, "answered before", ErrorCode.CANCEL), self.context.server)
            yield from self.flow_done()
        elif self.flow.request.is_http2 and self.client_state not in (self.state_done, self.state_errored):
            # RFC 9113, 8.1: refused, a client may send no more of its request, and wait for the answer's end (Go's does)
            yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)
