"""OpenAI image generation (https://platform.openai.com/docs/api-reference/images): tokens of the gpt-image models, in the
answer or in a stream's `image_generation.completed`. The dall-e models name none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, Meter, WireFormat
from sallyport.providers.wire.meters import JsonMeter, SseMeter, pick_meter
from sallyport.providers.wire.openai_usage import responses_usage
from sallyport.providers.wire.protected import PROTECTED
from sallyport.providers.wire.reading import decode, obj
from sallyport.providers.wire.sse import SseEvent


class OpenAIImages(WireFormat):
    name = "openai_images"
    protected_keys = PROTECTED

    def output_cap(self, body: JsonObject) -> int | None:
        return None

    def counted(self, body: JsonObject) -> bool:
        return "gpt-image" in (self.model(body) or "")

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_document), sse=_StreamMeter)


class _StreamMeter(SseMeter):
    def on_event(self, event: SseEvent) -> bool:
        body = obj(decode(event.data))
        if body.get("type") in ("image_generation.completed", "error"):
            _read_document(self, body)
            self.complete = True
        return True


def _read_document(meter: Meter, document: Any) -> None:
    if usage := obj(document, "usage"):
        meter.usage = responses_usage(usage)
        if not obj(usage, "output_tokens_details"):  # older models do not split them: what they make are pictures
            meter.usage.output_image_tokens = meter.usage.output_tokens
