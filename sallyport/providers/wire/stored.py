"""What is stored at a provider for a model to read later: conversations, threads, assistants, files, the lines of a batch."""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.usage import Meter
from sallyport.providers.wire.meters import Unmetered
from sallyport.providers.wire.protected import PROTECTED, is_data_url

_MEDIA = frozenset({"b64_json", "bytes", "data", "encrypted_content", "file_data", "signature", "thoughtSignature"})


class Stored(WireFormat):
    """Nothing is generated. Ids and what is addressed by them stay as they are; all else is looked at."""

    name = "stored"
    protected_keys = (
        PROTECTED | _MEDIA | {"endpoint", "format", "media_type", "method", "mimeType", "object", "purpose", "status"}
    )
    user_data_keys = frozenset({"arguments", "args", "input", "metadata"})

    def protects(self, key: str, parent: JsonObject) -> bool:
        value = parent.get(key)
        if not isinstance(value, str):
            return False
        if key in ("url", "image_url"):
            return value.startswith("/") or is_data_url(value)  # of a batch's line: which path it goes to
        if (key == "data" and parent.get("type") == "text") or (key == "name" and parent.get("role") == "user"):
            return False  # a document given as plain text; who speaks
        return super().protects(key, parent) or key.endswith("_id")

    def output_cap(self, body: JsonObject) -> int | None:
        return 0

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return Unmetered()
