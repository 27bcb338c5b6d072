"""Secrets and PII become placeholders in everything a model would read. From here on nothing raw exists.

The caller's own gateway key is taken out of every body, guard or not: it is a credential and never leaves.
"""

from __future__ import annotations

import asyncio
import copy

import orjson
from mitmproxy import http

from addons.context import Call, call_of
from addons.refusal import Refusal, policy_message, refuse
from addons.services import Services
from policies.guard import GuardRule, guard_for
from sallyport.redaction.document import redact_document
from sallyport.redaction.placeholders import placeholder
from sallyport.tracing.record import Fired

_TRACE_SECONDS = 2.0


class Redact:
    def __init__(self, services: Services) -> None:
        self._redactor = services.redactor

    async def request(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if flow.response or call is None or call.body is None or call.subject is None or call.workspace is None:
            return
        _take_out_gateway_key(flow, call)
        rule = guard_for(call.snapshot.policies, call.subject)
        if rule:
            await self._guard(flow, call, rule)
        if flow.response is None and call.workspace.trace_content == "redacted":
            await self._trace_inputs(call)

    async def _guard(self, flow: http.HTTPFlow, call: Call, rule: GuardRule) -> None:
        body, shape = call.body, call.shape
        if body is None or shape is None or call.workspace is None:
            return
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
        record.matched.extend(refs)
        if result.changed:
            call.body_changed = True
            record.redactions = dict(result.counts)
            detail = ", ".join(f"{category} × {count}" for category, count in sorted(result.counts.items()))
            record.fired.extend(Fired(ref.id, ref.name, "guard", "redacted", detail) for ref in refs)
        if result.timed_out or result.failed:
            if rule.on_timeout == "block":
                message = policy_message(refs, "The text could not be checked in time; try again shortly.")
                refuse(flow, Refusal(503, "guard_unfinished", message, refs, "guard", retry_after=5))
            else:
                record.fired.extend(
                    Fired(ref.id, ref.name, "guard", "redacted", "not finished in time; passed by policy") for ref in refs
                )

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


def _take_out_gateway_key(flow: http.HTTPFlow, call: Call) -> None:
    if call.presented is None or call.workspace is None or call.body is None:
        return
    raw = flow.request.raw_content or b""
    key = call.presented.encode("utf-8", "surrogateescape")
    if key in raw:
        mark = placeholder(bytes.fromhex(call.workspace.placeholder_key.reveal()), "GATEWAY_KEY", call.presented)
        call.body = orjson.loads(raw.replace(key, mark.encode()))
        call.body_changed = True
