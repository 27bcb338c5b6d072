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

from addons.context import Call, call_of
from addons.refusal import Refusal, refuse
from addons.response_tap import ResponseTap
from addons.route import WEBSOCKET_UNSUPPORTED
from addons.services import Services
from sallyport.providers.base import Usage
from sallyport.spend.gate import StoreUnavailable
from sallyport.spend.prices import price

TIMED_OUT = "the provider was silent too long"
"""How `proxy` names a time-out in a flow's error."""
CLIENT_LEFT = "the client disconnected"
"""How `proxy` names a client's going in a flow's error."""
NOT_ALLOWED = "destination not allowed"
"""How `proxy` names a destination that is refused."""
_ERROR_NUMBER = re.compile(r"\[Errno -?\d+\] ")
_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")
_CHARS_PER_TOKEN = 4
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
            self._charge(call)

    def _charge(self, call: Call) -> None:
        record, meter = call.record, call.meter
        usage = meter.usage if meter else None
        if usage is None:
            usage = self._estimate(call)
            if usage is None:
                return
            record.estimated = True
        record.input_tokens, record.output_tokens = usage.input_tokens, usage.output_tokens
        record.cache_read_tokens, record.cache_write_tokens = usage.cache_read_tokens, usage.cache_write_tokens
        record.reasoning_tokens = usage.reasoning_tokens
        provider = record.provider or ""
        cost = price(provider, record.model or "", usage, at=record.started_at)
        if cost.unpriced and meter and meter.model and meter.model != record.model:
            cost = price(provider, meter.model, usage, at=record.started_at)
        record.cost_nano, record.unpriced = cost.cost_nano, cost.unpriced
        if not record.estimated:
            self._services.output.observe(record.api_key_id or "", record.model or "", usage.output_tokens)

    def _estimate(self, call: Call) -> Usage | None:
        """What the provider will bill for an answer that did not say: None for errors, which no provider bills."""
        record, meter = call.record, call.meter
        if record.status is not None and record.status >= 400:
            return None
        if meter is None:
            answered_or_left = record.status is not None or record.outcome == "aborted"
            return Usage(call.expected_input_tokens, call.expected_output_tokens) if answered_or_left else None
        partial = meter.partial or Usage(input_tokens=call.expected_input_tokens)
        output = max(partial.output_tokens, -(-meter.output_chars // _CHARS_PER_TOKEN))
        if record.outcome == "success":  # it ended in form: whatever it was, it was not nothing
            output = output or call.expected_output_tokens
        partial.output_tokens = output
        return partial


def _unreachable(name: str, message: str) -> Refusal:
    if NOT_ALLOWED in message:
        return Refusal(403, "destination_forbidden", f"{message}. An administrator can allow it with --allow-destination.")
    if TIMED_OUT in message:
        return Refusal(504, "upstream_timeout", f"{name} did not answer in time", retry_after=1)
    why = _ERROR_NUMBER.sub("", message)[:200]
    return Refusal(502, "upstream_unreachable", f"{name} could not be reached by the gateway: {why}", retry_after=1)
