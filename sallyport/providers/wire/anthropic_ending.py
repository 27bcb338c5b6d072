"""Ends an Anthropic stream that the gateway stops; on Bedrock the same events stand in frames."""

from __future__ import annotations

from sallyport.providers.base import JsonObject
from sallyport.providers.usage import Usage
from sallyport.providers.wire.ending import ID, continued
from sallyport.providers.wire.reading import count, obj, text

_UNKNOWN = "unknown"


class AnthropicEnding:
    """Remembers of a stream what its ending needs: whether it has begun, and which content block is open."""

    def __init__(self) -> None:
        self._begun = False
        self._over = False
        self._said = False
        self._open: tuple[int, str] | None = None
        self._next = 0

    def read(self, event: JsonObject) -> None:
        match event.get("type"):
            case "message_start":
                self._begun = True
            case "content_block_start":
                self._open = count(event, "index"), text(obj(event, "content_block"), "type") or ""
                self._said = False
            case "content_block_delta":
                self._said = self._said or bool(text(obj(event, "delta"), "text"))
            case "content_block_stop":
                self._open, self._next = None, count(event, "index") + 1
            case "message_delta" | "message_stop" | "error":
                self._over = True
            case _:
                pass

    def events(self, message: str, usage: Usage, model: str | None) -> list[JsonObject] | None:
        """The events that end the stream: a single `error` where what is half-written is no text. None: it has ended itself."""
        if self._over:
            return None
        if self._open and self._open[1] != "text":
            return [{"type": "error", "error": {"type": "invalid_request_error", "message": message}}]
        events: list[JsonObject] = [] if self._begun else [_start(usage, model)]
        index = self._next
        if self._open:
            index = self._open[0]
        else:
            block = {"type": "text", "text": ""}
            events.append({"type": "content_block_start", "index": index, "content_block": block})
        delta = {"type": "text_delta", "text": continued(message, self._open is not None and self._said)}
        return [
            *events,
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": usage.output_tokens},
            },
            {"type": "message_stop"},
        ]


def _start(usage: Usage, model: str | None) -> JsonObject:
    message: JsonObject = {
        "id": f"msg_{ID}",
        "type": "message",
        "role": "assistant",
        "model": model or _UNKNOWN,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": 0},
    }
    return {"type": "message_start", "message": message}
