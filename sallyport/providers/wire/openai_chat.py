"""OpenAI chat completions and legacy completions (https://platform.openai.com/docs/api-reference/chat), as many speak them.

A stream has its usage in an extra chunk with `choices: []`, and only when `stream_options.include_usage` asks for it.
Fireworks and others put it into the last chunk of text as well. `data: [DONE]` ends the stream, or an error does; some
(Perplexity) just stop once every choice has its `finish_reason` and the usage was told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, override

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Channel, Delta, Deltas
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.meters import JsonMeter, SseMeter, pick_meter
from sallyport.providers.wire.openai_chat_ending import OpenAIChatEnding
from sallyport.providers.wire.openai_usage import chat_usage
from sallyport.providers.wire.protected import PROTECTED, is_data_url
from sallyport.providers.wire.reading import asked, cap, count, decode, generated_chars, obj, objects, text, total_cap
from sallyport.providers.wire.sse import SseEvent

_GENERATED = frozenset({"content", "text", "reasoning_content", "reasoning", "refusal", "arguments", "transcript", "input"})


class OpenAIChat(WireFormat):
    """`asks_for_usage` is False for vendors that refuse `stream_options` and send the usage anyway."""

    name = "openai_chat"
    protected_keys = PROTECTED | {"tool_call_id", "file_id", "file_data", "data", "format"}
    user_data_keys = frozenset({"arguments"})

    def __init__(self, *, asks_for_usage: bool = True) -> None:
        self._asks_for_usage = asks_for_usage

    def protects(self, key: str, parent: JsonObject) -> bool:
        if key == "name":  # a user's `name` is read by the model; a tool's is matched to the letter
            return parent.get("role") != "user" and super().protects(key, parent)
        return super().protects(key, parent) or (key == "url" and is_data_url(parent.get(key)))

    def output_cap(self, body: JsonObject) -> int | None:
        return total_cap(cap(body, "max_completion_tokens", "max_tokens"), _answers(body))

    def prepare(self, body: JsonObject) -> bool:
        options = body.get("stream_options")
        if not self._asks_for_usage or not self.wants_stream(body) or not isinstance(options, dict | None):
            return False
        asked: JsonObject = cast(JsonObject, options or {})
        if asked.get("include_usage") is True:
            return False
        body["stream_options"] = {**asked, "include_usage": True}
        return True

    def deltas(self, event: JsonObject) -> Deltas:
        return chat_deltas(event)

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_document), sse=lambda: _StreamMeter(prepared=prepared))


def _answers(body: JsonObject) -> int:
    """How many answers one request asks for: `n` (or `best_of`, of which `n` are shown), for each of several legacy prompts."""
    prompt = body.get("prompt")
    entries = cast(list[Any], prompt) if isinstance(prompt, list) else []
    prompts = 1 if not entries or isinstance(entries[0], int) else len(entries)  # a list of integers is one prompt, in tokens
    return max(asked(body, "n", "best_of"), 1) * prompts


def chat_deltas(event: JsonObject) -> Deltas:
    pieces: list[Delta] = []
    ended: list[Channel] = []
    for choice in objects(event.get("choices")):
        index, delta = count(choice, "index"), obj(choice, "delta")
        calls = objects(delta.get("tool_calls"))
        said = [(choice, "text", False), (delta, "content", False), (delta, "refusal", False)]
        said += [(obj(delta, "audio"), "transcript", False), (obj(delta, "function_call"), "arguments", True)]
        pieces += [Delta((index, key), parent, key, escaped) for parent, key, escaped in said if text(parent, key) is not None]
        for call in calls:
            for parent, key, escaped in ((obj(call, "function"), "arguments", True), (obj(call, "custom"), "input", False)):
                if text(parent, key) is not None:
                    pieces.append(Delta((index, key, count(call, "index")), parent, key, escaped))
        if choice.get("finish_reason"):
            ended.append((index,))
        elif calls:
            ended.append((index, "content"))
    return Deltas(tuple(pieces), tuple(ended))


class _StreamMeter(SseMeter):
    _service_tier: str | None = None

    def __init__(self, *, prepared: bool) -> None:
        super().__init__(filters=prepared)
        self._prepared = prepared
        self._ending = OpenAIChatEnding()

    def closing(self, message: str, usage: Usage) -> bytes | None:
        return self._ending.bytes(message, usage, self.model, quiet=self._prepared)

    @override
    def finish(self) -> bytes:
        rest = super().finish()
        if self._ending.finished and self.partial:
            self._end()
        return rest

    def _end(self) -> None:
        self.usage = self.usage or self.partial
        self.complete = True

    def on_event(self, event: SseEvent) -> bool:
        if event.data == b"[DONE]":
            self._end()
            return True
        chunk = obj(decode(event.data))
        self._ending.read(chunk)
        self.model = text(chunk, "model") or self.model
        self._service_tier = text(chunk, "service_tier") or self._service_tier
        choices = objects(chunk.get("choices"))
        self.output_chars += generated_chars(choices, _GENERATED)
        usage = obj(chunk, "usage")
        if usage:
            self.partial = chat_usage(usage, self._service_tier)
            if not choices or any(choice.get("finish_reason") for choice in choices):
                self.usage = self.partial
        self.failed = self.failed or isinstance(chunk.get("error"), dict)
        self.complete = self.complete or self.failed
        return not usage or chunk.get("choices") != []


def _read_document(meter: Meter, document: Any) -> None:
    body = obj(document)
    meter.model = text(body, "model")
    meter.output_chars = generated_chars(body.get("choices"), _GENERATED)
    if usage := obj(body, "usage"):
        meter.usage = chat_usage(usage, text(body, "service_tier"))
