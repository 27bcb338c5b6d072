"""OpenAI's Responses API: https://platform.openai.com/docs/api-reference/responses and …/responses-streaming."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator

from starlette.responses import Response

from sallyport.standin.family import identifier
from sallyport.standin.script import TOOL_ARGUMENTS, Counts, Message, Refusal, Script, text_of, write_script
from sallyport.standin.wire import JsonObject, answer, objects, sse, stream

ERROR = {
    "type": "error",
    "code": "server_error",
    "message": "The server had an error processing your request.",
    "param": None,
    "sequence_number": 0,
}


def respond(body: JsonObject, headers: dict[str, str]) -> Response:
    script = script_of(body, [])
    shell = shell_of(body)
    if body.get("stream") is not True:
        return answer(_finished(shell, script, _item(script)), script, headers=headers, content_type="application/json")
    streamed = (sse(event, event["type"]) for event in events(shell, script))
    return stream(streamed, script, error=sse(ERROR, "error"), headers=headers)


def script_of(body: JsonObject, before: list[Message]) -> Script:
    """The script for a request that goes on from the messages `before`."""
    if not isinstance(body.get("model"), str):
        raise Refusal(400, "Missing required parameter: 'model'.", "missing_required_parameter")
    tools = [tool["name"] for tool in objects(body, "tools") if tool.get("type") == "function"]
    return write_script([*before, *messages_of(body)], limit=body.get("max_output_tokens"), tools=tools)


def messages_of(body: JsonObject) -> list[Message]:
    given = body.get("input", "")
    messages = [Message("system", body["instructions"])] if isinstance(body.get("instructions"), str) else []
    if isinstance(given, str):
        return [*messages, Message("user", given)]
    for item in objects(body, "input"):
        content = item.get("output") if item.get("type") == "function_call_output" else item.get("content")
        messages.append(Message(str(item.get("role", "tool")), text_of(content)))
    return messages


def shell_of(body: JsonObject) -> JsonObject:
    """The response object before anything is generated, with the fields that echo the request."""
    return {
        "id": identifier("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": body.get("metadata") or {},
    }


def _item(script: Script) -> JsonObject:
    if script.tool:
        return {
            "id": identifier("fc_"),
            "type": "function_call",
            "status": "completed",
            "arguments": json.dumps(TOOL_ARGUMENTS),
            "call_id": identifier("call_"),
            "name": script.tool,
        }
    return {
        "id": identifier("msg_"),
        "type": "message",
        "status": "completed",
        "content": [_part(script.text)],
        "role": "assistant",
    }


def _part(text: str) -> JsonObject:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _finished(shell: JsonObject, script: Script, item: JsonObject) -> JsonObject:
    ending = {"status": "completed"}
    if script.truncated:
        ending = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    return shell | ending | {"output": [item]} | ({"usage": _usage(script.counts)} if script.usage else {})


def _usage(counts: Counts) -> JsonObject:
    return {
        "input_tokens": counts.input,
        "input_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": counts.cache_write},
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.total,
    }


def events(shell: JsonObject, script: Script) -> Iterator[JsonObject]:
    """The events of a streamed answer."""
    numbers = itertools.count()

    def event(kind: str, **fields: object) -> JsonObject:
        return {"type": kind, "sequence_number": next(numbers), **fields}

    item = _item(script)
    begun: JsonObject = {"status": "in_progress", **({"arguments": ""} if script.tool else {"content": []})}
    yield event("response.created", response=shell)
    yield event("response.in_progress", response=shell)
    yield event("response.output_item.added", output_index=0, item=item | begun)
    where: JsonObject = {"item_id": item["id"], "output_index": 0}
    if script.tool:
        arguments: str = item["arguments"]
        for part in (arguments[:5], arguments[5:]):
            yield event("response.function_call_arguments.delta", **where, delta=part)
        yield event("response.function_call_arguments.done", **where, name=item["name"], arguments=arguments)
    else:
        where["content_index"] = 0
        yield event("response.content_part.added", **where, part=_part(""))
        for piece in script.pieces:
            yield event("response.output_text.delta", **where, delta=piece, logprobs=[])
        yield event("response.output_text.done", **where, text=script.text, logprobs=[])
        yield event("response.content_part.done", **where, part=_part(script.text))
    yield event("response.output_item.done", output_index=0, item=item)
    kind = "response.incomplete" if script.truncated else "response.completed"
    yield event(kind, response=_finished(shell, script, item))
