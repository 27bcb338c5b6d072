"""OpenAI's decisions (https://platform.openai.com/docs/api-reference/decisions): questions about a text, answered in numbers.

Of what `usage` counts, only the input is billed (https://platform.openai.com/docs/guides/decisions).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.meters import JsonMeter, pick_meter
from sallyport.providers.wire.protected import PROTECTED, is_data_url
from sallyport.providers.wire.reading import count, obj, text


class OpenAIDecisions(WireFormat):
    name = "openai_decisions"
    protected_keys = PROTECTED

    def protects(self, key: str, parent: JsonObject) -> bool:
        return super().protects(key, parent) or key == "file_id" or (key == "image_url" and is_data_url(parent.get(key)))

    def output_cap(self, body: JsonObject) -> int | None:
        return 0

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_document))


def _read_document(meter: Meter, document: Any) -> None:
    meter.model = text(obj(document), "model")
    if usage := obj(document, "usage"):
        meter.usage = Usage(input_tokens=count(usage, "input_tokens"))
