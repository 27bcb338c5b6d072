"""How a caller is refused: the provider's own error shape, the contract's headers, and a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from mitmproxy import http

from addons.context import Call, call_of
from addons.refusal_shape import shape_for
from policies.model import Policy
from sallyport.ids import new_id
from sallyport.providers.base import ErrorAnswer
from sallyport.tracing.record import Fired, PolicyRef


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
    answer = provider.error(shape.status, shape.message) if provider else _plain_error(refusal)
    headers = {"content-type": answer.content_type, **answer.headers, **refusal.headers}
    if not shape.retry:
        headers["x-should-retry"] = "false"
    if refusal.retry_after is not None:
        headers["retry-after"] = str(refusal.retry_after)
    if call:
        record = call.record
        record.outcome = "blocked" if refusal.status < 500 or refusal.policies else "error"
        record.status = shape.status
        record.reason = refusal.reason
        for policy in refusal.policies:
            if policy not in record.matched:  # refused before all that match were gathered
                record.matched.append(policy)
            record.violated.append(policy)
            record.fired.append(Fired(policy.id, policy.name, refusal.policy_type, "blocked", refusal.message))
        headers["x-langsmith-gateway-metadata"] = orjson.dumps(_metadata(call, refusal)).decode()
    headers["x-gateway-request-id"] = call.record.id if call else new_id()
    body = b"" if flow.request.method == "HEAD" else answer.body  # RFC 9110, 9.3.2: it would be taken for the next answer
    flow.response = http.Response.make(shape.status, body, headers)


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
