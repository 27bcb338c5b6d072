"""OpenAI embeddings (https://platform.openai.com/docs/api-reference/embeddings), and rerankers that count the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.usage import Meter
from sallyport.providers.wire.meters import JsonMeter, pick_meter
from sallyport.providers.wire.openai_usage import chat_usage
from sallyport.providers.wire.reading import obj, text


class OpenAIEmbeddings(WireFormat):
    name = "openai_embeddings"
    protected_keys = frozenset({"model", "encoding_format"})

    def output_cap(self, body: JsonObject) -> int | None:
        return 0

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_document))


def _read_document(meter: Meter, document: Any) -> None:
    meter.model = text(obj(document), "model")
    if usage := obj(document, "usage"):
        meter.usage = chat_usage(usage)
