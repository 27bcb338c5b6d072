"""OpenAI Realtime (https://platform.openai.com/docs/api-reference/realtime): how its messages and its REST requests look."""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Delta, Deltas
from sallyport.providers.usage import Meter
from sallyport.providers.wire.meters import Unmetered
from sallyport.providers.wire.protected import PROTECTED, is_data_url
from sallyport.providers.wire.reading import cap, count, obj, text

_ARGUMENTS = "response.function_call_arguments.delta"
WRITTEN = frozenset(
    {
        "response.audio_transcript.delta",  # so in the beta
        _ARGUMENTS,
        "response.output_audio_transcript.delta",
        "response.output_text.delta",
        "response.text.delta",
    }
)


class OpenAIRealtime(WireFormat):
    name = "openai_realtime"
    protected_keys = PROTECTED | {
        "audio",  # base64, in the buffer and in items
        "call_id",
        "event_id",
        "item_id",
        "previous_item_id",
        "response_id",
        "status",
        "voice",
    }
    user_data_keys = frozenset({"arguments"})

    def protects(self, key: str, parent: JsonObject) -> bool:
        return super().protects(key, parent) or (key == "image_url" and is_data_url(parent.get(key)))

    def model(self, body: JsonObject) -> str | None:
        return super().model(body) or text(obj(body, "session"), "model")

    def output_cap(self, body: JsonObject) -> int | None:
        return cap(obj(body, "response"), "max_output_tokens", "max_response_output_tokens")

    def deltas(self, event: JsonObject) -> Deltas:
        kind, response = text(event, "type") or "", text(event, "response_id") or text(obj(event, "response"), "id")
        item = (response, count(event, "output_index"))
        if kind in WRITTEN:
            channel = (*item, count(event, "content_index"))
            return Deltas(
                (Delta(channel, event, "delta", escaped=kind == _ARGUMENTS),) if text(event, "delta") is not None else ()
            )
        if kind == "response.done":
            return Deltas(ended=((response,),))
        return Deltas(ended=(item,) if kind.endswith(".done") else ())

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return Unmetered()  # over HTTP nothing is generated: sessions and their secrets are made
