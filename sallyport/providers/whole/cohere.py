"""Events of a Cohere chat stream (https://docs.cohere.com/reference/chat-stream)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sallyport.providers.base import JsonObject
from sallyport.providers.whole.merging import merge, numbered
from sallyport.providers.wire.reading import count, obj, text

_GROWS = frozenset({"text", "thinking", "tool_plan", "arguments"})


def fold(events: Sequence[JsonObject]) -> JsonObject:
    answer: JsonObject = {}
    message: JsonObject = {"role": "assistant"}
    lists: dict[str, dict[int, JsonObject]] = {"content": {}, "tool_calls": {}}
    for event in events:
        if identity := text(event, "id"):
            answer["id"] = identity
        delta = obj(event, "delta")
        for key, value in obj(delta, "message").items():
            if key in lists and isinstance(value, dict):
                into: JsonObject = lists[key].setdefault(count(event, "index"), {})
                merge(into, obj(value), _GROWS)
            elif value:
                said: dict[str, Any] = {key: value}
                merge(message, said, _GROWS)
        answer |= {key: value for key, value in delta.items() if key != "message"}
    parts = {name: numbered(entries) for name, entries in lists.items() if entries}
    return {**answer, "message": {**message, **parts}}
