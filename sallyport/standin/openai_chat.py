"""OpenAI chat completions: https://platform.openai.com/docs/api-reference/chat and …/chat-streaming."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator

from starlette.responses import Response

from sallyport.standin.family import identifier
from sallyport.standin.script import TOOL_ARGUMENTS, Counts, Message, Refusal, Script, text_of, write_script
from sallyport.standin.wire import JsonObject, answer, json_object, objects, sse, stream

STREAM_ERROR = sse({"error": {"message": "The server had an error while processing your request.", "type": "server_error"}})


def complete(body: JsonObject, headers: dict[str, str], *, usage_in_chunks: bool = False) -> Response:
    """`usage_in_chunks`: the stream's last content chunk has the usage though nobody asked (Fireworks)."""
    if not isinstance(body.get("messages"), list) or not isinstance(body.get("model"), str):
        raise Refusal(400, "Missing required parameter: 'messages' or 'model'.", "missing_required_parameter")
    messages = [Message(str(message.get("role")), text_of(message.get("content"))) for message in objects(body, "messages")]
    tools = [tool["function"]["name"] for tool in objects(body, "tools") if tool.get("type") == "function"]
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    script = write_script(messages, limit=limit, tools=tools)
    base: JsonObject = {
        "id": identifier("chatcmpl-"),
        "created": int(time.time()),
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": "fp_standin",
    }
    reason = "tool_calls" if script.tool else "length" if script.truncated else "stop"
    if body.get("stream") is not True:
        message: JsonObject = {"role": "assistant", "content": script.text, "refusal": None, "annotations": []}
        if script.tool:
            message |= {"content": None, "tool_calls": [_tool_call(script.tool, json.dumps(TOOL_ARGUMENTS))]}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        full = {**base, "object": "chat.completion", "choices": [choice]} | (usage(script.counts) if script.usage else {})
        return answer(full, script, headers=headers, content_type="application/json")
    base["object"] = "chat.completion.chunk"
    chunks = [
        base | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]} for delta in _deltas(script)
    ]
    last: JsonObject = base | {"choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason}]}
    chunks.append(last | (usage(script.counts) if usage_in_chunks and script.usage else {}))
    return stream(framed(chunks, body, base, script), script, error=STREAM_ERROR, headers=headers)


def framed(chunks: Iterable[JsonObject], body: JsonObject, base: JsonObject, script: Script) -> Iterator[bytes]:
    """Chunks as events. With `stream_options.include_usage` each has `usage: null`, and one more with the usage follows."""
    asked = script.usage and json_object(body, "stream_options").get("include_usage") is True
    for chunk in chunks:
        yield sse({"usage": None} | chunk if asked else chunk)
    if asked:
        final: JsonObject = {**base, "choices": []}
        yield sse(final | usage(script.counts))
    yield sse("[DONE]")


def usage(counts: Counts) -> JsonObject:
    return {
        "usage": {
            "prompt_tokens": counts.input,
            "completion_tokens": counts.output,
            "total_tokens": counts.total,
            "prompt_tokens_details": {"cached_tokens": counts.cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": counts.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }
    }


def _tool_call(name: str, arguments: str) -> JsonObject:
    return {"id": identifier("call_"), "type": "function", "function": {"name": name, "arguments": arguments}}


def _deltas(script: Script) -> Iterator[JsonObject]:
    if script.tool:
        yield {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_tool_call(script.tool, "")}], "refusal": None}
        arguments = json.dumps(TOOL_ARGUMENTS)
        for part in (arguments[:5], arguments[5:]):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
        return
    yield {"role": "assistant", "content": "", "refusal": None}
    for piece in script.pieces:
        yield {"content": piece}
