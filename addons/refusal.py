"""How a caller is refused: the provider's own error shape, the contract's headers, and a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from mitmproxy import http

from addons.context import Call, call_of
from addons.refusal_shape import Shape, falls_back, shape_for
from addons.sockets import SocketMessage
from policies.model import Policy
from sallyport.ids import new_id
from sallyport.providers.base import ErrorAnswer, JsonObject
from sallyport.tracing import rejections
from sallyport.tracing.record import CallRecord, Fired, PolicyRef

FALL_BACK = 426
"""`Upgrade Required`: the client is to ask over HTTPS, and is told there what is wrong."""
POLICY_VIOLATION = 1008
"""The close code of a WebSocket whose caller may not go on (RFC 6455, 7.4.1)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`reason` is a short machine word; `message` is for a person: what happened, what to do, when it ends."""

    status: int
    reason: str
    message: str
    policies: Sequence[PolicyRef] = ()
    policy_type: str = ""
    scopes: Sequence[str] = ()
    windows: Sequence[str] = ()
    retry_after: int | None = None
    """Seconds; None means that waiting will not help."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def policy_ref(policy: Policy) -> PolicyRef:
    return PolicyRef(policy.id, policy.name)


def policy_message(policies: Sequence[PolicyRef], advice: str) -> str:
    names = ", ".join(dict.fromkeys(policy.name for policy in policies))
    return f"request blocked by gateway policies: {names}. {advice}"


def refuse(flow: http.HTTPFlow, refusal: Refusal) -> None:
    """Answer the flow with a refusal; nothing is sent to the provider. Safe before and after the request body is there."""
    call = call_of(flow)
    provider = call.provider if call else None
    agent, name = flow.request.headers.get("user-agent", ""), provider.name if provider else None
    shape = shape_for(agent, name, refusal.status, refusal.message, refusal.retry_after)
    if call and call.opens_socket and falls_back(agent):
        shape = Shape(FALL_BACK, refusal.message, retry=True)
    answer = provider.error(shape.status, shape.message) if provider else _plain_error(refusal)
    headers = {"content-type": answer.content_type, **answer.headers, **refusal.headers}
    if not shape.retry:
        headers["x-should-retry"] = "false"
    if refusal.retry_after is not None:
        headers["retry-after"] = str(refusal.retry_after)
    if call:
        note(call.record, refusal, shape.status)
        headers["x-langsmith-gateway-metadata"] = orjson.dumps(_metadata(call, refusal)).decode()
    else:
        rejections.count(refusal.reason)
    if call and call.record.attempt > 1:
        headers["x-gateway-attempts"] = str(call.record.attempt)
    headers["x-gateway-request-id"] = call.record.id if call else new_id()
    body = b"" if flow.request.method == "HEAD" else answer.body  # RFC 9110, 9.3.2: it would be taken for the next answer
    flow.response = http.Response.make(shape.status, body, headers)


def refuse_message(message: SocketMessage, refusal: Refusal) -> None:
    """Tell the client in-band, or by closing the connection; what was said is not passed on.

    What a caller may not do, it may do again and stay; who is no caller any more goes, and so does who lets the provider begin.
    """
    call = message.call
    if call is None or call.provider is None or message.refused:
        return
    message.refused = True
    agent = call.record.user_agent or ""
    shape = shape_for(agent, call.provider.name, refusal.status, refusal.message, refusal.retry_after)
    note(call.record, refusal, shape.status)
    conversation = message.socket.conversation
    if message.turn and not message.from_client and (stop := conversation.stop(message.turn)):
        message.to_provider.append(orjson.dumps(stop))
    elif message.turn:
        conversation.forget(message.turn)
    error: JsonObject = orjson.loads(call.provider.error(shape.status, shape.message).body)
    told = conversation.refusal(call.body or {}, shape.status, error)
    if told:
        message.to_client.append(orjson.dumps(told))
    if told is None or not message.from_client or refusal.status == 401:
        message.close = (POLICY_VIOLATION, refusal.message)


def note(record: CallRecord, refusal: Refusal, status: int) -> None:
    """Write down why a call was refused, or stopped on its way, and with which status."""
    record.outcome = "blocked" if refusal.status < 500 or refusal.policies else "error"
    record.status = status
    record.reason = refusal.reason
    for policy in refusal.policies:
        if policy not in record.matched:  # refused before all that match were gathered
            record.matched.append(policy)
        record.violated.append(policy)
        record.fired.append(Fired(policy.id, policy.name, refusal.policy_type, "blocked", refusal.message))


def _metadata(call: Call, refusal: Refusal) -> dict[str, object]:
    """The header LangSmith's SDKs copy into a run's metadata."""
    metadata: dict[str, object] = {"outcome": call.record.outcome, "reason": refusal.reason}
    if call.provider:
        metadata["provider"] = call.provider.name
    if refusal.policies:
        metadata["scopes"] = list(dict.fromkeys(refusal.scopes))
        metadata["limit_source"] = "gateway_policy"
        metadata["limit_windows"] = list(dict.fromkeys(refusal.windows))
    return metadata


def _plain_error(refusal: Refusal) -> ErrorAnswer:
    """For requests that name no provider."""
    return ErrorAnswer(orjson.dumps({"error": {"message": refusal.message, "type": refusal.reason}}))
