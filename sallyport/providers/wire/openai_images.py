"""OpenAI's images (https://platform.openai.com/docs/api-reference/images): tokens of the gpt-image models, in the answer or in a
stream's `image_generation.completed` or `image_edit.completed`. The dall-e models name none. Edits may come as a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sallyport.providers.base import MOST_OUTPUT_TOKENS, JsonObject, WireFormat
from sallyport.providers.usage import File, Meter, Usage
from sallyport.providers.wire.meters import JsonMeter, SseMeter, pick_meter
from sallyport.providers.wire.openai_usage import responses_usage
from sallyport.providers.wire.protected import PROTECTED
from sallyport.providers.wire.reading import asked, decode, obj
from sallyport.providers.wire.sse import SseEvent

_OF_A_PICTURE = 1_500
"""Tokens: of one that is read, or made in medium quality (https://platform.openai.com/docs/guides/image-generation)."""
_MOST_OF_A_PICTURE = 8_000
"""Of one that is read with high fidelity."""


class OpenAIImages(WireFormat):
    name = "openai_images"
    protected_keys = PROTECTED | {"background", "input_fidelity", "output_format", "quality", "response_format", "size"}

    def wants_stream(self, body: JsonObject) -> bool:
        return body.get("stream") in (True, "true")  # a form has text only

    def output_cap(self, body: JsonObject) -> int | None:
        return None

    def estimate(self, body: JsonObject, size: int, files: Sequence[File], *, worst: bool) -> Usage | None:
        """Of a form, whose pictures are not in its text."""
        if not files:
            return None
        pictures = len(files) * (_MOST_OF_A_PICTURE if worst else _OF_A_PICTURE)
        made = (MOST_OUTPUT_TOKENS if worst else _OF_A_PICTURE) * max(asked(body, "n"), 1)
        words = size if worst else -(-size // 3)
        return Usage(words + pictures, made, input_image_tokens=pictures, output_image_tokens=made)

    def counted(self, body: JsonObject) -> bool:
        return "gpt-image" in (self.model(body) or "")

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_document), sse=_StreamMeter)


class _StreamMeter(SseMeter):
    def on_event(self, event: SseEvent) -> bool:
        body = obj(decode(event.data))
        if body.get("type") in ("image_generation.completed", "image_edit.completed", "error"):
            _read_document(self, body)
            self.complete = True
        return True


def _read_document(meter: Meter, document: Any) -> None:
    if usage := obj(document, "usage"):
        meter.usage = responses_usage(usage)
        if not obj(usage, "output_tokens_details"):  # older models do not split them: what they make are pictures
            meter.usage.output_image_tokens = meter.usage.output_tokens
