"""Streamed answers in each format, as their vendors document them: made of given pieces of text, and put together as SDKs do."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.bedrock_converse import BedrockConverse
from sallyport.providers.wire.bedrock_invoke import BedrockInvoke
from sallyport.providers.wire.cohere import CohereChat
from sallyport.providers.wire.eventstream import EventStreamDecoder, encode_frame
from sallyport.providers.wire.google_generate import GoogleGenerate
from sallyport.providers.wire.ollama import Ollama
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_responses import OpenAIResponses
from sallyport.providers.wire.sse import SseParser

Pieces = Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """`write(pieces)` is a stream; `read` puts the text together that its client would have."""

    name: str
    wire: WireFormat
    media_type: str
    write: Callable[[Pieces], bytes]
    read: Callable[[bytes], str]
    escaped: bool = False
    """The text is a tool's arguments, JSON."""

    def __str__(self) -> str:
        return self.name


def _sse(events: Iterable[JsonObject], *, named: bool = False, last: bytes = b"") -> bytes:
    heads = ((f"event: {event['type']}\n" if named else "", event) for event in events)
    return b"".join(f"{head}data: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for head, event in heads) + last


def _events(data: bytes) -> list[JsonObject]:
    return [json.loads(event.data) for event in SseParser().feed(data) if event.data not in (b"", b"[DONE]")]


def _anthropic(delta: Callable[[str], JsonObject], block: JsonObject) -> Callable[[Pieces], list[JsonObject]]:
    def events(pieces: Pieces) -> list[JsonObject]:
        said: list[JsonObject] = [{"type": "content_block_delta", "index": 1, "delta": delta(piece)} for piece in pieces]
        return [
            {"type": "message_start", "message": {"id": "msg_1", "content": [], "usage": {"input_tokens": 1}}},
            {"type": "content_block_start", "index": 1, "content_block": block},
            *said[:1],
            {"type": "ping"},
            *said[1:],
            {"type": "content_block_stop", "index": 1},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
            {"type": "message_stop"},
        ]

    return events


_anthropic_text = _anthropic(lambda piece: {"type": "text_delta", "text": piece}, {"type": "text", "text": ""})
_anthropic_tool = _anthropic(
    lambda piece: {"type": "input_json_delta", "partial_json": piece},
    {"type": "tool_use", "id": "toolu_1", "name": "write", "input": {}},
)


def _read_anthropic(events: Iterable[JsonObject]) -> str:
    """A delta that comes after its block's stop would be lost."""
    text, stopped = "", False
    for event in events:
        stopped = stopped or event["type"] == "content_block_stop"
        if event["type"] == "content_block_delta":
            assert not stopped
            text += event["delta"].get("text") or event["delta"].get("partial_json") or ""
    return text


def _chat(said: Callable[[str], JsonObject]) -> Callable[[Pieces], bytes]:
    def write(pieces: Pieces) -> bytes:
        def chunk(delta: JsonObject, finish: str | None = None) -> JsonObject:
            return {"id": "1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None}

        events = [chunk({"role": "assistant", "content": ""}), *(chunk(said(piece)) for piece in pieces), chunk({}, "stop")]
        return _sse([*events, {"id": "1", "choices": [], "usage": {"prompt_tokens": 1}}], last=b"data: [DONE]\n\n")

    return write


def _read_chat(data: bytes) -> str:
    assert data.endswith(b"data: [DONE]\n\n")
    text, finished = "", False
    for event in _events(data):
        for choice in event["choices"]:
            delta = choice["delta"]
            piece: str = (
                "".join(call["function"]["arguments"] for call in delta.get("tool_calls", ())) or delta.get("content") or ""
            )
            assert not (finished and piece)
            text += piece
            finished = finished or choice["finish_reason"] is not None
    return text


def _responses(kind: str, item: Callable[[str], JsonObject]) -> Callable[[Pieces], bytes]:
    def write(pieces: Pieces) -> bytes:
        whole, place = "".join(pieces), {"item_id": "item_1", "output_index": 0}
        events: list[JsonObject] = [{"type": "response.created", "response": {"id": "resp_1", "output": []}}]
        events += [{"type": f"response.{kind}.delta", **place, "content_index": 0, "delta": piece} for piece in pieces]
        field = "text" if kind == "output_text" else "arguments"
        events += [{"type": f"response.{kind}.done", **place, "content_index": 0, field: whole}]
        events += [{"type": "response.output_item.done", "output_index": 0, "item": item(whole)}]
        events += [{"type": "response.completed", "response": {"id": "resp_1", "output": [item(whole)], "error": None}}]
        return _sse(events, named=True)

    return write


def _read_responses(data: bytes) -> str:
    """The pieces together, the whole text, the item and the response must all say the same."""
    events = _events(data)
    pieces = "".join(event["delta"] for event in events if event["type"].endswith(".delta"))
    done = next(event for event in events if event["type"].endswith((".output_text.done", "arguments.done")))
    (item,) = events[-1]["response"]["output"]
    assert done.get("text", done.get("arguments")) == pieces
    assert item == events[-2]["item"]
    assert (item["content"][0]["text"] if "content" in item else item["arguments"]) == pieces
    assert events.index(done) > max(place for place, event in enumerate(events) if event["type"].endswith(".delta"))
    return pieces


def _google(pieces: Pieces) -> list[JsonObject]:
    def answer(text: str, **more: Any) -> JsonObject:
        return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **more}]}

    return [*(answer(piece) for piece in pieces[:-1]), answer(pieces[-1], finishReason="STOP") | {"usageMetadata": {}}]


