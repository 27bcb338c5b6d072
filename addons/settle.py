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

from addons.attempt import NO_FIRST_BYTE, Failure
from addons.charge import GIVEN_UP, charge
from addons.context import Call, call_of
from addons.metering import tap_for
from addons.refusal import FALL_BACK, Refusal, note, refuse
from addons.response_tap import ResponseTap
from addons.services import Services
from addons.sockets import Socket, SocketMessage
from addons.traced_content import TracedContent
from sallyport.spend.gate import StoreUnavailable

TIMED_OUT = "the provider was silent too long"
"""How `proxy` names a time-out in a flow's error."""
CLIENT_LEFT = "the client disconnected"
"""How `proxy` names a client's going in a flow's error."""
NOT_ALLOWED = "destination not allowed"
"""How `proxy` names a destination that is refused."""
_ERROR_NUMBER = re.compile(r"\[Errno -?\d+\] ")
_LONGEST_WAIT = 0.05


class Settle:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._traced = TracedContent(services.redactor)

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
        if record.attempt > 1:
            response.headers["x-gateway-attempts"] = str(record.attempt)
            response.headers["x-gateway-served-by"] = f"{record.provider}/{record.model}"
        outcome = {"outcome": "success" if response.status_code < 400 else "error", "provider": record.provider}
        response.headers["x-langsmith-gateway-metadata"] = orjson.dumps(outcome).decode()
        response.stream = tap_for(response, call)

    async def attempt_failed(self, flow: http.HTTPFlow, failure: Failure) -> None:
        """An attempt that is followed by another has its own end: what it cost is known before the next is admitted."""
        call = call_of(flow)
        if call is None or not failure.again:
            return
        call.record.outcome = "error"
        if failure.response:
            call.record.status, call.record.reason = failure.response.status_code, "provider_error"
        elif failure.message == NO_FIRST_BYTE:
            call.record.reason = GIVEN_UP
        else:
            call.record.reason = _unreachable(call.record.provider or "", failure.message).reason
        await self._finish(call)

    async def call_complete(self, flow: http.HTTPFlow) -> None:
        """The terminal event has been read and not yet been passed on."""
        call = call_of(flow)
        if call:
            _note_tap(flow, call)
            await asyncio.wait({asyncio.ensure_future(self._finish(call))}, timeout=_LONGEST_WAIT)

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
        _note_tap(flow, call)
        try:
            await self._finish(call)
        finally:
            self._services.calls.pop(call.record.id, None)

    async def socket_message(self, message: SocketMessage) -> None:
        """A turn is settled before its last message leaves."""
        call, turn, now = message.call, message.turn, time.perf_counter()
        if call is None:
            return
        if message.refused:
            if turn and turn.complete:  # made without being asked for: refused, and paid for
                call.sent = now
            await self._settle_turn(message, call)
        elif message.starts and message.from_client:
            call.sent = now
        elif turn and not message.from_client:
            call.sent = call.sent or now
            call.answered = call.first_byte = call.first_byte or now
            call.record.status = turn.status
            if turn.complete:
                await self._settle_turn(message, call)

    async def _settle_turn(self, message: SocketMessage, call: Call) -> None:
        message.settling = asyncio.ensure_future(self._finish_turn(message.socket, call))
        await asyncio.wait({message.settling}, timeout=_LONGEST_WAIT)

    async def socket_answered(self, message: SocketMessage) -> None:
        """Until now a worker that drains waits for this call."""
        if message.settling and message.call:
            try:
                await message.settling
            finally:
                self._services.calls.pop(message.call.record.id, None)

    async def socket_end(self, socket: Socket, reason: str) -> None:
        """Turns in flight are charged by what was seen of them. What a guard found in words that no turn read is recorded."""
        for call in list(socket.turns.values()):
            call.record.outcome = "aborted" if reason == CLIENT_LEFT else "error"
            call.record.reason = "client_disconnected" if reason == CLIENT_LEFT else "upstream_disconnected"
            await self._finish_turn(socket, call)
            self._services.calls.pop(call.record.id, None)
        if socket.draft and socket.draft.record.fired:
            await self._finish_turn(socket, socket.draft)

    async def _finish_turn(self, socket: Socket, call: Call) -> None:
        socket.turns = {turn: other for turn, other in socket.turns.items() if other is not call}
        if socket.draft is call:
            socket.draft = None
        await self._finish(call)

    async def _finish(self, call: Call) -> None:
        if call.settled:
            return
        call.settled = True
        self._close_record(call)
        await self._traced.note_outputs(call)
        if call.reserved:
            try:
                await self._services.spend.settle(call.record)
            except StoreUnavailable as error:
                self._services.unsettled.add(call.record, error)
        elif call.record.status == FALL_BACK:
            pass  # the client asks over HTTPS at once, and that call has its record
        elif call.key is not None or call.record.outcome == "blocked":
            self._services.unpublished.append(call.record)

    def _close_record(self, call: Call) -> None:
        record, now = call.record, time.perf_counter()
        record.duration_ms = (now - call.started) * 1000
        waited = (call.answered or now) - call.sent if call.sent else 0.0
        record.gateway_ms = max(0.0, ((call.sent or now) - call.started) * 1000)
        if call.first_byte is not None:
            record.first_token_ms = (call.first_byte - call.started) * 1000
        if record.outcome == "success" and record.status is not None and record.status >= 400:
            record.outcome, record.reason = "error", record.reason or "provider_error"
        if record.outcome == "success" and call.meter and call.meter.failed:  # within an answer that had begun well
            record.outcome, record.reason = "error", "provider_error"
        whole = call.form is None or call.reserved  # else its end was never sent
        if call.generates and call.sent is not None and waited >= 0 and whole:
            charge(call, self._services.output)


def _note_tap(flow: http.HTTPFlow, call: Call) -> None:
    tap = flow.response.stream if flow.response else None
    if isinstance(tap, ResponseTap):
        call.first_byte = tap.first_byte
        if tap.stopped and not call.stopped:
            call.stopped = True
            note(call.record, tap.stopped, call.record.status or 200)


def _unreachable(name: str, message: str) -> Refusal:
    if NOT_ALLOWED in message:
        return Refusal(403, "destination_forbidden", f"{message}. An administrator can allow it with --allow-destination.")
    if TIMED_OUT in message:
        return Refusal(504, "upstream_timeout", f"{name} did not answer in time", retry_after=1)
    why = _ERROR_NUMBER.sub("", message)[:200]
    return Refusal(502, "upstream_unreachable", f"{name} could not be reached by the gateway: {why}", retry_after=1)
