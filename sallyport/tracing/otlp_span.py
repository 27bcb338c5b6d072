"""A call record as an OpenTelemetry span, by the semantic conventions for generative AI
(https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/)."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import orjson
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as gen_ai
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from sallyport.money import nano_to_usd
from sallyport.tracing.langsmith_chat import chat_inputs, chat_outputs
from sallyport.tracing.record import CallRecord

_PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""Where the conventions call a provider by another name than we do."""
_OPERATIONS = {
    "completions": "text_completion",
    "embed": "embeddings",
    "embeddings": "embeddings",
    "generate": "generate_content",
}
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", re.ASCII)
"""W3C Trace Context, section 3.2."""
_SCOPE = InstrumentationScope("sallyport")
_SECOND = 1_000_000_000


def span_of(record: CallRecord, resource: Resource) -> ReadableSpan:
    """Raises ValueError when the record's id is no UUID."""
    identity = UUID(record.id).int
    parent = _parent(record.trace_headers.get("traceparent", ""))
    trace_id = parent.trace_id if parent else identity
    operation = _OPERATIONS.get(record.operation or "", "chat")
    started = int(record.started_at * _SECOND)
    return ReadableSpan(
        f"{operation} {record.model}" if record.model else operation,
        context=_context(trace_id, identity & 0xFFFF_FFFF_FFFF_FFFF),
        parent=parent,
        resource=resource,
        attributes={name: value for name, value in _attributes(record, operation).items() if value is not None},
        kind=SpanKind.CLIENT,
        status=_status(record),
        start_time=started,
        end_time=started + int(record.duration_ms * 1_000_000),
        instrumentation_scope=_SCOPE,
    )


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _parent(traceparent: str) -> SpanContext | None:
    found = _TRACEPARENT.fullmatch(traceparent.strip())
    context = _context(int(found[1], 16), int(found[2], 16)) if found else None
    return context if context and context.is_valid else None


def _status(record: CallRecord) -> Status:
    if record.outcome == "success":
        return Status(StatusCode.UNSET)
    return Status(StatusCode.ERROR, ", ".join(policy.name for policy in record.violated) or record.reason)


def _attributes(record: CallRecord, operation: str) -> dict[str, Any]:
    return {
        gen_ai.GEN_AI_OPERATION_NAME: operation,
        gen_ai.GEN_AI_PROVIDER_NAME: _PROVIDERS.get(record.provider or "", record.provider),
        gen_ai.GEN_AI_REQUEST_MODEL: record.model,
        gen_ai.GEN_AI_REQUEST_STREAM: record.stream,
        gen_ai.GEN_AI_RESPONSE_MODEL: record.priced_as or record.model,
        gen_ai.GEN_AI_CONVERSATION_ID: record.session_id,
        gen_ai.GEN_AI_USAGE_INPUT_TOKENS: record.input_tokens,
        gen_ai.GEN_AI_USAGE_OUTPUT_TOKENS: record.output_tokens,
        gen_ai.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: record.cache_read_tokens,
        gen_ai.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS: record.cache_write_tokens,
        gen_ai.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: record.reasoning_tokens,
        gen_ai.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: None if record.first_token_ms is None else record.first_token_ms / 1000,
        gen_ai.GEN_AI_INPUT_MESSAGES: _content(chat_inputs, record.inputs),
        gen_ai.GEN_AI_OUTPUT_MESSAGES: _content(chat_outputs, record.outputs),
        "error.type": None if record.outcome == "success" else record.reason or record.outcome,
        "http.response.status_code": record.status,
        "gateway.request_id": record.id,
        "gateway.outcome": record.outcome,
        "gateway.organization_id": record.organization_id,
        "gateway.workspace_id": record.workspace_id,
        "gateway.user_id": record.user_id,
        "gateway.api_key_id": record.api_key_id,
        "gateway.way_in": record.way_in,
        "gateway.latency_ms": record.gateway_ms,
        "gateway.cost_usd": str(nano_to_usd(record.cost_nano)),  # a string, as a float would not be exact
        "gateway.policy.matched_names": [policy.name for policy in record.matched],
        "gateway.policy.violated_names": [policy.name for policy in record.violated],
        **{f"gateway.rules.{rule}": count for rule, count in record.redactions.items()},
    }


def _content(shown: Any, body: Any) -> str | None:
    """Only where the workspace keeps what was said, redacted."""
    return None if body is None else orjson.dumps(shown(body)).decode()