def _read_google(answers: Iterable[JsonObject]) -> str:
    return "".join(part["text"] for answer in answers for part in answer["candidates"][0]["content"]["parts"])


def _frame(kind: str, payload: JsonObject) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, json.dumps(payload).encode())


def _converse(said: Callable[[str], JsonObject]) -> Callable[[Pieces], bytes]:
    def write(pieces: Pieces) -> bytes:
        deltas = (_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": said(piece), "p": "ab"}) for piece in pieces)
        start = _frame("messageStart", {"role": "assistant"}) + _frame("contentBlockStart", {"contentBlockIndex": 0, "start": {}})
        stop = _frame("contentBlockStop", {"contentBlockIndex": 0}) + _frame("messageStop", {"stopReason": "end_turn"})
        return start + b"".join(deltas) + stop + _frame("metadata", {"usage": {"inputTokens": 1}})

    return write


def _read_converse(data: bytes) -> str:
    text = ""
    for frame in EventStreamDecoder().feed(data):
        if frame.event_type == "contentBlockDelta":
            delta = json.loads(frame.payload)["delta"]
            text += delta["text"] if "text" in delta else delta["toolUse"]["input"]
    return text


def _invoke(pieces: Pieces) -> bytes:
    chunks = (base64.b64encode(json.dumps(event).encode()).decode() for event in _anthropic_tool(pieces))
    return b"".join(_frame("chunk", {"bytes": chunk, "p": "abcdef"}) for chunk in chunks)


def _read_invoke(data: bytes) -> str:
    frames = EventStreamDecoder().feed(data)
    return _read_anthropic(json.loads(base64.b64decode(json.loads(frame.payload)["bytes"])) for frame in frames)


def _cohere(pieces: Pieces) -> bytes:
    events: list[JsonObject] = [{"type": "content-start", "index": 0}]
    events += [{"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}} for piece in pieces]
    return _sse([*events, {"type": "content-end", "index": 0}, {"type": "message-end", "delta": {}}], named=True)


def _read_cohere(data: bytes) -> str:
    events = _events(data)
    return "".join(event["delta"]["message"]["content"]["text"] for event in events if event["type"] == "content-delta")


def _ollama(pieces: Pieces) -> bytes:
    lines: list[JsonObject] = [{"message": {"role": "assistant", "content": piece}, "done": False} for piece in pieces]
    lines.append({"message": {"role": "assistant", "content": ""}, "done": True, "eval_count": 3})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _read_ollama(data: bytes) -> str:
    return "".join(json.loads(line)["message"]["content"] for line in data.splitlines())


def _message(whole: str) -> JsonObject:
    return {"type": "message", "content": [{"type": "output_text", "text": whole}]}


def _function_call(whole: str) -> JsonObject:
    return {"type": "function_call", "call_id": "call_1", "arguments": whole}


SSE, FRAMES, JSON, LINES = "text/event-stream", "application/vnd.amazon.eventstream", "application/json", "application/x-ndjson"
ANSWERS = (
    Answer(
        "anthropic",
        AnthropicMessages(),
        SSE,
        lambda pieces: _sse(_anthropic_text(pieces), named=True),
        lambda data: _read_anthropic(_events(data)),
    ),
    Answer(
        "anthropic tool",
        AnthropicMessages(),
        SSE,
        lambda pieces: _sse(_anthropic_tool(pieces), named=True),
        lambda data: _read_anthropic(_events(data)),
        escaped=True,
    ),
    Answer("chat", OpenAIChat(), SSE, _chat(lambda piece: {"content": piece}), _read_chat),
    Answer(
        "chat tool",
        OpenAIChat(),
        SSE,
        _chat(lambda piece: {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
        _read_chat,
        escaped=True,
    ),
    Answer("responses", OpenAIResponses(), SSE, _responses("output_text", _message), _read_responses),
    Answer(
        "responses tool",
        OpenAIResponses(),
        SSE,
        _responses("function_call_arguments", _function_call),
        _read_responses,
        escaped=True,
    ),
    Answer("google", GoogleGenerate(), SSE, lambda pieces: _sse(_google(pieces)), lambda data: _read_google(_events(data))),
    Answer(
        "google array",
        GoogleGenerate(),
        JSON,
        lambda pieces: json.dumps(_google(pieces), indent=2).encode(),
        lambda data: _read_google(json.loads(data)),
    ),
    Answer("converse", BedrockConverse(), FRAMES, _converse(lambda piece: {"text": piece}), _read_converse),
    Answer(
        "converse tool",
        BedrockConverse(),
        FRAMES,
        _converse(lambda piece: {"toolUse": {"input": piece}}),
        _read_converse,
        escaped=True,
    ),
    Answer("invoke tool", BedrockInvoke(), FRAMES, _invoke, _read_invoke, escaped=True),
    Answer("cohere", CohereChat(), SSE, _cohere, _read_cohere),
    Answer("ollama", Ollama(), LINES, _ollama, _read_ollama),
)
