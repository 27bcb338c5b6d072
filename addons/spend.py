"""Takes the call's expected cost from every matching budget, in one atomic round trip, at the last moment before sending.

A call without any policy is reserved too: its worker may die, and its cost must not be lost with it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import orjson
from mitmproxy import http

from addons.attempt import Failure
from addons.content import replace_body
from addons.context import Call, call_of
from addons.refusal import Refusal, policy_message, refuse, refuse_message
from addons.services import Services
from addons.sockets import SocketMessage
from addons.splice import spliced
from addons.turned_away import TurnedAway
from policies.holding import Holding
from policies.spend_cap import Cap
from sallyport.providers.base import WireFormat
from sallyport.providers.usage import Usage
from sallyport.spend.admission import Block
from sallyport.spend.elsewhere import names_more
from sallyport.spend.estimate import input_tokens, most_input_tokens, most_output_tokens
from sallyport.spend.gate import StoreUnavailable
from sallyport.spend.prices import context_window, most, price

_SOON = 7200
"""Seconds; what is further off is told by its time."""


class Spend:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._turned_away = TurnedAway()
        self._holding = Holding()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Who keeps knocking while a limit is known to hold is turned away before the body is read, without asking Redis."""
        call = call_of(flow)
        if flow.response or call is None or call.subject is None or call.record.passthrough:
            return
        if call.operation and call.operation.uncounted:
            call.record.unpriced = True
            refusal = _uncounted(self._holding.of(call.snapshot.policies, call.subject)[0])
            if refusal:
                refuse(flow, refusal)
        if call.generates or call.opens_socket:
            refusal = self._still_blocked(call)
            if refusal:
                refuse(flow, refusal)

    async def request(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if flow.response or call is None or call.operation is None or call.subject is None:
            return
        # prepared for this attempt alone: another provider may want it otherwise
        body, wire = dict(call.body or {}), call.operation.wire
        call.prepared = wire is not None and wire.prepare(body)
        if call.held_back and (call.prepared or call.body_changed):
            replace_body(flow.request, spliced(flow.request.raw_content or b"", body, strings=call.body_changed))
        if wire is None:
            return
        said = orjson.dumps(call.form.fields) if call.form else flow.request.raw_content or b""
        refusal = await self._admit(call, wire, said)
        if refusal:
            refuse(flow, refusal)

    async def attempt(self, flow: http.HTTPFlow, failure: Failure) -> None:
        await self.request(flow)

    async def socket_message(self, message: SocketMessage) -> None:
        call = message.call
        if not message.starts or call is None or call.operation is None or call.operation.wire is None:
            return
        said = message.content if message.from_client else b""
        refusal = None
        if not message.refused:
            refusal = self._still_blocked(call) or await self._admit(call, call.operation.wire, said)
        if refusal:
            refuse_message(message, refusal)
        if message.refused and message.turn and message.turn.complete:
            await self._admit(call, call.operation.wire, said, limited=False)

    def _still_blocked(self, call: Call) -> Refusal | None:
        blocked = self._turned_away.find(call.subject, call.snapshot) if call.subject and not call.record.passthrough else ()
        if not blocked:
            return None
        call.record.matched.extend(block.policy for block in blocked)
        return spend_refusal(blocked)

    async def _admit(self, call: Call, wire: WireFormat, said: bytes, *, limited: bool = True) -> Refusal | None:
        """Reserve what the call will probably cost. `said` is what its model will read, beside what the provider holds.

        Not `limited`: it was made already, and can only be paid.
        """
        body, record, subject = call.body or {}, call.record, call.subject
        if subject is None:
            return None
        caps, limits = self._holding.of(call.snapshot.policies, subject) if limited else ((), ())
        caps = () if record.passthrough else caps
        record.matched.extend(entry.policy for entry in (*caps, *limits) if entry.policy not in record.matched)
        if record.attempt > 1:  # the caller asked once, however often we do
            limits = tuple(limit for limit in limits if limit.metric != "requests")
        if call.batch is None and not wire.counted(body):
            refusal = _uncounted(caps)
            if refusal:
                return refusal
        tier = body.get("service_tier")
        tier = tier if isinstance(tier, str) else None
        files = call.form.files if call.form else ()
        told = call.batch.expected if call.batch else wire.estimate(body, len(said), files, worst=False)
        expected = self._expect(call, told, said, wire.output_cap(body), tier)
        expected_nano = 0 if record.passthrough else call.expected_nano
        strict = any(cap.strict for cap in caps)
        worst_nano = expected_nano
        if strict:
            told = call.batch.most if call.batch else wire.estimate(body, len(said), files, worst=True)
            worst_nano = _most_of(call, told) if told else _most(call, said, wire.output_cap(body), tier)
        call.caps, call.reserved_nano = caps, worst_nano
        try:
            admission = await self._services.spend.admit(
                record,
                caps=caps,
                limits=limits,
                expected_nano=expected_nano,
                worst_nano=worst_nano,
                expected_tokens=expected.input_tokens + expected.output_tokens,
            )
        except StoreUnavailable:
            call.reserved = True  # it may be, the answer alone may have been lost: so it is settled like any other
            return _without_store(caps)
        if admission.admitted:
            call.reserved = True
            return None
        self._turned_away.remember(subject, call.snapshot, admission.blocked)
        return spend_refusal(admission.blocked)

    def _expect(self, call: Call, told: Usage | None, said: bytes, cap: int | None, tier: str | None) -> Usage:
        """What the call will probably use; `told`, where the wire format says."""
        if told is None:
            output = self._services.output.expect(call.record.api_key_id or "", call.record.model or "", cap)
            told = Usage(call.held_tokens + input_tokens(said), output)
        call.expected = told
        served = replace(told, service_tier=told.service_tier or tier)
        record = call.record
        call.expected_nano = price(record.provider or "", record.model or "", served, at=record.started_at).cost_nano
        return told


def _most_of(call: Call, usage: Usage) -> int:
    """Nano-dollars that so much can cost."""
    return most(call.record.provider or "", call.record.model, usage, at=call.record.started_at)


def _most(call: Call, said: bytes, cap: int | None, tier: str | None) -> int:
    """Nano-dollars that the call can cost."""
    tokens = call.held_tokens + most_input_tokens(said)
    if not call.held_tokens and names_more(said):  # a turn on a WebSocket knows what its conversation holds
        tokens = max(tokens, context_window(call.record.provider or "", call.record.model))
    written = tokens if b'"cache' in said else 0  # `cache_control`, `cachePoint`: a write costs more
    return _most_of(call, Usage(tokens, most_output_tokens(cap), cache_write_tokens=written, service_tier=tier))


def _without_store(caps: Sequence[Cap]) -> Refusal | None:
    """No budget can be checked: fail closed, unless every cap in question says `allow`, or `lease` and has enough set aside."""
    blocking = [cap.policy for cap in caps if cap.on_store_unavailable != "allow"]
    if not blocking:
        return None
    message = policy_message(blocking, "Spend can't be checked at the moment; try again shortly.")
    return Refusal(503, "store_unavailable", message, blocking, "spend_cap", retry_after=2)


def _uncounted(caps: Sequence[Cap]) -> Refusal | None:
    """Under a cap nothing is bought whose price no answer names."""
    if not caps:
        return None
    policies, scopes, windows = zip(*((cap.policy, cap.scope, cap.window) for cap in caps), strict=True)
    message = policy_message(policies, "What this call costs can't be counted, so it is not allowed where spend is capped.")
    return Refusal(403, "uncounted", message, policies, "spend_cap", scopes, windows)


def spend_refusal(blocked: Sequence[Block]) -> Refusal:
    """Spend comes first: a rate limit ends sooner, and a client that waits for it would only be refused again."""
    spend = [block for block in blocked if block.kind == "spend_limit"]
    chosen = spend or list(blocked)
    refs = [block.policy for block in blocked]
    ends_at = max(block.ends_at for block in chosen)
    scopes, windows = [block.scope for block in chosen], [block.window for block in chosen]
    if spend:
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(ends_at))
        advice = f"The spend limit is used up until {when}; wait until then, or ask your administrator to raise it."
        return Refusal(402, "spend_limit", policy_message(refs, advice), refs, "spend_cap", scopes, windows)
    seconds = max(1, math.ceil(ends_at - time.time()))
    when = f"in {seconds} s" if seconds < _SOON else f"at {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(ends_at))}"
    advice = f"Too many requests or tokens; try again {when}."
    return Refusal(429, "rate_limit", policy_message(refs, advice), refs, "rate_limit", scopes, windows, retry_after=seconds)
