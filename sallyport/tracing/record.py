"""CallRecord: THE record of one call. Spend, traces, violations and audit all derive from it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

Outcome = Literal["success", "blocked", "error", "aborted"]


_OF_THE_CALLER = (
    *("organization_id", "workspace_id", "user_id", "api_key_id", "passthrough", "headers", "trace_headers"),
    *("way_in", "client_ip", "user_agent", "method", "path", "provider"),
)
"""Who calls, how it came in and what it asked: fields of a record."""


@dataclass(slots=True)
class PolicyRef:
    id: str
    name: str


@dataclass(slots=True)
class Fired:
    """A policy that fired on this call: blocked it or redacted part of it."""

    policy_id: str
    policy_name: str
    policy_type: str
    action: Literal["blocked", "redacted"]
    detail: str
    places: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Of what was redacted the first: `where` (a JSON pointer into the request), `category`, `count`. Never a value."""


@dataclass(slots=True)
class CallRecord:
    """One call, from its first byte to its cost. Times are UTC seconds, durations milliseconds, money nano-dollars."""

    id: str
    started_at: float
    provider: str | None = None
    model: str | None = None
    operation: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    way_in: str = "proxy"
    client_ip: str | None = None
    user_agent: str | None = None
    method: str = ""
    path: str = ""
    """Without the query string, which may hold credentials."""
    outcome: Outcome = "success"
    status: int | None = None
    reason: str | None = None
    """Why it was blocked or failed: a short machine word (spend_limit, key_unknown, upstream_unreachable, …)."""
    stream: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    usage: dict[str, Any] = field(default_factory=dict[str, Any])
    """What else was priced, as `spend.recorded_usage` has it: searches, pictures, sound, the service tier."""
    priced_as: str | None = None
    """The model whose price was charged, where it is not `model`: the one that answered."""
    cost_nano: int = 0
    estimated: bool = False
    unpriced: bool = False
    passthrough: bool = False
    """The user's own vendor log-in was passed through: the cost is notional and counts against no cap."""
    attempt: int = 1
    """Which of the attempts that one call of the client led to; each has a record and a cost of its own."""
    attempt_of: str | None = None
    """The id of the first attempt; None on that itself."""
    provider_key: str | None = None
    """The label of the provider's key that was used, where its secret has several."""
    duration_ms: float = 0.0
    gateway_ms: float = 0.0
    first_token_ms: float | None = None
    matched: list[PolicyRef] = field(default_factory=list[PolicyRef])
    violated: list[PolicyRef] = field(default_factory=list[PolicyRef])
    fired: list[Fired] = field(default_factory=list[Fired])
    redactions: dict[str, int] = field(default_factory=dict[str, int])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """What the caller said of the call in `X-Gateway-*` headers, as policies match it: team, customer_id, …"""
    session_id: str | None = None
    """The conversation it belongs to, as its client names it."""
    langsmith_run_id: str | None = None
    trace_headers: dict[str, str] = field(default_factory=dict[str, str])
    """The caller's own tracing headers (`langsmith-trace`, `baggage`, `traceparent`), for nesting our run under theirs."""
    inputs: Any = None
    """Redacted request body, only where the workspace has `trace_content: redacted`."""
    outputs: Any = None

    def another(self, id: str, started_at: float, **differs: Any) -> CallRecord:
        """The record of another call of the same caller, by the same way in. `differs`: fields of it."""
        same: dict[str, Any] = {name: copy(getattr(self, name)) for name in _OF_THE_CALLER}
        return CallRecord(id, started_at, **(same | differs))

    def further(self, id: str, started_at: float, provider: str, model: str | None, path: str) -> CallRecord:
        """The record of another attempt at the same call. What policies did to the request is counted once, with the first."""
        return self.another(
            id,
            started_at,
            provider=provider,
            model=model,
            path=path,
            operation=self.operation,
            stream=self.stream,
            attempt=self.attempt + 1,
            attempt_of=self.attempt_of or self.id,
            session_id=self.session_id,
            matched=list(self.matched),
            redactions=dict(self.redactions),
            inputs=self.inputs,
        )

    def to_json(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> CallRecord:
        """The inverse of `to_json`; fields a newer version wrote are ignored. Raises ValueError on anything else."""
        raw: Any = orjson.loads(data)
        if not isinstance(raw, dict):
            raise ValueError("a call record is a JSON object")
        known: dict[str, Any] = {name: raw[name] for name in cls.__dataclass_fields__ if name in raw}
        try:
            known["matched"] = [PolicyRef(**ref) for ref in known.get("matched", [])]
            known["violated"] = [PolicyRef(**ref) for ref in known.get("violated", [])]
            known["fired"] = [Fired(**entry) for entry in known.get("fired", [])]
            return cls(**known)
        except TypeError as error:
            raise ValueError(f"not a call record: {error}") from error
