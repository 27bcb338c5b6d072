"""Google's interactions (https://ai.google.dev/api/interactions-api): one turn, whole or as events up to `interaction.completed`.

`total_input_tokens` includes cached tokens, not what tools read; `total_output_tokens` leaves thoughts out. An agent, and what
runs in the background, is at work after it has answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.google_generate import billed_searches
from sallyport.providers.wire.meters import JsonMeter, SseMeter, pick_meter
from sallyport.providers.wire.protected import PROTECTED
from sallyport.providers.wire.reading import cap, count, decode, generated_chars, obj, objects, text
from sallyport.providers.wire.sse import SseEvent

_GENERATED = frozenset({"text", "code"})


class GoogleInteractions(WireFormat):
    name = "google_interactions"
    protected_keys = PROTECTED | {
        "agent",
        "call_id",
        "data",
        "mime_type",
        "previous_interaction_id",
        "response_mime_type",
        "service_tier",
        "signature",
    }
    user_data_keys = frozenset({"arguments", "result"})

    def output_cap(self, body: JsonObject) -> int | None:
        return cap(obj(body, "generation_config"), "max_output_tokens")

    def counted(self, body: JsonObject) -> bool:
        return body.get("background") is not True and "agent" not in body

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read), sse=_StreamMeter)


class _StreamMeter(SseMeter):
    def on_event(self, event: SseEvent) -> bool:
        body = obj(decode(event.data))
        kind, delta = body.get("event_type"), obj(body, "delta")
        self.output_chars += generated_chars(delta, _GENERATED, frozenset({"arguments"}))
        self.reasoned = self.reasoned or text(delta, "type") in ("thought_summary", "thought_signature")
        _read(self, obj(body, "interaction"))
        usage = obj(body, "metadata", "usage")
        if usage and self.usage is None:
            self.partial = _usage(usage, self.model)
        if kind == "interaction.completed":
            self.usage = self.usage or self.partial
        self.complete = self.complete or kind in ("interaction.completed", "error")
        return True


def _read(meter: Meter, document: Any) -> None:
    body = obj(document)
    meter.model = text(body, "model") or meter.model
    meter.output_chars += sum(generated_chars(step, _GENERATED) for step in objects(body.get("steps")))
    if usage := obj(body, "usage"):
        meter.usage = _usage(usage, meter.model)


def _usage(usage: JsonObject, model: str | None) -> Usage:
    thoughts = count(usage, "total_thought_tokens")
    searches = [tool for tool in objects(usage.get("grounding_tool_count")) if tool.get("type") == "google_search"]
    return Usage(
        input_tokens=count(usage, "total_input_tokens") + count(usage, "total_tool_use_tokens"),
        output_tokens=count(usage, "total_output_tokens") + thoughts,
        cache_read_tokens=count(usage, "total_cached_tokens"),
        reasoning_tokens=thoughts,
        input_audio_tokens=_of(usage, "input", "audio"),
        output_audio_tokens=_of(usage, "output", "audio"),
        input_image_tokens=_of(usage, "input", "image"),
        output_image_tokens=_of(usage, "output", "image"),
        input_video_tokens=_of(usage, "input", "video"),
        output_video_tokens=_of(usage, "output", "video"),
        cache_read_audio_tokens=_of(usage, "cached", "audio"),
        cache_read_image_tokens=_of(usage, "cached", "image"),
        web_searches=billed_searches(sum(count(tool, "count") for tool in searches), model or ""),
    )


def _of(usage: JsonObject, what: str, modality: str) -> int:
    entries = objects(usage.get(f"{what}_tokens_by_modality"))
    return sum(count(entry, "tokens") for entry in entries if entry.get("modality") == modality)
