"""Ollama's own API (https://github.com/ollama/ollama/blob/main/docs/api.md): `/api/chat`, `/api/generate`, `/api/embed`.

It streams unless told not to, one JSON object a line; the last one is `done` and holds the counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.deltas import Delta, Deltas
from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.meters import LARGEST_DOCUMENT, pick_meter
from sallyport.providers.wire.protected import PROTECTED
from sallyport.providers.wire.reading import cap, count, decode, generated_chars, obj, text

_GENERATED = frozenset({"content", "response", "thinking"})
_COUNTS = ("prompt_eval_count", "eval_count")


class Ollama(WireFormat):
    name = "ollama"
    protected_keys = PROTECTED | {"format", "keep_alive", "tool_name"}
    user_data_keys = frozenset({"arguments"})

    def protects(self, key: str, parent: JsonObject) -> bool:
        return key == "images" or super().protects(key, parent)  # a list of images in base64

    def wants_stream(self, body: JsonObject) -> bool:
        return body.get("stream") is not False

    def output_cap(self, body: JsonObject) -> int | None:
        return cap(obj(body, "options"), "num_predict")

    def deltas(self, event: JsonObject) -> Deltas:
        said = ((obj(event, "message"), "content"), (event, "response"))
        pieces = tuple(Delta((key,), parent, key) for parent, key in said if text(parent, key) is not None)
        return Deltas(pieces, ((),) if event.get("done") else ())

    def meter(self, *, status: int, headers: Mapping[str, str], prepared: bool) -> Meter:
        return pick_meter(status, headers, json=_LinesMeter)


class _LinesMeter(Meter):
    """One JSON object a line; an answer that does not stream is one line, without its end."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._held += data
        *lines, rest = self._held.split(b"\n")
        self._held = rest if len(rest) <= LARGEST_DOCUMENT else bytearray()
        for line in lines:
            self._read(line)
        return data

    def finish(self) -> bytes:
        self._read(self._held)
        return b""

    def _read(self, line: bytearray) -> None:
        answer = obj(decode(line))
        self.model = text(answer, "model") or self.model
        self.output_chars += generated_chars(answer, _GENERATED)
        if any(name in answer for name in _COUNTS):
            sent, made = (count(answer, name) for name in _COUNTS)
            self.usage = Usage(input_tokens=sent, output_tokens=made)
            self.complete = True
