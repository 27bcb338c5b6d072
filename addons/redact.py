"""Secrets and PII become placeholders in everything a model would read. From here on nothing raw exists.

What the gateway holds itself (its keys, the secrets of its vault) is taken out of every body, guard or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mitmproxy import http

from addons.context import Call, call_of
from addons.form import FormText
from addons.form_text import ReadableText
from addons.refusal import Refusal, policy_message, refuse, refuse_message
from addons.restored_events import RestoredEvents
from addons.services import Services
from addons.sockets import SocketMessage
from addons.splice import spliced
from addons.traced_content import TracedContent
from policies.guard import GuardRule, guard_for
from sallyport.providers.base import WireFormat
from sallyport.providers.wire.system_prompts import system_prompts, vendors_own
from sallyport.redaction.answer import AnswerRedactor
from sallyport.redaction.document import DocumentResult, redact_document
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.restore import Restorer
from sallyport.redaction.spread import PERSONAL
from sallyport.store.snapshot import Workspace
from sallyport.tracing.record import Fired

_MOST_PLACES = 100
"""That a record names; the rest is counted."""


class Redact:
    def __init__(self, services: Services) -> None:
        self._redactor = services.redactor
        self._held = services.held
        self._traced = TracedContent(services.redactor)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """How long a form will be that a guard may change is not known before it has passed."""
        call = call_of(flow)
        if call and call.form and call.subject and guard_for(call.snapshot.policies, call.subject):
            flow.request.headers.pop("content-length", None)

    async def form_text(self, flow: http.HTTPFlow, text: FormText) -> None:
        """Something of a form that streams through is about to leave."""
        call = call_of(flow)
        if call is None or call.form is None or call.subject is None or call.workspace is None:
            return
        if call.presented:
            key = call.presented.encode("utf-8", "surrogateescape")
            text.content = text.content.replace(key, b"*" * len(key))  # of the same length: the form's was told already
        rule = guard_for(call.snapshot.policies, call.subject)
        if rule is None:
            return
        readable = ReadableText(text)
        refusal = await self._look_at(call, readable.document, call.form.shape, rule, _placeholders(call.workspace))
        text.content = readable.written()
        if refusal:
            refuse(flow, refusal)

    async def request(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if flow.response or call is None or call.body is None or call.form:
            return
        refusal = await self._redact(call, flow.request.raw_content or b"", traced=True)
        if refusal:
            refuse(flow, refusal)

    async def socket_message(self, message: SocketMessage) -> None:
        """All that a client says is guarded, whether a turn starts with it or not."""
        call = message.call
        if not message.from_client:
            _put_back(message)
        if message.refused or not message.from_client or call is None:
            return
        call.body_changed = False
        refusal = await self._redact(call, message.content, traced=message.starts)
        if refusal:
            refuse_message(message, refusal)
        elif call.body_changed and call.body is not None:
            message.content = spliced(message.content, call.body, strings=True)
        if call.restorer:
            message.socket.restorer.learn(call.restorer.values)

    async def _redact(self, call: Call, raw: bytes, *, traced: bool) -> Refusal | None:
        """Change `call.body`, which was read from `raw`. A refusal where the policy wants one."""
        if call.subject is None or call.workspace is None:
            return None
        rule = guard_for(call.snapshot.policies, call.subject)
        names = _placeholders(call.workspace, rule)
        await self._held.take_out(call, raw, names.name)
        refusal = await self._guard(call, rule, names) if rule else None
        if names.values:
            call.restorer = Restorer(names.values)
        if rule and rule.answer_policies:
            call.answer_redactor = _answer_redactor(call, call.workspace, rule)
        if refusal is None and traced:
            await self._traced.note_inputs(call)
        return refusal

    async def _guard(self, call: Call, rule: GuardRule, names: Placeholders) -> Refusal | None:
        body = call.body
        if body is None or call.shape is None:
            return None
        left_alone = (*vendors_own(body), *(() if rule.system_prompts else system_prompts(body)))
        return await self._look_at(call, body, call.shape, rule, names, left_alone)

    async def _look_at(
        self, call: Call, document: Any, shape: WireFormat, rule: GuardRule, names: Placeholders, left_alone: Sequence[Any] = ()
    ) -> Refusal | None:
        """Redact `document` in place, but for `left_alone`, and note on the call what was found."""
        result = await redact_document(
            document,
            self._redactor,
            names=names,
            protects=shape.protects,
            user_data=shape.user_data_keys,
            pii=rule.pii,
            secrets=rule.secrets,
            deadline=asyncio.get_running_loop().time() + rule.timeout_seconds,
            but=left_alone,
        )
        record, refs = call.record, list(rule.policies)
        record.matched.extend(ref for ref in refs if ref not in record.matched)
        if result.changed:
            call.body_changed = True
            for category, count in result.counts.items():
                record.redactions[category] = record.redactions.get(category, 0) + count
            detail = ", ".join(f"{category} × {count}" for category, count in sorted(result.counts.items()))
            record.fired.extend(Fired(ref.id, ref.name, "guard", "redacted", detail) for ref in refs)
            record.fired[-1].places = [asdict(place) for place in result.places[:_MOST_PLACES]]
        return self._unfinished(call, result, rule) if result.timed_out or result.failed else None

    def _unfinished(self, call: Call, result: DocumentResult, rule: GuardRule) -> Refusal | None:
        """Secrets are gone, but not all text was read for personal data."""
        refs = list(rule.pii_policies)
        why = "could not be checked" if result.failed else "could not be checked in time"
        if (result.failed and rule.on_error == "block") or (result.timed_out and rule.on_timeout == "block"):
            message = policy_message(refs, f"The text {why}; try again shortly.")
            return Refusal(503, "guard_unfinished", message, refs, "guard", retry_after=5)
        note = "the text " + why + " for personal data; passed by policy"
        call.record.fired.extend(Fired(ref.id, ref.name, "guard", "redacted", note) for ref in refs)
        return None


def _placeholders(workspace: Workspace, rule: GuardRule | None = None) -> Placeholders:
    """Those of one request. What `rule` restores, they keep."""
    key = bytes.fromhex(workspace.placeholder_key.reveal())
    if rule is None:
        return Placeholders(key)
    return Placeholders(key, lambda category: rule.restores_pii if category in PERSONAL else rule.restores_secrets)


def _answer_redactor(call: Call, workspace: Workspace, rule: GuardRule) -> AnswerRedactor:
    fired = [Fired(ref.id, ref.name, "guard", "redacted", "in the answer") for ref in rule.answer_policies]
    record = call.record

    def found(category: str) -> None:
        record.redactions[category] = record.redactions.get(category, 0) + 1
        record.fired.extend(entry for entry in fired if entry not in record.fired)

    names = _placeholders(workspace)
    return AnswerRedactor(names, call.restorer, pii=rule.answers_pii, secrets=rule.answers_secrets, found=found)


def _put_back(message: SocketMessage) -> None:
    """Values that this connection's client has said go back to it; a provider keeps a conversation, so any of them may."""
    socket = message.socket
    wire = socket.format.turn.wire
    if message.refused or wire is None or not socket.restorer:
        return
    socket.restored = socket.restored or RestoredEvents(socket.restorer, wire)
    *ahead, (message.content, _) = socket.restored.event(message.content, None)
    message.ahead = [content for content, _ in ahead]
