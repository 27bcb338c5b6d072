"""A form on its way: what is text in it is looked at before it leaves, and its end leaves when the call is admitted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import override

from mitmproxy.proxy import layer
from mitmproxy.proxy.layers.http import (
    ErrorCode,
    HttpRequestHook,
    RequestData,
    RequestEndOfMessage,
    RequestProtocolError,
    SendHttp,
)

from addons.context import call_of
from addons.form import FormText
from addons.multipart import FormError
from addons.refusal import Refusal, refuse
from sallyport.proxy.hooks import FormTextHook
from sallyport.proxy.http_answer import AnswerStream


class FormStream(AnswerStream):
    @override
    def state_stream_request_body(self, event: RequestData | RequestEndOfMessage) -> layer.CommandGenerator[None]:
        call = call_of(self.flow)
        if call is None or call.form is None:
            yield from super().state_stream_request_body(event)
            return
        answered = self.flow.response
        try:
            if isinstance(event, RequestData):
                yield from self._pass_on(call.form.feed(event.data))
            else:
                yield from self._finish(call.form.end())
        except FormError as error:
            refuse(self.flow, Refusal(400, "malformed", f"the form is malformed: {error}"))
        if self.flow.response is not answered and self.client_state == self.state_stream_request_body:
            call.sent = None  # what went out is no request: its end is missing
            yield SendHttp(RequestProtocolError(self.stream_id, "refused", ErrorCode.CANCEL), self.context.server)
            yield from self.answer_early()
            if isinstance(event, RequestEndOfMessage):
                yield from self.state_discard_request_body(event)

    def answer_early(self, *, close: bool = False) -> layer.CommandGenerator[None]:
        """Send `flow.response` now, before the request body is complete."""
        raise NotImplementedError

    def state_discard_request_body(self, event: RequestData | RequestEndOfMessage) -> layer.CommandGenerator[None]:
        """What still comes of the request is for nobody."""
        raise NotImplementedError

    def _pass_on(self, pieces: Iterator[bytes | FormText]) -> layer.CommandGenerator[None]:
        answered = self.flow.response
        for piece in pieces:
            if isinstance(piece, FormText):
                yield FormTextHook(self.flow, piece)
                if self.flow.response is not answered or (yield from self.check_killed(True)):
                    return
            elif piece:
                yield SendHttp(RequestData(self.stream_id, piece), self.context.server)

    def _finish(self, tail: bytes) -> layer.CommandGenerator[None]:
        answered = self.flow.response
        self.flow.request.timestamp_end = time.time()
        yield HttpRequestHook(self.flow)
        if self.flow.response is not answered or (yield from self.check_killed(True)):
            return
        yield SendHttp(RequestData(self.stream_id, tail), self.context.server)
        self.client_state = self.state_done
        yield SendHttp(RequestEndOfMessage(self.stream_id), self.context.server)
        if self.server_state == self.state_done:
            yield from self.flow_done()
