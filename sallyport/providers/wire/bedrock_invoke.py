"""Bedrock's InvokeModel and InvokeModelWithResponseStream
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html).

Request and answer are the model's own. Bedrock itself counts in the headers `x-amzn-bedrock-…-token-count`, and at the end of a
stream in `amazon-bedrock-invocationMetrics`, an entry of the last chunk; both leave cached input out. A chunk is JSON in base64.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Delta, Deltas
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.anthropic_messages import AnthropicMessages, AnthropicReader, anthropic_deltas, anthropic_usage
from sallyport.providers.wire.bedrock_converse import BedrockConverse, converse_deltas, converse_usage
from sallyport.providers.wire.bedrock_ending import chunk, exception
from sallyport.providers.wire.eventstream import Frame
from sallyport.providers.wire.meters import FrameMeter, JsonMeter, pick_meter
from sallyport.providers.wire.openai_chat import chat_deltas
from sallyport.providers.wire.openai_usage import chat_usage
from sallyport.providers.wire.reading import cap, count, decode, generated_chars, obj, objects, text

_METRICS = "amazon-bedrock-invocationMetrics"
_GENERATED = frozenset(
    {"text", "content", "thinking", "outputText", "generation", "completion", "arguments", "reasoning_content"}
)
_SAID = ("outputText", "generation", "completion", "text")
_STOPS = ("completionReason", "stop_reason")
_CAPS = ("max_tokens", "max_completion_tokens", "max_gen_len", "max_tokens_to_sample")


class BedrockInvoke(WireFormat):
    name = "bedrock_invoke"
    protected_keys = AnthropicMessages.protected_keys | BedrockConverse.protected_keys
    user_data_keys = AnthropicMessages.user_data_keys | BedrockConverse.user_data_keys

    def protects(self, key: str, parent: JsonObject) -> bool:
        if key == "data" and parent.get("type") == "text":  # a document given as plain text
            return False
        return super().protects(key, parent)

    def model(self, body: JsonObject) -> str | None:
        return None  # the path names it

    def wants_stream(self, body: JsonObject) -> bool:
        return False  # the path says it

    def output_cap(self, body: JsonObject) -> int | None:
        for config, keys in (
            (body, _CAPS),  # Anthropic, Mistral, Cohere, OpenAI | OpenAI | Llama | old Claude
            (obj(body, "inferenceConfig"), ("maxTokens", "max_new_tokens")),  # Nova
            (obj(body, "textGenerationConfig"), ("maxTokenCount",)),  # Titan
        ):
            tokens = cap(config, *keys)
            if tokens is not None:
                return tokens
        return None

    def deltas(self, event: JsonObject) -> Deltas:
        if "type" in event:
            return anthropic_deltas(event)
        if "choices" in event:
            return chat_deltas(event)
        for kind in ("contentBlockDelta", "contentBlockStart", "contentBlockStop", "messageStop"):  # Nova
            if kind in event:
                return converse_deltas(obj(event, kind))
        parents = (event, *objects(event.get("outputs")))  # Titan, Llama, old Claude | Mistral
        pieces = [Delta((key,), parent, key) for parent in parents for key in _SAID if text(parent, key) is not None]
        over = any(parent.get(reason) for parent in parents for reason in _STOPS) or _METRICS in event
        return Deltas(tuple(pieces), ((),) if over else ())

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        counted = _usage_of_headers(headers)

        def read(meter: Meter, document: Any) -> None:
            body = obj(document)
            meter.model = text(body, "model")
            meter.output_chars = generated_chars(body, _GENERATED, frozenset({"input"}))
            meter.usage = _usage_of_body(obj(body, "usage")) or counted

        return pick_meter(status, headers, json=lambda: JsonMeter(read), frames=_StreamMeter)


class _StreamMeter(FrameMeter):
    def __init__(self) -> None:
        super().__init__()
        self._anthropic = AnthropicReader(self)
        self._is_anthropic = False

    def closing(self, message: str, usage: Usage) -> bytes | None:
        """By text in Anthropic's events; other models' streams by an exception, which needs no knowledge of them."""
        events = self._anthropic.ending.events(message, usage, self.model)
        if events is None:
            return None
        if not self._is_anthropic or events[0]["type"] == "error":
            return exception(message)
        return b"".join(map(chunk, events))

    def on_frame(self, frame: Frame) -> None:
        if frame.is_error:
            self.complete = self.failed = True
            return
        event = obj(_chunk(frame))
        metrics = event.pop(_METRICS, None)
        if "type" in event:
            self._is_anthropic = True
            self._anthropic.read(event)
        else:
            self.output_chars += generated_chars(event, _GENERATED)
        if isinstance(metrics, dict):
            self.usage = self.usage or _usage_of_metrics(obj(metrics))
            self.complete = True


def _chunk(frame: Frame) -> Any:
    encoded = text(obj(decode(frame.payload)), "bytes")
    if encoded is None:
        return None
    try:
        return decode(binascii.a2b_base64(encoded))
    except ValueError:
        return None


def _usage_of_body(usage: JsonObject) -> Usage | None:
    if "input_tokens" in usage:
        return anthropic_usage(usage)
    if "prompt_tokens" in usage:
        return chat_usage(usage)
    return converse_usage(usage) if "inputTokens" in usage else None


def _usage_of_metrics(metrics: JsonObject) -> Usage:
    names = {
        "inputTokens": "inputTokenCount",
        "outputTokens": "outputTokenCount",
        "cacheReadInputTokens": "cacheReadInputTokenCount",
        "cacheWriteInputTokens": "cacheWriteInputTokenCount",
    }
    return converse_usage({name: count(metrics, metric) for name, metric in names.items()})


def _usage_of_headers(headers: Mapping[str, str]) -> Usage | None:
    names = {
        "inputTokens": "input-token-count",
        "outputTokens": "output-token-count",
        "cacheReadInputTokens": "cache-read-input-token-count",
        "cacheWriteInputTokens": "cache-write-input-token-count",
    }
    found = {name: headers.get(f"x-amzn-bedrock-{header}", "") for name, header in names.items()}
    counts: JsonObject = {name: int(value) for name, value in found.items() if value.isdecimal() and len(value) < 19}
    return converse_usage(counts) if "inputTokens" in counts else None
