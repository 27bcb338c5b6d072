"""Bedrock's Converse and ConverseStream (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).

`inputTokens` leaves out what was read from or written to the cache. A stream ends with a `metadata` frame, which holds the usage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Delta, Deltas
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.bedrock_ending import ConverseEnding
from sallyport.providers.wire.eventstream import Frame
from sallyport.providers.wire.meters import FrameMeter, JsonMeter, pick_meter
from sallyport.providers.wire.protected import PROTECTED
from sallyport.providers.wire.reading import cap, count, decode, generated_chars, obj, objects, text

_GENERATED = frozenset({"text"})


class BedrockConverse(WireFormat):
    name = "bedrock_converse"
    protected_keys = PROTECTED | {"bytes", "format", "redactedContent", "signature", "toolUseId"}
    user_data_keys = frozenset({"input", "json"})

    def model(self, body: JsonObject) -> str | None:
        return None  # the path names it

    def wants_stream(self, body: JsonObject) -> bool:
        return False  # the path says it

    def output_cap(self, body: JsonObject) -> int | None:
        return cap(obj(body, "inferenceConfig"), "maxTokens")

    def deltas(self, event: JsonObject) -> Deltas:
        return converse_deltas(event)

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_document), frames=_StreamMeter)


def converse_deltas(event: JsonObject) -> Deltas:
    """Of an event's payload, by its fields: its kind stands in the frame's headers."""
    block, delta = (count(event, "contentBlockIndex"),), obj(event, "delta")
    said = ((delta, "text", False), (obj(delta, "toolUse"), "input", True))
    pieces = tuple(Delta(block, parent, key, escaped) for parent, key, escaped in said if text(parent, key) is not None)
    if "stopReason" in event or "usage" in event:
        return Deltas(pieces, ((),))
    return Deltas(pieces, () if "delta" in event or "start" in event else (block,))


class _StreamMeter(FrameMeter):
    def __init__(self) -> None:
        super().__init__()
        self._ending = ConverseEnding()

    def closing(self, message: str, usage: Usage) -> bytes | None:
        return self._ending.bytes(message, usage)

    def on_frame(self, frame: Frame) -> None:
        event = obj(decode(frame.payload))
        self._ending.read(frame, event)
        self.output_chars += generated_chars(event.get("delta"), _GENERATED, frozenset({"input"}))
        self.reasoned = self.reasoned or "reasoningContent" in obj(event, "delta")
        if frame.event_type == "metadata":
            if usage := obj(event, "usage"):
                self.usage = converse_usage(usage)
            self.complete = True
        elif frame.is_error:
            self.complete = self.failed = True


def _read_document(meter: Meter, document: Any) -> None:
    body = obj(document)
    meter.output_chars = generated_chars(body.get("output"), _GENERATED, frozenset({"input"}))
    if usage := obj(body, "usage"):
        meter.usage = converse_usage(usage)


def converse_usage(usage: JsonObject) -> Usage:
    read, written = count(usage, "cacheReadInputTokens"), count(usage, "cacheWriteInputTokens")
    return Usage(
        input_tokens=count(usage, "inputTokens") + read + written,
        output_tokens=count(usage, "outputTokens"),
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=sum(
            count(entry, "inputTokens") for entry in objects(usage.get("cacheDetails")) if entry.get("ttl") == "1h"
        ),
    )
