"""Google's embeddings: embedContent, batchEmbedContents (Gemini) and predict (Vertex).

Vertex counts per prediction (`embeddings.statistics.token_count`), newer models in `usageMetadata`; Gemini may name nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.google_generate import GoogleGenerate, google_usage
from sallyport.providers.wire.meters import JsonMeter, pick_meter
from sallyport.providers.wire.reading import count, obj, objects


class GoogleEmbed(WireFormat):
    name = "google_embed"
    protected_keys = GoogleGenerate.protected_keys | {"bytesBase64Encoded"}

    def output_cap(self, body: JsonObject) -> int | None:
        return 0

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_document))


def _read_document(meter: Meter, document: Any) -> None:
    if usage := obj(document, "usageMetadata"):
        meter.usage = google_usage(usage)
        return
    statistics = [obj(prediction, "embeddings", "statistics") for prediction in objects(obj(document).get("predictions"))]
    if any(statistics):
        meter.usage = Usage(input_tokens=sum(count(entry, "token_count") for entry in statistics))
