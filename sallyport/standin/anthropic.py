"""Anthropic's Messages API: https://docs.anthropic.com/en/api/messages, …/messages-streaming and …/errors."""

from __future__ import annotations

import json
from collections.abc import Iterator

from starlette.responses import Response

from sallyport.standin.family import GATEWAY_KEY_PREFIX, Family, bearer, identifier
from sallyport.standin.script import TOOL_ARGUMENTS, Counts, Message, Refusal, Script, count_words, text_of, write_script
from sallyport.standin.wire import Call, JsonObject, answer, objects, sse, stream

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_MODELS = ("claude-sonnet-5", "claude-haiku-4-5")
STREAM_ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


class Anthropic(Family):
    name = "anthropic"

    def answer(self, call: Call) -> Response:
        match call.method, call.segments:
            case "POST", ["v1", "messages"]:
                self._check(call)
                body = call.json()
                return message(body, model=body.get("model"), headers=_headers())
            case "POST", ["v1", "messages", "batches"]:
                self._check(call)
                return answer(_batch(len(objects(call.json(), "requests"))), headers=_headers(), content_type="application/json")
            case "POST", ["v1", "messages", "count_tokens"]:
                self._check(call)
                tokens = max(1, count_words(*(message.text for message in messages_of(call.json()))))
                return answer({"input_tokens": tokens}, headers=_headers(), content_type="application/json")
            case "GET", ["v1", "models"]:
                self._check(call)
                data = [
                    {"type": "model", "id": name, "display_name": name, "created_at": "2025-09-29T00:00:00Z"} for name in _MODELS
                ]
                page = {"data": data, "has_more": False, "first_id": _MODELS[0], "last_id": _MODELS[-1]}
                return answer(page, headers=_headers(), content_type="application/json")
            case _:
                raise Refusal(404, "Not found")

    def error(self, refusal: Refusal) -> Response:
        headers = _headers()
        kind = refusal.code or _ERRORS.get(refusal.status, "api_error" if refusal.status >= 500 else "invalid_request_error")
        body = {"type": "error", "error": {"type": kind, "message": refusal.message}, "request_id": headers["request-id"]}
        headers |= {"x-should-retry": "true" if refusal.status in (408, 409, 429) or refusal.status >= 500 else "false"}
        return answer(body, status=refusal.status, headers=headers, content_type="application/json")

    def _check(self, call: Call) -> None:
        key = call.headers.get("x-api-key") or bearer(call)
        if not key:
            raise Refusal(401, "x-api-key header is required")
        if key.startswith(GATEWAY_KEY_PREFIX):
            raise Refusal(401, "invalid x-api-key")
        if "anthropic-version" not in call.headers:
            raise Refusal(400, "anthropic-version: header is required")


def _batch(requests: int) -> JsonObject:
    """https://docs.anthropic.com/en/api/creating-message-batches."""
    counts = {"processing": requests, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    times = {"created_at": "2026-11-01T00:00:00Z", "expires_at": "2026-11-02T00:00:00Z"}
    ends = dict.fromkeys(("archived_at", "cancel_initiated_at", "ended_at", "results_url"))
    batch = {"id": identifier("msgbatch_"), "type": "message_batch", "processing_status": "in_progress"}
    return {**batch, "request_counts": counts, **times, **ends}


def message(body: JsonObject, *, model: str | None, headers: dict[str, str]) -> Response:
    """The answer to a Messages request, for Anthropic itself and for its models on Vertex. `model` is the one it names."""
    script = script_of(body)
    if body.get("stream") is not True:
        return answer(whole(script, model), script, headers=headers, content_type="application/json")
    events = (sse(event, event["type"]) for event in events_of(script, model))
    return stream(events, script, error=sse(STREAM_ERROR, "error"), headers=headers)


def messages_of(body: JsonObject) -> list[Message]:
    if not isinstance(body.get("messages"), list):
        raise Refusal(400, "messages: Field required")
    system = [Message("system", text_of(body["system"]))] if body.get("system") else []
    return system + [Message(str(entry.get("role")), text_of(entry.get("content"))) for entry in objects(body, "messages")]


def script_of(body: JsonObject) -> Script:
    messages = messages_of(body)
    if not isinstance(body.get("max_tokens"), int):
        raise Refusal(400, "max_tokens: Field required")
    tools = [tool["name"] for tool in objects(body, "tools") if "name" in tool]
    return write_script(messages, limit=body["max_tokens"], tools=tools)


def whole(script: Script, model: str | None) -> JsonObject:
    """A Message object."""
    return _shell(model) | {
        "content": [_block(script)],
        "stop_reason": _stop_reason(script),
        "usage": _usage(script.counts) if script.usage else None,
    }


def events_of(script: Script, model: str | None) -> Iterator[JsonObject]:
    """The events of a streamed Message, in their documented order."""
    start_usage = _usage(script.counts) | {"output_tokens": 1} if script.usage else None
    yield {"type": "message_start", "message": _shell(model) | {"usage": start_usage}}
    empty: JsonObject = {"text": ""} if script.tool is None else {"input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": _block(script) | empty}
    yield {"type": "ping"}
    if script.tool:
        arguments = json.dumps(TOOL_ARGUMENTS)
        for part in ("", arguments[:5], arguments[5:]):
            yield {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": part}}
    else:
        for piece in script.pieces:
            yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
    yield {"type": "content_block_stop", "index": 0}
    delta: JsonObject = {"type": "message_delta", "delta": {"stop_reason": _stop_reason(script), "stop_sequence": None}}
    if script.usage:
        usage = _usage(script.counts)
        delta["usage"] = {key: value for key, value in usage.items() if key.endswith("tokens")}
    yield delta
    yield {"type": "message_stop"}


def _shell(model: str | None) -> JsonObject:
    return {
        "id": identifier("msg_"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": None,
    }


def _block(script: Script) -> JsonObject:
    if script.tool:
        return {"type": "tool_use", "id": identifier("toolu_"), "name": script.tool, "input": TOOL_ARGUMENTS}
    return {"type": "text", "text": script.text}


def _stop_reason(script: Script) -> str:
    return "tool_use" if script.tool else "max_tokens" if script.truncated else "end_turn"


def _usage(counts: Counts) -> JsonObject:
    """Anthropic's `input_tokens` leaves out what the cache was read for and written with."""
    return {
        "input_tokens": counts.input - counts.cached - counts.cache_write,
        "cache_creation_input_tokens": counts.cache_write,
        "cache_read_input_tokens": counts.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": counts.cache_write, "ephemeral_1h_input_tokens": 0},
        "output_tokens": counts.output,
        "service_tier": "standard",
    }


def _headers() -> dict[str, str]:
    return {
        "request-id": identifier("req_"),
        "anthropic-organization-id": "5tand-1n",
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-requests-remaining": "3999",
    }
