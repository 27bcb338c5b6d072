"""Events of a Responses stream (https://platform.openai.com/docs/api-reference/responses-streaming)."""

from __future__ import annotations

from collections.abc import Sequence

from sallyport.providers.base import JsonObject
from sallyport.providers.whole.merging import numbered
from sallyport.providers.wire.reading import count, obj, objects, text


def fold(events: Sequence[JsonObject]) -> JsonObject:
    """The last event that holds the response has all of it; its output is read from the events where it was not sent along."""
    response: JsonObject = {}
    items: dict[int, JsonObject] = {}
    for event in events:
        kind, place = text(event, "type") or "", count(event, "output_index")
        response = obj(event, "response") or response
        if kind in ("response.output_item.added", "response.output_item.done"):
            items[place] = _later(items.get(place, {}), obj(event, "item"))
        elif kind == "response.output_text.delta":
            item = items.setdefault(place, {"type": "message", "role": "assistant", "content": []})
            _say(item, text(event, "delta") or "")
        elif kind == "response.function_call_arguments.delta":
            item = items.setdefault(place, {"type": "function_call"})
            item["arguments"] = (text(item, "arguments") or "") + (text(event, "delta") or "")
        elif kind == "error":
            response = {**response, "error": event}
    return response if response.get("output") or not items else {**response, "output": numbered(items)}


def _later(known: JsonObject, item: JsonObject) -> JsonObject:
    """A finished item may come without what its deltas said."""
    said = {key: known[key] for key in ("content", "arguments") if known.get(key) and not item.get(key)}
    return {**item, **said}


def _say(item: JsonObject, words: str) -> None:
    parts = objects(item.get("content"))
    if parts:
        parts[-1]["text"] = (text(parts[-1], "text") or "") + words
    else:
        item["content"] = [{"type": "output_text", "text": words}]
