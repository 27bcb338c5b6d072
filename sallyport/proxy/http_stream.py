"""One request and its answer: mitmproxy's stream with what a gateway does differently.

- a refusal made on the head is sent at once, and the rest of the body is drained;
- buffered bodies are bounded;
- a provider that can't be reached is answered by our error, in the provider's shape (unless there is another attempt);
- a client that breaks its own request is told so.
"""

from __future__ import annotations

import re
import time

from mitmproxy import flow as mitmproxy_flow
from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    ErrorCode,
    HttpErrorHook,
    HTTPMode,
    HttpRequestHeadersHook,
    HttpResponseHeadersHook,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    RequestTrailers,
    ResponseHeaders,
    ResponseProtocolError,
    SendHttp,
)

from addons.refusal import Refusal, refuse
from addons.route import ORIGIN_FORM
from addons.settle import CLIENT_LEFT
from sallyport.proxy.hooks import RequestTooLargeHook
from sallyport.proxy.http_form import FormStream
from sallyport.proxy.http_head import TOO_MANY_FIELDS, head_problem
from sallyport.proxy.patience import TOO_SLOW
from sallyport.settings import Settings

_DRAIN_LIMIT = 64 * 1024 * 1024


class GatewayHttpStream(FormStream):
    def __init__(self, context: Context, stream_id: int, settings: Settings) -> None:
        super().__init__(context, stream_id)
        self._settings = settings
        self._discarded = 0

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        """Without the trailers of a request: no addon looks at them, and a credential may stand there."""
        if not isinstance(event, RequestTrailers):
            yield from super()._handle_event(event)

    def state_wait_for_request_headers(self, event: RequestHeaders) -> layer.CommandGenerator[None]:
        self.flow = http.HTTPFlow(self.context.client, self.context.server)
        self.flow.request = request = event.request
        self.flow.live = True
        problem = head_problem(request, self._settings.max_head_fields)
        if problem is None and request.method != "CONNECT":
            problem = self._find_destination()
        if problem is None and request.method == "CONNECT":
            if self.mode is HTTPMode.regular:
                yield from self.handle_connect()
                return
            problem = "CONNECT inside a tunnel"
        if problem is not None:
            status = 431 if problem is TOO_MANY_FIELDS else 400
            refuse(self.flow, Refusal(status, "malformed", f"the request is malformed: {problem}"))
            yield from self.answer_early(close=True)
            return
        yield HttpRequestHeadersHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        expects = request.headers.get("expect", "").lower() == "100-continue"
        if self.flow.response:
            yield from self.answer_early(close=expects)
            return
        if expects:
            proceed = http.Response.make(100)
            proceed.headers.clear()
            yield SendHttp(ResponseHeaders(self.stream_id, proceed), self.context.client)
            request.headers.pop("expect")
        self.server_state = self.state_wait_for_response_headers
        if request.stream and not event.end_stream:
            yield from self.start_request_stream()
        else:
            self.client_state = self.state_consume_request_body

    def _find_destination(self) -> str | None:
        """Fill in scheme, host and port where the request line does not name them; returns what is wrong."""
        request = self.flow.request
        if self.mode is HTTPMode.transparent:
            address = self.context.server.address
            if address is None:
                return "its destination is unknown"
            request.data.host, request.data.port = address[0], address[1]
            request.scheme = "https" if self.context.client.tls else "http"
        elif not request.host:
            self.flow.metadata[ORIGIN_FORM] = True
            host = request.host_header or ""
            request.data.host = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
            request.data.port = 443 if self.context.client.tls else 80
            request.scheme = "https" if self.context.client.tls else "http"
        if self.mode is not HTTPMode.upstream and not request.is_http2:
            if request.authority and self.mode is HTTPMode.regular:
                request.host_header = request.authority  # RFC 9112, 3.2.2: what the request line says is what counts
            request.authority = ""  # origin-form towards the provider
        return None

    def start_request_stream(self) -> layer.CommandGenerator[None]:
        ok = yield from self.make_server_connection()
        if not ok:
            if not self.flow.response:
                self.client_state = self.state_errored
            return
        yield SendHttp(RequestHeaders(self.stream_id, self.flow.request, end_stream=False), self.context.server)
        self.client_state = self.state_stream_request_body

    def state_consume_request_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, RequestData) and len(self.request_body_buf) + len(event.data) > self._settings.max_body_bytes:
            self.request_body_buf.clear()
            yield RequestTooLargeHook(self.flow)
            yield from self.answer_early()
            return
        yield from super().state_consume_request_body(event)

    def answer_early(self, *, close: bool = False) -> layer.CommandGenerator[None]:
        response = self.flow.response
        if response is None:
            return
        self.client_state = self.state_discard_request_body
        response.timestamp_start = time.time()
        if close and not self.flow.request.is_http2:
            response.headers["connection"] = "close"
        yield HttpResponseHeadersHook(self.flow)
        yield from self.send_response()
        if close and not self.flow.request.is_http2:
            self.client_state = self.state_errored
            yield from self.flow_done()

    def state_discard_request_body(self, event: RequestData | RequestEndOfMessage) -> layer.CommandGenerator[None]:
        """Simple clients read the answer only after they have sent all; so let them, up to a bound."""
        if isinstance(event, RequestData):
            self._discarded += len(event.data)
            if self._discarded > _DRAIN_LIMIT:
                yield commands.CloseConnection(self.context.client)
        else:
            self.client_state = self.state_done
            if self.server_state == self.state_done:
                yield from self.flow_done()

    def check_invalid(self, request: bool) -> layer.CommandGenerator[bool]:
        """Heads are judged where they are read: requests' above, answers' in `http_client` and in the HTTP/2 library."""
        yield from ()
        return False

    def check_killed(self, emit_error_hook: bool) -> layer.CommandGenerator[bool]:
        """mitmproxy's, but for a body that is broken: its sender is still there to be told."""
        waiting = (event for event in self._paused_event_queue if isinstance(event, RequestProtocolError))
        if any(event.code is not ErrorCode.REQUEST_VALIDATION_FAILED for event in waiting):
            self.flow.error = self.flow.error or mitmproxy_flow.Error(CLIENT_LEFT)
        elif not (self.flow.error and self.flow.error.msg == mitmproxy_flow.Error.KILLED_MESSAGE):
            return False
        if emit_error_hook:
            yield HttpErrorHook(self.flow)
        yield SendHttp(ResponseProtocolError(self.stream_id, "killed", ErrorCode.KILL), self.context.client)
        self.flow.live = False
        self.client_state = self.server_state = self.state_errored
        return True

    def _reject(self, event: RequestProtocolError) -> layer.CommandGenerator[None]:
        """The rest of a request can't be read: the provider's copy is broken off, and the client told if it is not too late."""
        if self.flow.response is None and self.client_state != self.state_errored:
            if self.client_state == self.state_stream_request_body:
                yield SendHttp(event, self.context.server)
            if self.context.client.error == TOO_SLOW:
                refuse(self.flow, Refusal(408, "slow_body", "the request body did not come in time"))
            else:
                refuse(self.flow, Refusal(400, "malformed", f"the request body is malformed: {event.message}"))
            yield from self.answer_early(close=True)
        else:
            yield from super().handle_protocol_error(event)
            yield commands.CloseConnection(self.context.client)

    def handle_protocol_error(self, event: RequestProtocolError | ResponseProtocolError) -> layer.CommandGenerator[None]:
        if isinstance(event, RequestProtocolError):
            if event.code is ErrorCode.REQUEST_VALIDATION_FAILED:
                yield from self._reject(event)
                return
            event.message = CLIENT_LEFT
        else:
            event.message = event.message.replace("stream reset by client", "it reset the stream")  # mitmproxy says so of both
        unanswered = self.server_state in (self.state_uninitialized, self.state_wait_for_response_headers)
        if (
            isinstance(event, ResponseProtocolError)
            and unanswered
            and self.client_state != self.state_errored
            and not self.flow.response
        ):
            if (yield from self.try_again(event)):
                return
            self.flow.error = mitmproxy_flow.Error(self.failure_message(event))
            yield HttpErrorHook(self.flow)
            if self.flow.response:
                self.flow.error = None
                if self.client_state != self.state_done:
                    self.client_state = self.state_discard_request_body
                yield from self.send_response()
                return
            event = ResponseProtocolError(self.stream_id, event.message, ErrorCode.KILL)
        yield from super().handle_protocol_error(event)
