"""Secrets and PII become placeholders in everything a model would read. From here on nothing raw exists.

What the gateway holds itself (its keys, the secrets of its vault) is taken out of every body, guard or not.
"""

from __future__ import annotations

import asyncio
import copy

from mitmproxy import http

from addons.context import Call, call_of
from addons.held_values import HeldValues
from addons.refusal import Refusal, policy_message, refuse, refuse_message
from addons.services import Services
from addons.sockets import SocketMessage
from addons.splice import spliced
from policies.guard import GuardRule, guard_for
from sallyport.redaction.document import redact_document
from sallyport.redaction.placeholders import placeholder
from sallyport.tracing.record import Fired

_TRACE_SECONDS = 2.0


class Redact:
    def __init__(self, services: Services) -> None:
        self._redactor = services.redactor
        self._held = HeldValues()

    async def request(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if flow.response or call is None or call.body is None:
            return
        refusal = await self._redact(call, flow.request.raw_content or b"", traced=True)
        if refusal:
            refuse(flow, refusal)

    async def socket_message(self, message: SocketMessage) -> None:
        """All that a client says is guarded, whether a turn starts with it or not."""
        call = message.call
        if message.refused or not message.from_client or call is None:
            return
        call.body_changed = False
        refusal = await self._redact(call, message.content, traced=message.starts)
        if refusal:
            refuse_message(message, refusal)
        elif call.body_changed and call.body is not None:
            message.content = spliced(message.content, call.body, strings=True)

    async def _redact(self, call: Call, raw: bytes, *, traced: bool) -> Refusal | None:
        """Change `call.body`, which was read from `raw`. A refusal where the policy wants one."""
        if call.subject is None or call.workspace is None:
            return None
        key = bytes.fromhex(call.workspace.placeholder_key.reveal())
        await self._held.take_out(call, raw, lambda category, value: placeholder(key, category, value))
        rule = guard_for(call.snapshot.policies, call.subject)
        refusal = await self._guard(call, rule) if rule else None
        if refusal is None and traced and call.workspace.trace_content == "redacted":
            await self._trace_inputs(call)
        return refusal

    async def _guard(self, call: Call, rule: GuardRule) -> Refusal | None:
        body, shape = call.body, call.shape
        if body is None or shape is None or call.workspace is None:
            return None
        result = await redact_document(
            body,
            self._redactor,
            key=bytes.fromhex(call.workspace.placeholder_key.reveal()),
            protects=shape.protects,
            user_data=shape.user_data_keys,
            pii=rule.pii,
            secrets=rule.secrets,
            deadline=asyncio.get_running_loop().time() + rule.timeout_seconds,
        )
        record, refs = call.record, list(rule.policies)
        record.matched.extend(ref for ref in refs if ref not in record.matched)
        if result.changed:
            call.body_changed = True
            for category, count in result.counts.items():
                record.redactions[category] = record.redactions.get(category, 0) + count
            detail = ", ".join(f"{category} × {count}" for category, count in sorted(result.counts.items()))
            record.fired.extend(Fired(ref.id, ref.name, "guard", "redacted", detail) for ref in refs)
        if result.timed_out or result.failed:
            if rule.on_timeout == "block":
                message = policy_message(refs, "The text could not be checked in time; try again shortly.")
                return Refusal(503, "guard_unfinished", message, refs, "guard", retry_after=5)
            record.fired.extend(
                Fired(ref.id, ref.name, "guard", "redacted", "not finished in time; passed by policy") for ref in refs
            )
        return None

    async def _trace_inputs(self, call: Call) -> None:
        """A body that is stored is redacted wholly, whatever the guards of this caller look for."""
        shape = call.shape
        if call.body is None or call.workspace is None or shape is None:
            return
        body = copy.deepcopy(call.body)
        result = await redact_document(
            body,
            self._redactor,
            key=bytes.fromhex(call.workspace.placeholder_key.reveal()),
            protects=shape.protects,
            user_data=shape.user_data_keys,
            pii=True,
            secrets=True,
            deadline=asyncio.get_running_loop().time() + _TRACE_SECONDS,
        )
        if not (result.timed_out or result.failed):
            call.record.inputs = body
