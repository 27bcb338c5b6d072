"""Anthropic's text completions, the API before messages (https://docs.claude.com/en/api/complete): answers that count nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.usage import Meter
from sallyport.providers.wire.meters import JsonMeter, SseMeter, pick_meter
from sallyport.providers.wire.protected import PROTECTED
from sallyport.providers.wire.reading import cap, decode, obj, text
from sallyport.providers.wire.sse import SseEvent


class AnthropicComplete(WireFormat):
    name = "anthropic_complete"
    protected_keys = PROTECTED

    def output_cap(self, body: JsonObject) -> int | None:
        return cap(body, "max_tokens_to_sample")

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read), sse=_StreamMeter)


class _StreamMeter(SseMeter):
    def on_event(self, event: SseEvent) -> bool:
        body = obj(decode(event.data))
        _read(self, body)
        self.complete = self.complete or bool(body.get("stop_reason")) or body.get("type") == "error"
        return True


def _read(meter: Meter, document: Any) -> None:
    body = obj(document)
    meter.model = text(body, "model") or meter.model
    meter.output_chars += len(text(body, "completion") or "")
