"""Events of a message stream (https://docs.claude.com/en/api/messages-streaming)."""

from __future__ import annotations

from collections.abc import Sequence

from sallyport.providers.base import JsonObject
from sallyport.providers.whole.merging import arguments, numbered
from sallyport.providers.wire.reading import count, obj, text

_GROWS = ("text", "thinking", "signature")


def fold(events: Sequence[JsonObject]) -> JsonObject:
    message: JsonObject = {}
    blocks: dict[int, JsonObject] = {}
    written: dict[int, str] = {}
    for event in events:
        index = count(event, "index")
        match event.get("type"):
            case "message_start":
                message = dict(obj(event, "message"))
            case "content_block_start":
                blocks[index] = dict(obj(event, "content_block"))
            case "content_block_delta":
                delta, block = obj(event, "delta"), blocks.setdefault(index, {"type": "text"})
                for key in _GROWS:
                    if isinstance(delta.get(key), str):
                        block[key] = (text(block, key) or "") + delta[key]
                if "partial_json" in delta:
                    written[index] = written.get(index, "") + (text(delta, "partial_json") or "")
                if citation := obj(delta, "citation"):
                    block["citations"] = [*(block.get("citations") or []), citation]
            case "message_delta":
                usage = {**obj(message, "usage"), **obj(event, "usage")}
                message = {**message, **obj(event, "delta"), "usage": usage}
            case "error":
                message["error"] = obj(event, "error")
            case _:
                pass
    for index, json in written.items():
        blocks[index]["input"] = arguments(json)
    return {**message, "content": numbered(blocks)} if blocks else message
