"""Bodies of a call in the shapes that LangSmith shows as a chat: those that its SDK's own wrappers write.

OpenAI's requests and answers are shown as they are (`langsmith/wrappers/_openai.py`). Anthropic's, Google's and Bedrock's become
messages with `role`, `content` and `tool_calls` (`_anthropic.py`, `_gemini.py`); what else they hold stands beside as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import orjson

from sallyport.providers.base import JsonObject
from sallyport.providers.wire.reading import obj, objects, text

_MODEL_ROLES = ("model", "assistant")


def chat_inputs(body: Any) -> JsonObject:
    if not isinstance(body, dict):
        return {"body": body}
    request = cast(JsonObject, body)
    if "contents" in request:  # Google
        system = request.get("systemInstruction", request.get("system_instruction"))
        messages = [_google_message(content) for content in objects(request["contents"])]
        rest = _without(request, "contents", "systemInstruction", "system_instruction")
        return {"messages": [*_system(obj(system).get("parts")), *messages], **rest}
    if "messages" in request and ("system" in request or _is_converse(request["messages"])):  # Anthropic, Bedrock
        messages = [_block_message(message) for message in objects(request["messages"])]
        return {"messages": [*_system(request.get("system")), *messages], **_without(request, "messages", "system")}
    return request


def chat_outputs(body: Any) -> JsonObject:
    if not isinstance(body, dict):
        return {"body": body}
    answer = cast(JsonObject, body)
    if candidates := objects(answer.get("candidates")):  # Google
        message = _google_message(obj(candidates[0], "content") or {"role": "model"})
        return {**message, "finish_reason": candidates[0].get("finishReason"), **_without(answer, "candidates", "usageMetadata")}
    if converse := obj(answer, "output", "message"):  # Bedrock Converse
        return {**_block_message(converse), **_without(answer, "output", "usage")}
    if answer.get("type") == "message" and isinstance(answer.get("content"), list):  # Anthropic
        return {**_without(answer, "type", "content", "usage"), **_block_message(answer)}
    return answer


def _system(content: Any) -> list[JsonObject]:
    """The system prompt as the first message: text, blocks with `text`, or none."""
    words = content if isinstance(content, str) else "\n".join(text(block, "text") or "" for block in objects(content))
    return [{"role": "system", "content": words}] if words else []


def _is_converse(messages: Any) -> bool:
    """Converse's blocks name their kind by their key; Anthropic's and OpenAI's have a `type`."""
    blocks = [block for message in objects(messages) for block in objects(message.get("content"))]
    return bool(blocks) and all("type" not in block for block in blocks)


def _block_message(message: JsonObject) -> JsonObject:
    """Of Anthropic or Converse, whose content is text or a list of blocks."""
    role, content = text(message, "role") or "assistant", message.get("content")
    if not isinstance(content, list):
        return {"role": role, "content": content}
    blocks = [_block(block) for block in objects(cast(list[Any], content))]
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    return _message(role, [block for block in blocks if block not in calls], [_call(block, "input") for block in calls])


def _block(block: JsonObject) -> JsonObject:
    """A block with a `type`, as Anthropic writes it."""
    if "type" in block:
        return block
    if "text" in block:
        return {"type": "text", "text": block["text"]}
    if tool := obj(block, "toolUse"):
        return {"type": "tool_use", "id": tool.get("toolUseId"), "name": tool.get("name"), "input": tool.get("input")}
    if result := obj(block, "toolResult"):
        parts = [_block(part) for part in objects(result.get("content"))]
        return {"type": "tool_result", "tool_use_id": result.get("toolUseId"), "content": parts}
    if reasoning := obj(block, "reasoningContent", "reasoningText"):
        return {"type": "thinking", "thinking": reasoning.get("text")}
    return {"type": next(iter(block), "unknown"), **block}


def _google_message(content: JsonObject) -> JsonObject:
    role = "assistant" if content.get("role") in _MODEL_ROLES else text(content, "role") or "user"
    blocks: list[JsonObject] = []
    calls: list[JsonObject] = []
    for part in objects(content.get("parts")):
        call = obj(part, "functionCall") or obj(part, "function_call")
        if call:
            calls.append(_call(call, "args"))
        elif "text" in part:
            kind = "thinking" if part.get("thought") else "text"
            blocks.append({"type": kind, kind: part["text"]})
        else:
            name = next(iter(part), "unknown")
            blocks.append({"type": name, **part})
    return _message(role, blocks, calls)


def _call(block: JsonObject, arguments: str) -> JsonObject:
    given = block.get(arguments)
    written = given if isinstance(given, str) else orjson.dumps(given or {}).decode()
    return {"id": block.get("id"), "type": "function", "function": {"name": block.get("name"), "arguments": written}}


def _message(role: str, blocks: Sequence[JsonObject], calls: Sequence[JsonObject]) -> JsonObject:
    """Text alone is one string."""
    plain = all(block.get("type") == "text" for block in blocks)
    content: Any = "\n".join(text(block, "text") or "" for block in blocks) if plain else [*blocks]
    message: JsonObject = {"role": role, "content": content}
    return {**message, "tool_calls": [*calls]} if calls else message


def _without(body: JsonObject, *keys: str) -> JsonObject:
    return {key: value for key, value in body.items() if key not in keys}
