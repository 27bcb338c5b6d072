"""Ends a Bedrock event stream that the gateway stops."""

from __future__ import annotations

import binascii
from typing import Any

import orjson

from sallyport.providers.base import JsonObject
from sallyport.providers.usage import Usage
from sallyport.providers.wire.ending import continued
from sallyport.providers.wire.eventstream import Frame, encode_frame
from sallyport.providers.wire.reading import count, obj, text

_JSON = {":content-type": "application/json"}


class ConverseEnding:
    """Remembers of a ConverseStream whether it has begun, and which content block is open."""

    def __init__(self) -> None:
        self._begun = False
        self._over = False
        self._said = False
        self._open: int | None = None
        self._is_text = True
        self._next = 0

    def read(self, frame: Frame, event: JsonObject) -> None:
        index = count(event, "contentBlockIndex")
        match frame.event_type:
            case "messageStart":
                self._begun = True
            case "contentBlockStart":
                self._open, self._said, self._is_text = index, False, not obj(event, "start")
            case "contentBlockDelta":
                words = text(obj(event, "delta"), "text")
                self._said = self._said if self._open == index else False
                self._open, self._is_text = index, words is not None
                self._said = self._said or bool(words)
            case "contentBlockStop":
                self._open, self._next = None, index + 1
            case _:
                self._over = True

    def bytes(self, message: str, usage: Usage) -> bytes | None:
        """The frames that end the stream: an exception where what is half-written is no text. None: it has ended itself."""
        if self._over:
            return None
        if self._open is not None and not self._is_text:
            return exception(message)
        index = self._next if self._open is None else self._open
        words = continued(message, self._open is not None and self._said)
        counts = {"inputTokens": usage.input_tokens, "outputTokens": usage.output_tokens}
        frames = [] if self._begun else [_event("messageStart", {"role": "assistant"})]
        frames += [
            _event("contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": words}}),
            _event("contentBlockStop", {"contentBlockIndex": index}),
            _event("messageStop", {"stopReason": "end_turn"}),
            _event("metadata", {"usage": counts | {"totalTokens": sum(counts.values())}, "metrics": {"latencyMs": 0}}),
        ]
        return b"".join(frames)


def chunk(event: JsonObject) -> bytes:
    """An event of the model's own stream, as InvokeModelWithResponseStream frames it."""
    return _event("chunk", {"bytes": binascii.b2a_base64(orjson.dumps(event), newline=False).decode()})


def exception(message: str) -> bytes:
    headers = {":exception-type": "validationException", **_JSON, ":message-type": "exception"}
    return encode_frame(headers, orjson.dumps({"message": message}))


def _event(name: str, payload: Any) -> bytes:
    return encode_frame({":event-type": name, **_JSON, ":message-type": "event"}, orjson.dumps(payload))
