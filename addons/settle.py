"""Meters the answer as it streams by; when the call ends, however it ends, its actual cost replaces the reservation.

The last event of a stream leaves after its settle (waiting at most 50 ms), so that whoever has seen the end of a call can see
its cost. Every call leaves here exactly one record.
"""

from __future__ import annotations

import asyncio
import re
import time

import orjson
from mitmproxy import http

from addons.charge import charge
from addons.context import Call, call_of
from addons.refusal import Refusal, refuse
from addons.response_tap import ResponseTap
from addons.route import WEBSOCKET_UNSUPPORTED
from addons.services import Services
from sallyport.spend.gate import StoreUnavailable

TIMED_OUT = "the provider was silent too long"
"""How `proxy` names a time-out in a flow's error."""
CLIENT_LEFT = "the client disconnected"
"""How `proxy` names a client's going in a flow's error."""
NOT_ALLOWED = "destination not allowed"
"""How `proxy` names a destination that is refused."""
_ERROR_NUMBER = re.compile(r"\[Errno -?\d+\] ")
_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")
_LONGEST_WAIT = 0.05


class Settle:
    def __init__(self, services: Services) -> None:
        self._services = services

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Stream the answer, with our headers on it."""
        response, call = flow.response, call_of(flow)
        if response is None:
            return
        if call is None:
            response.stream = True
            return
        if call.sent is None:  # our own answer
            return
        call.answered = time.perf_counter()
        record = call.record
        record.status = response.status_code
        response.headers["x-gateway-request-id"] = record.id
        outcome = {"outcome": "success" if response.status_code < 400 else "error", "provider": record.provider}
        response.headers["x-langsmith-gateway-metadata"] = orjson.dumps(outcome).decode()
        wire = call.operation.wire if call.operation else None
        events = response.headers.get("content-type", "").partition(";")[0].strip().lower() in _STREAMS
        if wire and not response.headers.get("content-encoding"):
            headers = {name.lower(): value for name, value in response.headers.items()}
            call.meter = wire.meter(status=response.status_code, headers=headers, prepared=call.prepared)
            if call.prepared and events:  # one of them may be taken out
                response.headers.pop("content-length", None)
        length = response.headers.get("content-length", "")
        known = int(length) if length.isascii() and length.isdigit() else None
        response.stream = ResponseTap(call.meter, known, events=events)

    async def call_complete(self, flow: http.HTTPFlow) -> None:
        """The terminal event has been read and not yet been passed on."""
        call = call_of(flow)
        if call:
            await asyncio.wait({asyncio.ensure_future(self._finish(flow, call))}, timeout=_LONGEST_WAIT)

    async def response(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if call:
            await self._end(flow, call)

    async def error(self, flow: http.HTTPFlow) -> None:
        """The client hung up, or the provider did; before an answer began, we give one."""
        call = call_of(flow)
        message = flow.error.msg if flow.error else "connection lost"
        client_left = message == CLIENT_LEFT or not flow.client_conn.connected
        if flow.response is None and not client_left:
            refuse(flow, _unreachable(call.provider.name if call and call.provider else flow.request.host, message))
        elif call and not call.settled:
            call.record.outcome = "aborted" if client_left else "error"
            call.record.reason = "client_disconnected" if client_left else "upstream_disconnected"
        if call:
            if flow.server_conn.timestamp_start is None:  # the client left before the provider was reached: nothing is owed
                call.sent = None
            await self._end(flow, call)

    async def _end(self, flow: http.HTTPFlow, call: Call) -> None:
        """Only now is all of the answer on its way: until then a worker that drains waits for this call, settled or not."""
        try:
            await self._finish(flow, call)
        finally:
            self._services.calls.pop(call.record.id, None)

    async def _finish(self, flow: http.HTTPFlow, call: Call) -> None:
        if call.settled:
            return
        call.settled = True
        self._close_record(flow, call)
        if call.reserved:
            try:
                await self._services.spend.settle(call.record)
            except StoreUnavailable:
                self._services.unsettled[call.record.id] = call.record
        elif call.record.reason == WEBSOCKET_UNSUPPORTED:
            pass  # no refusal of the caller: the client tries HTTPS at once, and that call has its record
        elif call.key is not None or call.record.outcome == "blocked":
            self._services.unpublished.append(call.record)

    def _close_record(self, flow: http.HTTPFlow, call: Call) -> None:
        record, now = call.record, time.perf_counter()
        record.duration_ms = (now - call.started) * 1000
        waited = (call.answered or now) - call.sent if call.sent else 0.0
        record.gateway_ms = max(0.0, ((call.sent or now) - call.started) * 1000)
        tap = flow.response.stream if flow.response else None
        if isinstance(tap, ResponseTap) and tap.first_byte is not None:
            record.first_token_ms = (tap.first_byte - call.started) * 1000
        if record.outcome == "success" and record.status is not None and record.status >= 400:
            record.outcome, record.reason = "error", record.reason or "provider_error"
        if call.generates and call.sent is not None and waited >= 0:
            charge(call, self._services.output)


def _unreachable(name: str, message: str) -> Refusal:
    if NOT_ALLOWED in message:
        return Refusal(403, "destination_forbidden", f"{message}. An administrator can allow it with --allow-destination.")
    if TIMED_OUT in message:
        return Refusal(504, "upstream_timeout", f"{name} did not answer in time", retry_after=1)
    why = _ERROR_NUMBER.sub("", message)[:200]
    return Refusal(502, "upstream_unreachable", f"{name} could not be reached by the gateway: {why}", retry_after=1)
