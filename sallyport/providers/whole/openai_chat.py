"""Chunks of a chat completion, or of a legacy completion (https://platform.openai.com/docs/api-reference/chat-streaming)."""

from __future__ import annotations

from collections.abc import Sequence

from sallyport.providers.base import JsonObject
from sallyport.providers.whole.merging import merge, numbered
from sallyport.providers.wire.reading import count, obj, objects, text

_GROWS = frozenset(
    {"content", "text", "reasoning_content", "reasoning", "refusal", "arguments", "transcript", "data", "thinking"}
)
_OF_A_CHUNK = ("choices", "object")


def fold(events: Sequence[JsonObject]) -> JsonObject:
    answer: JsonObject = {}
    choices: dict[int, JsonObject] = {}
    for chunk in events:
        merge(answer, {key: value for key, value in chunk.items() if key not in _OF_A_CHUNK}, frozenset())
        for choice in objects(chunk.get("choices")):
            index = count(choice, "index")
            into = choices.setdefault(index, {"index": index})
            rest = {key: value for key, value in choice.items() if key not in ("delta", "index", "logprobs")}
            if delta := obj(choice, "delta"):
                rest["message"] = delta
            merge(into, rest, _GROWS)
    for choice in choices.values():
        for call in objects(obj(choice, "message").get("tool_calls")):
            call.pop("index", None)
    kind = next((name for chunk in events if (name := text(chunk, "object"))), "chat.completion")
    return {**answer, "object": kind.removesuffix(".chunk"), "choices": numbered(choices)} if choices else answer
