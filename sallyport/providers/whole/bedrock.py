"""Frames of ConverseStream and of InvokeModelWithResponseStream
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html)."""

from __future__ import annotations

from collections.abc import Sequence

from sallyport.providers.base import JsonObject
from sallyport.providers.whole import anthropic, openai_chat
from sallyport.providers.whole.merging import arguments, merge, numbered
from sallyport.providers.wire.reading import count, obj, text

_GROWS = frozenset({"text", "signature", "input"})


def fold_converse(events: Sequence[JsonObject]) -> JsonObject:
    """As Converse answers: `{"output": {"message": …}, "stopReason": …, "usage": …}`."""
    answer: JsonObject = {}
    role = "assistant"
    blocks: dict[int, JsonObject] = {}
    for event in events:
        for kind, payload in event.items():
            block = blocks.setdefault(count(obj(payload), "contentBlockIndex"), {}) if kind.startswith("contentBlock") else {}
            match kind:
                case "messageStart":
                    role = text(obj(payload), "role") or role
                case "contentBlockStart":
                    merge(block, obj(payload, "start"), frozenset())
                case "contentBlockDelta":
                    merge(block, _delta(obj(payload, "delta")), _GROWS)
                case "messageStop" | "metadata":
                    answer |= obj(payload)
                case "contentBlockStop":
                    pass
                case _:
                    answer["error"] = event
    for block in blocks.values():
        if (tool := obj(block, "toolUse")) and isinstance(tool.get("input"), str):
            tool["input"] = arguments(tool["input"])
    return {"output": {"message": {"role": role, "content": numbered(blocks)}}, **answer} if blocks else answer


def _delta(delta: JsonObject) -> JsonObject:
    """Reasoning stands one level deeper in a whole answer."""
    reasoning = obj(delta, "reasoningContent")
    return {"reasoningContent": {"reasoningText": reasoning}} if reasoning and "redactedContent" not in reasoning else delta


def fold_invoke(events: Sequence[JsonObject]) -> JsonObject:
    """The model's own stream: Anthropic's, OpenAI's, or one that only Bedrock has, whose chunks are kept as they came."""
    if any("choices" in event for event in events):
        return openai_chat.fold(events)
    if any("type" in event for event in events):
        return anthropic.fold(events)
    return {"chunks": [*events]}
