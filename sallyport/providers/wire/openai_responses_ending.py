"""Ends a stream of OpenAI Responses that the gateway stops: the message as output text, then `response.failed`.

Codex and opencode show the message of a failure with code `invalid_prompt` at once and do not ask again; what only prints text
has it before that. Items that are half-written need no end of their own in a response that failed.
"""

from __future__ import annotations

from sallyport.providers.base import JsonObject
from sallyport.providers.usage import Usage
from sallyport.providers.wire.ending import ID, continued, sse
from sallyport.providers.wire.reading import count, obj, text

_PLACE = ("item_id", "output_index", "content_index")
_CODE = "invalid_prompt"


class OpenAIResponsesEnding:
    """Remembers the response as it was announced, how far items and events are numbered, and which text is being written."""

    def __init__(self) -> None:
        self._response: JsonObject | None = None
        self._next_number = 0
        self._next_item = 0
        self._open: JsonObject | None = None

    def read(self, kind: str, event: JsonObject) -> None:
        self._next_number = max(self._next_number, count(event, "sequence_number") + 1)
        self._response = self._response or obj(event, "response") or None
        if "output_index" in event:
            self._next_item = max(self._next_item, count(event, "output_index") + 1)
        if kind == "response.output_text.delta":
            self._open = {name: event.get(name) for name in _PLACE}
        elif kind in ("response.output_text.done", "response.content_part.done", "response.output_item.done"):
            self._open = None

    def bytes(self, message: str, usage: Usage, model: str | None) -> bytes:
        part: JsonObject = {"type": "output_text", "annotations": [], "logprobs": [], "text": message}
        item: JsonObject = {"id": f"msg_{ID}", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
        response = self._response or {"id": f"resp_{ID}", "object": "response", "created_at": 0, "model": model or "unknown"}
        events: list[JsonObject] = []
        if self._response is None:
            begun: JsonObject = {**response, "status": "in_progress", "error": None, "output": []}
            events.append({"type": "response.created", "response": begun})
        if self._open:
            delta = continued(message, said=True)
            events.append({"type": "response.output_text.delta", **self._open, "delta": delta, "logprobs": []})
        else:
            events += _whole_item(item, part, self._next_item, message)
        failed: JsonObject = {**response, "status": "failed", "error": {"code": _CODE, "message": message}, "output": [item]}
        events.append({"type": "response.failed", "response": failed | {"usage": _usage(usage)}})
        return b"".join(
            sse({**event, "sequence_number": self._next_number + number}, text(event, "type"))
            for number, event in enumerate(events)
        )


def _whole_item(item: JsonObject, part: JsonObject, index: int, message: str) -> list[JsonObject]:
    where = {"output_index": index}
    place = {**where, "item_id": item["id"], "content_index": 0}
    begun: JsonObject = {**item, "status": "in_progress", "content": []}
    return [
        {"type": "response.output_item.added", **where, "item": begun},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": message, "logprobs": []},
        {"type": "response.output_text.done", **place, "text": message, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", **where, "item": item},
    ]


def _usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cache_read_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
