"""Streams as the vendors document them, event by event, each with the text that a person sees in it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from sallyport.providers.base import WireFormat
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.bedrock_converse import BedrockConverse
from sallyport.providers.wire.bedrock_invoke import BedrockInvoke
from sallyport.providers.wire.eventstream import encode_frame
from sallyport.providers.wire.google_generate import GoogleGenerate
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_responses import OpenAIResponses

SSE, FRAMES = "text/event-stream", "application/vnd.amazon.eventstream"
Events = list[tuple[bytes, str]]


@dataclass(frozen=True)
class Stream:
    """`events`: bytes and the text in them."""

    wire: WireFormat
    content_type: str
    events: Events

    @property
    def data(self) -> bytes:
        return b"".join(event for event, _ in self.events)


def _sse(data: Any, *, name: str | None = None, end: str = "\n") -> bytes:
    head = f"event: {name}{end}" if name else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data)}{end}{end}".encode()


def _anthropic() -> list[tuple[dict[str, Any], str]]:
    def block(index: int, kind: dict[str, Any], *deltas: tuple[dict[str, Any], str]) -> list[tuple[dict[str, Any], str]]:
        start = {"type": "content_block_start", "index": index, "content_block": kind}
        middle = [({"type": "content_block_delta", "index": index, "delta": delta}, text) for delta, text in deltas]
        return [(start, ""), *middle, ({"type": "content_block_stop", "index": index}, "")]

    message: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "claude-haiku-4-5", "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 25, "output_tokens": 1},
    }  # fmt: skip
    return [
        ({"type": "message_start", "message": message}, ""),
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            ({"type": "thinking_delta", "thinking": "hm"}, ""),
            ({"type": "signature_delta", "signature": "EqQB"}, ""),
        ),
        ({"type": "ping"}, ""),
        *block(
            1,
            {"type": "text", "text": ""},
            ({"type": "text_delta", "text": "Héllo"}, "Héllo"),
            ({"type": "text_delta", "text": " there"}, " there"),
        ),
        *block(
            2,
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
            ({"type": "input_json_delta", "partial_json": '{"a'}, ""),
            ({"type": "input_json_delta", "partial_json": '": 1}'}, ""),
        ),
        ({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}, ""),
        ({"type": "message_stop"}, ""),
    ]


def _chat(**usage: Any) -> Events:
    def chunk(text: str, reason: str | None = None, **delta: Any) -> tuple[bytes, str]:
        choice = {"index": 0, "delta": delta | ({"content": text} if text else {}), "finish_reason": reason}
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "gpt-4o-mini"}
        return _sse({**head, "choices": [choice], **usage}), text

    called = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"a": 1}'}}
    return [
        chunk("", role="assistant"),
        chunk("Héllo"),
        (b": keep-alive\n\n", ""),
        chunk(" there"),
        chunk("", tool_calls=[called]),
        chunk("", tool_calls=[more]),
        chunk("", "tool_calls"),
        (_sse("[DONE]"), ""),
    ]


def _responses() -> Events:
    response: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "created_at": 7,
        "model": "gpt-5-mini",
        "output": [],
        "tools": [],
    }
    place = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    item: dict[str, Any] = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    call = {"id": "fc_1", "type": "function_call", "status": "in_progress", "arguments": "", "call_id": "call_1", "name": "f"}
    reasoning: dict[str, Any] = {"id": "rs_1", "type": "reasoning", "summary": []}
    part: dict[str, Any] = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    events: list[tuple[str, dict[str, Any], str]] = [
        ("response.created", {"response": {**response, "status": "in_progress"}}, ""),
        ("response.output_item.added", {"output_index": 0, "item": reasoning}, ""),
        ("response.output_item.done", {"output_index": 0, "item": reasoning}, ""),
        ("response.output_item.added", {"output_index": 1, "item": item}, ""),
        ("response.content_part.added", {**place, "part": part}, ""),
        ("response.output_text.delta", {**place, "delta": "Héllo", "logprobs": []}, "Héllo"),
        ("response.output_text.delta", {**place, "delta": " there", "logprobs": []}, " there"),
        ("response.output_text.done", {**place, "text": "Héllo there", "logprobs": []}, ""),
        ("response.content_part.done", {**place, "part": {**part, "text": "Héllo there"}}, ""),
        ("response.output_item.done", {"output_index": 1, "item": {**item, "status": "completed"}}, ""),
        ("response.output_item.added", {"output_index": 2, "item": call}, ""),
        ("response.function_call_arguments.delta", {"item_id": "fc_1", "output_index": 2, "delta": '{"a'}, ""),
        ("response.completed", {"response": {**response, "status": "completed"}}, ""),
    ]
    return [
        (_sse({"type": kind, "sequence_number": number, **fields}, name=kind), text)
        for number, (kind, fields, text) in enumerate(events)
    ]


def _gemini() -> Events:
    def answer(text: str, reason: str | None = None) -> tuple[bytes, str]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
        counts = {"promptTokenCount": 4, "totalTokenCount": 4}
        body = {"candidates": [candidate | ({"finishReason": reason} if reason else {})], "usageMetadata": counts}
        return _sse({**body, "modelVersion": "gemini-2.5-flash"}, end="\r\n"), text

    return [answer("Héllo"), answer(" there"), answer("!", "STOP")]


def _frame(kind: str, payload: Any) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, json.dumps(payload).encode())


def _converse() -> Events:
    tool = {"toolUse": {"toolUseId": "t1", "name": "f"}}
    return [
        (_frame("messageStart", {"role": "assistant"}), ""),
        (_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Héllo"}}), "Héllo"),
        (_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": " there"}}), " there"),
        (_frame("contentBlockStop", {"contentBlockIndex": 0}), ""),
        (_frame("contentBlockStart", {"contentBlockIndex": 1, "start": tool}), ""),
        (_frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"a'}}}), ""),
        (_frame("contentBlockStop", {"contentBlockIndex": 1}), ""),
        (_frame("messageStop", {"stopReason": "tool_use"}), ""),
        (_frame("metadata", {"usage": {"inputTokens": 4, "outputTokens": 5, "totalTokens": 9}, "metrics": {"latencyMs": 1}}), ""),
    ]


def _invoke() -> Events:
    def chunk(event: dict[str, Any]) -> bytes:
        return _frame("chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abc"})

    metrics = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 4, "outputTokenCount": 5}}
    return [(chunk(event | (metrics if event["type"] == "message_stop" else {})), text) for event, text in _anthropic()]


STREAMS = {
    "anthropic": Stream(AnthropicMessages(), SSE, [(_sse(event, name=event["type"]), text) for event, text in _anthropic()]),
    "chat": Stream(OpenAIChat(), SSE, _chat()),
    "chat-with-usage": Stream(OpenAIChat(), SSE, _chat(usage=None)),
    "responses": Stream(OpenAIResponses(), SSE, _responses()),
    "gemini": Stream(GoogleGenerate(), SSE, _gemini()),
    "converse": Stream(BedrockConverse(), FRAMES, _converse()),
    "invoke": Stream(BedrockInvoke(), FRAMES, _invoke()),
}
