"""Anthropic messages (https://docs.claude.com/en/api/messages-streaming), also as spoken on Bedrock, Vertex and by others.

`input_tokens` leaves out what was read from or written to the cache. A stream names the input in `message_start`, cumulative
counts in `message_delta`, and ends with `message_stop` or `error`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Delta, Deltas
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.anthropic_ending import AnthropicEnding
from sallyport.providers.wire.ending import sse
from sallyport.providers.wire.meters import JsonMeter, SseMeter, pick_meter
from sallyport.providers.wire.protected import PROTECTED
from sallyport.providers.wire.reading import cap, count, decode, generated_chars, obj, objects, text
from sallyport.providers.wire.sse import SseEvent

_GENERATED = frozenset({"text", "thinking"})
_DELTAS = ("text", "partial_json", "thinking")
_THOUGHTS = ("thinking", "redacted_thinking")  # shown as a summary since Claude 4
_BILLED_APART = ("compaction", "advisor_message")  # iterations that the counts beside them leave out


class AnthropicMessages(WireFormat):
    name = "anthropic_messages"
    protected_keys = PROTECTED | {
        "cache_control",
        "container",
        "data",
        "encrypted_content",
        "encrypted_index",
        "file_id",
        "media_type",
        "signature",
        "tool_use_id",
    }
    user_data_keys = frozenset({"input"})

    def protects(self, key: str, parent: JsonObject) -> bool:
        if key == "data" and parent.get("type") == "text":  # a document given as plain text
            return False
        return super().protects(key, parent)

    def output_cap(self, body: JsonObject) -> int | None:
        return cap(body, "max_tokens")

    def deltas(self, event: JsonObject) -> Deltas:
        return anthropic_deltas(event)

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(read_anthropic_document), sse=_StreamMeter)


def anthropic_deltas(event: JsonObject) -> Deltas:
    block, delta = (count(event, "index"),), obj(event, "delta")
    match event.get("type"):
        case "content_block_delta":
            keys = (key for key in ("text", "partial_json") if text(delta, key) is not None)
            return Deltas(tuple(Delta(block, delta, key, escaped=key == "partial_json") for key in keys))
        case "content_block_stop":
            return Deltas(ended=(block,))
        case "message_delta" | "message_stop":
            return Deltas(ended=((),))
        case _:
            return Deltas()


class _StreamMeter(SseMeter):
    def __init__(self) -> None:
        super().__init__()
        self._reader = AnthropicReader(self)

    def on_event(self, event: SseEvent) -> bool:
        self._reader.read(obj(decode(event.data)))
        return True

    def closing(self, message: str, usage: Usage) -> bytes | None:
        events = self._reader.ending.events(message, usage, self.model)
        return None if events is None else b"".join(sse(event, event["type"]) for event in events)


class AnthropicReader:
    """Reads the events of an Anthropic stream into a meter, whatever they are framed in."""

    def __init__(self, meter: Meter) -> None:
        self.ending = AnthropicEnding()
        self._meter = meter
        self._usage: JsonObject = {}

    def read(self, event: JsonObject) -> None:
        meter = self._meter
        self.ending.read(event)
        match event.get("type"):
            case "content_block_delta":
                delta = obj(event, "delta")
                meter.output_chars += sum(len(text(delta, key) or "") for key in _DELTAS)
            case "content_block_start":
                meter.reasoned = meter.reasoned or obj(event, "content_block").get("type") in _THOUGHTS
            case "message_start":
                message = obj(event, "message")
                meter.model = text(message, "model")
                self._add(obj(message, "usage"))
            case "message_delta":
                if usage := obj(event, "usage"):
                    self._add(usage)
                    meter.usage = meter.partial
            case "message_stop" | "error" as kind:
                meter.complete, meter.failed = True, kind == "error"
            case _:
                pass

    def _add(self, usage: JsonObject) -> None:
        """Counts are cumulative, and a later event names only some."""
        self._usage |= {key: value for key, value in usage.items() if value is not None}
        self._meter.partial = anthropic_usage(self._usage)


def read_anthropic_document(meter: Meter, document: Any) -> None:
    body = obj(document)
    meter.model = text(body, "model")
    meter.output_chars = generated_chars(body.get("content"), _GENERATED, AnthropicMessages.user_data_keys)
    if usage := obj(body, "usage"):
        meter.usage = anthropic_usage(usage)


def anthropic_usage(usage: JsonObject) -> Usage:
    """All that is billed: the counts themselves and the iterations that they leave out."""
    total = Usage(
        web_searches=count(obj(usage, "server_tool_use"), "web_search_requests"), service_tier=text(usage, "service_tier")
    )
    for counts in (usage, *(entry for entry in objects(usage.get("iterations")) if entry.get("type") in _BILLED_APART)):
        by_life = obj(counts, "cache_creation")
        one_hour = count(by_life, "ephemeral_1h_input_tokens")
        written = max(count(counts, "cache_creation_input_tokens"), count(by_life, "ephemeral_5m_input_tokens") + one_hour)
        read = count(counts, "cache_read_input_tokens")
        total.input_tokens += count(counts, "input_tokens") + read + written
        total.output_tokens += count(counts, "output_tokens")
        total.cache_read_tokens += read
        total.cache_write_tokens += written
        total.cache_write_1h_tokens += one_hour
        total.reasoning_tokens += count(obj(counts, "output_tokens_details"), "thinking_tokens")
    return total
