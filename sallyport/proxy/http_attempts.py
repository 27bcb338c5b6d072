"""A request goes out again where its provider can't have acted on it, or where the pipeline has somewhere else to go.

Only requests that are held back whole are sent again, and only while nothing of an answer has gone to the client. What the
attempt before still says is for nobody: its exchange is broken off, and what of it has come already is dropped.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import override

from mitmproxy.connection import Connection, Server
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    ErrorCode,
    GetHttpConnection,
    HttpLayer,
    HttpResponseHeadersHook,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
    ResponseTrailers,
    SendHttp,
)

from addons.attempt import NO_FIRST_BYTE, Failure
from addons.context import call_of
from addons.settle import TIMED_OUT
from sallyport.proxy import backlog
from sallyport.proxy.hooks import AttemptFailedHook, AttemptHook
from sallyport.proxy.http2_client import Unprocessed
from sallyport.proxy.http2_pacing import Room, Wait, paced
from sallyport.proxy.http_upgrade import UpgradeStream

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""RFC 9110, 9.2.2: a proxy may repeat these of itself, and no others."""
_OF_AN_ANSWER = (ResponseHeaders, ResponseData, ResponseTrailers, ResponseEndOfMessage, ResponseProtocolError)


class AttemptStream(UpgradeStream):
    def __init__(self, context: Context, stream_id: int) -> None:
        super().__init__(context, stream_id)
        self._whole = False
        """The request was held back until it was whole: it can be sent again."""
        self._repeated = False
        self._reused = False
        """The connection had carried another request before."""
        self._timer: commands.RequestWakeup | None = None

    @override
    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Wakeup):
            yield from self._no_first_byte(event)
        elif isinstance(event, Room):
            client, server = self.context.client, self.context.server
            yield from self._pace(event, server if event.at is client else client)
        else:
            yield from super()._handle_event(event)
            if isinstance(event, ResponseData):
                yield from self._hold_back(self.context.server, self.context.client)
            elif isinstance(event, RequestData):
                yield from self._hold_back(self.context.client, self.context.server)

    def _hold_back(self, source: Connection, target: Connection) -> layer.CommandGenerator[None]:
        other = paced(target)
        if other and other.full(self.stream_id):
            yield from self._pace(Wait(self.stream_id), source)

    def _pace(self, event: Wait | Room, source: Connection) -> layer.CommandGenerator[None]:
        if paced(source) and source in self._parent.connections:
            yield SendHttp(event, source)

    @override
    def state_consume_request_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        self._whole = isinstance(event, RequestEndOfMessage)
        yield from super().state_consume_request_body(event)
        if self._whole and self._unanswered and self._timer is None:
            yield from self._wait_for_first_byte()

    @override
    def state_wait_for_response_headers(self, event: ResponseHeaders) -> layer.CommandGenerator[None]:
        failed = event.response.status_code >= 400 and self._whole
        if not failed or not (yield from self._go_elsewhere(Failure(response=event.response))):
            yield from super().state_wait_for_response_headers(event)

    @override
    def make_server_connection(self) -> layer.CommandGenerator[bool]:
        request, server = self.flow.request, self.flow.server_conn
        asked = time.time()
        connection, error = yield _GetConnection(
            (request.host, request.port),
            request.scheme == "https",
            server.via,
            server.transport_protocol,
            avoided=self.context.server if self._repeated else None,
        )
        if error:
            yield from self.handle_protocol_error(ResponseProtocolError(self.stream_id, error, ErrorCode.CONNECT_FAILED))
            return False
        if (yield from self.check_killed(True)):  # the client left meanwhile
            return False
        self.context.server = self.flow.server_conn = connection
        self._reused = (connection.timestamp_start or 0) < asked
        backlog.tie(self.context.client, connection, self.stream_id)
        backlog.tie(connection, self.context.client, self.stream_id)
        return True

    def try_again(self, event: ResponseProtocolError) -> layer.CommandGenerator[bool]:
        """After a failure before an answer: whether another attempt is under way."""
        if not self._whole:
            return False
        lost = self._reused and self.flow.request.method.upper() in _IDEMPOTENT and self.context.server.error != TIMED_OUT
        if not self._repeated and (isinstance(event, Unprocessed) or lost):
            self._repeated = True
            yield from self._send()
            return True
        return (yield from self._go_elsewhere(Failure(message=self.failure_message(event))))

    def failure_message(self, event: ResponseProtocolError) -> str:
        """What ended a connection before its time is left on it (see `connection`)."""
        return (event.code is not ErrorCode.CONNECT_FAILED and self.context.server.error) or event.message

    def _go_elsewhere(self, failure: Failure) -> layer.CommandGenerator[bool]:
        """Whether the pipeline has somewhere else to go; the call is then on its way there, or refused."""
        call = call_of(self.flow)
        if call is None:
            return False
        yield AttemptFailedHook(self.flow, failure)
        if not failure.again:
            return False
        yield from self._break_off()
        if (yield from self.check_killed(True)):
            return True
        self._repeated = False
        yield AttemptHook(self.flow, failure)
        if (yield from self.check_killed(True)):
            return True
        if self.flow.response:
            self.flow.response.timestamp_start = time.time()
            yield HttpResponseHeadersHook(self.flow)
            yield from self.send_response()
        else:
            yield from self._send()
        return True

    def _break_off(self) -> layer.CommandGenerator[None]:
        server = self.context.server
        if server in self._parent.connections:
            yield SendHttp(RequestProtocolError(self.stream_id, "another attempt is made", ErrorCode.CANCEL), server)
        self._timer = None
        kept = [event for event in self._paused_event_queue if not isinstance(event, _OF_AN_ANSWER)]
        self._paused_event_queue.clear()
        self._paused_event_queue.extend(kept)
        self.context.server = self.flow.server_conn = Server(
            address=None, via=server.via, transport_protocol=server.transport_protocol
        )

    def _send(self) -> layer.CommandGenerator[None]:
        if not (yield from self.make_server_connection()):
            return
        request, server = self.flow.request, self.context.server
        content = request.raw_content
        yield SendHttp(RequestHeaders(self.stream_id, request, not content), server)
        if content:
            yield SendHttp(RequestData(self.stream_id, content), server)
        yield SendHttp(RequestEndOfMessage(self.stream_id), server)
        yield from self._wait_for_first_byte()

    def _wait_for_first_byte(self) -> layer.CommandGenerator[None]:
        call = call_of(self.flow)
        if call and call.first_byte_timeout is not None:
            self._timer = commands.RequestWakeup(call.first_byte_timeout)
            yield self._timer

    def _no_first_byte(self, event: events.Wakeup) -> layer.CommandGenerator[None]:
        """Where there is nowhere else to go, it is waited on."""
        if event.command is self._timer and self._unanswered:
            yield from self._go_elsewhere(Failure(message=NO_FIRST_BYTE))

    @property
    def _unanswered(self) -> bool:
        waiting = self.server_state == self.state_wait_for_response_headers
        return waiting and self.client_state == self.state_done and not self.flow.response

    @property
    def _parent(self) -> HttpLayer:
        parent = self.context.layers[self.context.layers.index(self) - 1]
        if not isinstance(parent, HttpLayer):
            raise TypeError(parent)
        return parent


@dataclass(eq=False)
class _GetConnection(GetHttpConnection):
    """A connection that failed is not asked again: the provider may be back."""

    avoided: Connection | None = None

    @override
    def connection_spec_matches(self, connection: Connection) -> bool:
        return connection is not self.avoided and not connection.error and super().connection_spec_matches(connection)
