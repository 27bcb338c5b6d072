"""Cohere's chat and embed (https://docs.cohere.com/reference/chat, …/chat-stream, …/embed).

What is billed stands in `usage.billed_units` (`meta.billed_units` of an embedding); a stream names it in `message-end`, its last
event. `usage.tokens` counts Cohere's own templates too, which are not billed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Delta, Deltas
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.meters import JsonMeter, SseMeter, pick_meter
from sallyport.providers.wire.protected import PROTECTED, is_data_url
from sallyport.providers.wire.reading import cap, count, decode, generated_chars, obj, text
from sallyport.providers.wire.sse import SseEvent

_GENERATED = frozenset({"text", "thinking", "tool_plan", "arguments"})


class CohereChat(WireFormat):
    name = "cohere_chat"
    protected_keys = PROTECTED | {"tool_call_id", "input_type"}
    user_data_keys = frozenset({"arguments"})

    def protects(self, key: str, parent: JsonObject) -> bool:
        return super().protects(key, parent) or (key == "url" and is_data_url(parent.get(key)))

    def output_cap(self, body: JsonObject) -> int | None:
        return cap(body, "max_tokens")

    def deltas(self, event: JsonObject) -> Deltas:
        index, message = count(event, "index"), obj(event, "delta", "message")
        match event.get("type"):
            case "content-delta":
                return _deltas(Delta((index, "content"), obj(message, "content"), "text"))
            case "tool-plan-delta":
                return _deltas(Delta(("plan",), message, "tool_plan"))
            case "tool-call-delta":
                return _deltas(Delta((index, "call"), obj(message, "tool_calls", "function"), "arguments", escaped=True))
            case "content-end" | "tool-call-end":
                return Deltas(ended=((index,),))
            case "tool-call-start":
                return Deltas(ended=(("plan",),))
            case "message-end":
                return Deltas(ended=((),))
            case _:
                return Deltas()

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_chat), sse=_StreamMeter)


def _deltas(piece: Delta) -> Deltas:
    return Deltas((piece,) if text(piece.parent, piece.key) is not None else ())


class CohereEmbed(WireFormat):
    name = "cohere_embed"
    protected_keys = PROTECTED | {"input_type", "image"}

    def output_cap(self, body: JsonObject) -> int | None:
        return 0

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=lambda: JsonMeter(_read_embedding))


class _StreamMeter(SseMeter):
    def on_event(self, event: SseEvent) -> bool:
        body = obj(decode(event.data))
        delta = obj(body, "delta")
        self.output_chars += generated_chars(delta.get("message"), _GENERATED)
        if body.get("type") == "message-end":
            self.usage = _billed(obj(delta, "usage"))
            self.complete = True
        return True


def _read_chat(meter: Meter, document: Any) -> None:
    body = obj(document)
    meter.output_chars = generated_chars(body.get("message"), _GENERATED)
    meter.usage = _billed(obj(body, "usage"))


def _read_embedding(meter: Meter, document: Any) -> None:
    meter.model = text(obj(document), "model")
    meter.usage = _billed(obj(document, "meta"))


def _billed(counts: JsonObject) -> Usage | None:
    units = obj(counts, "billed_units") or obj(counts, "tokens")
    if not units:
        return None
    return Usage(
        input_tokens=count(units, "input_tokens") + count(units, "image_tokens"), output_tokens=count(units, "output_tokens")
    )
