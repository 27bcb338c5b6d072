"""A call record as the run that LangSmith shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sallyport.money import nano_to_usd
from sallyport.secret import Secret
from sallyport.tracing.langsmith_chat import chat_inputs, chat_outputs
from sallyport.tracing.langsmith_parent import dotted_segment, parse_parent
from sallyport.tracing.record import CallRecord, PolicyRef

DEFAULT_ENDPOINT = "https://api.smith.langchain.com"
DEFAULT_PROJECT = "gateway"
_MOST_SKEW = timedelta(days=1)  # a "parent" from further in the future would only hide our run there


@dataclass(frozen=True, slots=True)
class LangSmithTarget:
    """Where a workspace's runs go."""

    api_key: Secret
    endpoint: str = DEFAULT_ENDPOINT
    project: str = DEFAULT_PROJECT
    tenant_id: str = field(default="", repr=False)
    """The LangSmith workspace, which a key that is valid for several must name."""


def trace_url(endpoint: str, run_id: str) -> str:
    """Where a browser finds the run: LangSmith leads `/r/<run id>` to its project."""
    parts = urlsplit(endpoint)
    host = parts.netloc.replace("api.smith.langchain.com", "smith.langchain.com")
    path = parts.path.rstrip("/").removesuffix("/v1").removesuffix("/api")
    return f"{parts.scheme}://{host}{path}/r/{run_id}"


def run_id(record: CallRecord) -> str:
    return record.langsmith_run_id or record.id


def run_of(record: CallRecord, project: str) -> dict[str, Any]:
    """The run, as `langsmith.Client.multipart_ingest` takes it. `project` is where it goes unless its parent names another.

    Raises ValueError when the record's run id is no UUID.
    """
    identity = str(UUID(run_id(record)))
    started = datetime.fromtimestamp(record.started_at, UTC)
    ended = started + timedelta(milliseconds=record.duration_ms)
    parent = parse_parent(record.trace_headers)
    if parent is not None and parent.start > started + _MOST_SKEW:
        parent = None
    if parent is not None:
        # A child that starts before its parent breaks the order of the tree; clocks of two machines differ.
        started = max(started, parent.start)
        ended = max(ended, started)
    own = dotted_segment(started, identity)
    return {
        "id": identity,
        "name": " ".join(part for part in (record.provider, record.operation) if part) or "call",
        "run_type": "llm",
        "session_name": (parent and parent.project) or project,
        "parent_run_id": parent.run_id if parent else None,
        "trace_id": parent.trace_id if parent else identity,
        "dotted_order": f"{parent.dotted_order}.{own}" if parent else own,
        "start_time": started,
        "end_time": ended,
        "inputs": _inputs(record),
        "outputs": _outputs(record),
        "error": _error(record),
        "events": _events(record, started),
        "extra": {"metadata": {**(parent.metadata if parent else {}), **_metadata(record)}},
        "tags": [tag for tag in (record.provider, record.outcome, record.reason) if tag],
    }


def _inputs(record: CallRecord) -> dict[str, Any]:
    if record.inputs is None:
        return {"model": record.model, "stream": record.stream}
    return chat_inputs(record.inputs)


def _outputs(record: CallRecord) -> dict[str, Any]:
    outputs = {} if record.outputs is None else chat_outputs(record.outputs)
    if record.input_tokens or record.output_tokens or record.cost_nano:
        outputs["usage_metadata"] = {
            "input_tokens": record.input_tokens,
            "output_tokens": record.output_tokens,
            "total_tokens": record.input_tokens + record.output_tokens,
            "input_token_details": {"cache_read": record.cache_read_tokens, "cache_creation": record.cache_write_tokens},
            "output_token_details": {"reasoning": record.reasoning_tokens},
            "total_cost": float(nano_to_usd(record.cost_nano)),  # LangSmith wants a number; only shown, never summed
        }
    return outputs


def _events(record: CallRecord, started: datetime) -> list[dict[str, str]]:
    """LangSmith takes the time to the first token from the event `new_token`."""
    if not record.stream or record.first_token_ms is None:
        return []
    return [{"name": "new_token", "time": (started + timedelta(milliseconds=record.first_token_ms)).isoformat()}]


def _error(record: CallRecord) -> str | None:
    if record.outcome == "success":
        return None
    if record.outcome == "blocked" and record.violated:
        return f"request blocked by gateway policies: {', '.join(policy.name for policy in record.violated)}"
    cause = record.reason or (f"status {record.status}" if record.status else "unknown")
    return f"{record.outcome}: {cause}"


def _metadata(record: CallRecord) -> dict[str, Any]:
    violated = {policy.id for policy in record.violated}
    passed = [policy for policy in record.matched if policy.id not in violated]
    return {
        **_policies("matched", record.matched),
        **_policies("passed", passed),
        **_policies("violated", record.violated),
        "gateway.rules": record.redactions,
        "gateway.workspace_id": record.workspace_id,
        "gateway.user_id": record.user_id,
        "gateway.api_key_id": record.api_key_id,
        "gateway.request_id": record.id,
        "gateway.way_in": record.way_in,
        "gateway.latency_ms": record.gateway_ms,
        "gateway.provider_ms": max(0.0, record.duration_ms - record.gateway_ms),
        "gateway.outcome": record.outcome,
        "gateway.attempt": record.attempt,
        "gateway.attempt_of": record.attempt_of,
        "ls_provider": record.provider,
        "ls_model_name": record.model,
        "ls_model_type": "chat",
        **({"session_id": record.session_id} if record.session_id else {}),  # runs of one are a thread
    }


def _policies(what: str, policies: list[PolicyRef]) -> dict[str, list[str]]:
    return {
        f"gateway.policy.{what}_ids": [policy.id for policy in policies],
        f"gateway.policy.{what}_names": [policy.name for policy in policies],
    }
