"""OpenAI Responses (https://platform.openai.com/docs/api-reference/responses).

A stream ends with `response.completed`, `.incomplete` or `.failed`, which hold the whole response and its usage, or with `error`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Delta, Deltas
from sallyport.providers.usage import Meter, Tally, Usage
from sallyport.providers.wire.meters import JsonMeter, SseMeter, pick_meter
from sallyport.providers.wire.openai_responses_ending import OpenAIResponsesEnding
from sallyport.providers.wire.openai_usage import responses_usage
from sallyport.providers.wire.protected import PROTECTED, is_data_url
from sallyport.providers.wire.reading import cap, count, decode, generated_chars, obj, objects, text
from sallyport.providers.wire.sse import SseEvent

_GENERATED = frozenset({"text", "refusal", "arguments", "input", "code"})
_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
_FAILED = frozenset({"response.failed", "error"})
_SAID = frozenset(
    {
        "response.audio.transcript.delta",
        "response.code_interpreter_call_code.delta",
        "response.custom_tool_call_input.delta",
        "response.output_text.delta",
        "response.refusal.delta",
    }
)
_ARGUMENTS = frozenset({"response.function_call_arguments.delta", "response.mcp_call_arguments.delta"})
_NOT_TEXT = frozenset({"response.audio.delta"})  # base64


class OpenAIResponses(WireFormat):
    name = "openai_responses"
    protected_keys = PROTECTED | {
        "call_id",
        "conversation",
        "encrypted_content",
        "file_data",
        "file_id",
        "item_id",
        "previous_response_id",
        "status",
        "stream_id",
    }
    user_data_keys = frozenset({"arguments"})

    def protects(self, key: str, parent: JsonObject) -> bool:
        if key == "result":  # base64 of an image made earlier in the conversation
            return parent.get("type") == "image_generation_call"
        return super().protects(key, parent) or (key == "image_url" and is_data_url(parent.get(key)))

    def output_cap(self, body: JsonObject) -> int | None:
        return 0 if body.get("generate") is False else cap(body, "max_output_tokens")

    def counted(self, body: JsonObject) -> bool:
        return not body.get("background")  # answered before it is made

    def deltas(self, event: JsonObject) -> Deltas:
        kind, lane = text(event, "type") or "", text(event, "stream_id")
        item = (lane, count(event, "output_index"))
        if kind in _SAID or kind in _ARGUMENTS:
            channel = (*item, count(event, "content_index"))
            return Deltas(
                (Delta(channel, event, "delta", escaped=kind in _ARGUMENTS),) if text(event, "delta") is not None else ()
            )
        if kind in _TERMINAL:
            return Deltas(ended=((lane,),))
        return Deltas(ended=(item,) if kind.endswith(".done") else ())

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_document), sse=_StreamMeter)


class _StreamMeter(SseMeter):
    def __init__(self) -> None:
        super().__init__()
        self._ending = OpenAIResponsesEnding()

    def closing(self, message: str, usage: Usage) -> bytes | None:
        return self._ending.bytes(message, usage, self.model)

    def on_event(self, event: SseEvent) -> bool:
        body = obj(decode(event.data))
        kind = text(body, "type") or event.name
        self._ending.read(kind, body)
        read_event(self, body, kind)
        return True


def read_event(tally: Tally, event: JsonObject, kind: str) -> None:
    """Take note of one event of an answer, as it stands in a stream or on a WebSocket."""
    if kind.endswith(".delta") and kind not in _NOT_TEXT:
        tally.output_chars += len(text(event, "delta") or "")
        return
    tally.reasoned = tally.reasoned or obj(event, "item").get("type") == "reasoning"
    response = obj(event, "response")
    tally.model = text(response, "model") or tally.model
    if kind in _TERMINAL:
        _read_usage(tally, response)
        tally.complete, tally.failed = True, kind in _FAILED


def _read_document(meter: Meter, document: Any) -> None:
    body = obj(document)
    meter.model = text(body, "model")
    meter.output_chars = generated_chars(body.get("output"), _GENERATED)
    _read_usage(meter, body)


def _read_usage(tally: Tally, response: JsonObject) -> None:
    """The tokens, and the searches among the output's items, which are billed by the piece
    (https://platform.openai.com/docs/pricing: each `search` of a web search call; opening a page is free)."""
    usage = obj(response, "usage")
    if not usage:
        return
    tally.usage = responses_usage(usage, text(response, "service_tier"))
    for item in objects(response.get("output")):
        if item.get("type") == "web_search_call" and obj(item, "action").get("type", "search") == "search":
            tally.usage.web_searches += 1
        tally.usage.file_searches += item.get("type") == "file_search_call"
