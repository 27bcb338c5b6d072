"""Ends a stream of OpenAI chat completions, or of legacy completions, that the gateway stops."""

from __future__ import annotations

from typing import Any

from sallyport.providers.base import JsonObject
from sallyport.providers.usage import Usage
from sallyport.providers.wire.ending import ID, continued, sse
from sallyport.providers.wire.reading import count, obj, objects, text

_HEAD = ("id", "object", "created", "model", "system_fingerprint", "service_tier")
_BEGINNING: JsonObject = {"id": f"chatcmpl-{ID}", "object": "chat.completion.chunk", "created": 0}
_DONE = b"data: [DONE]\n\n"


class OpenAIChatEnding:
    """Remembers the head of the last chunk and, of each choice, whether it said something and how it stands."""

    def __init__(self) -> None:
        self._head: JsonObject = _BEGINNING
        self._said: dict[int, bool] = {}
        """By choice that is not finished."""
        self._calls_tools = False
        self._finished = False
        self._wants_usage = False

    def read(self, chunk: JsonObject) -> None:
        for choice in objects(chunk.get("choices")):
            self._head = {name: chunk[name] for name in _HEAD if name in chunk}
            self._wants_usage = self._wants_usage or "usage" in chunk
            index, delta = count(choice, "index"), obj(choice, "delta")
            if choice.get("finish_reason"):
                self._said.pop(index, None)
                self._finished, self._calls_tools = True, False
            else:
                self._said[index] = self._said.get(index, False) or bool(text(delta, "content") or text(choice, "text"))
                self._calls_tools = self._calls_tools or bool(delta.get("tool_calls") or delta.get("function_call"))

    @property
    def finished(self) -> bool:
        """Every choice has told why it ends."""
        return self._finished and not self._said

    def bytes(self, message: str, usage: Usage, model: str | None, *, quiet: bool) -> bytes | None:
        """`quiet`: the client did not ask for the usage."""
        if self.finished:
            return None
        if self._calls_tools:
            error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
            return sse({"error": error}) + _DONE
        head = {"model": model or "unknown"} | self._head
        chunks: list[Any] = []
        for index, said in sorted((self._said or {0: False}).items()):
            chunks += [_choice(head, index, continued(message, said), None), _choice(head, index, None, "stop")]
        if self._wants_usage and not quiet:
            counts = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
            chunks.append({**head, "choices": [], "usage": counts | {"total_tokens": sum(counts.values())}})
        return b"".join(map(sse, chunks)) + _DONE


def _choice(head: JsonObject, index: int, words: str | None, reason: str | None) -> JsonObject:
    said: JsonObject
    if head.get("object") == "text_completion":
        said = {"text": words or "", "logprobs": None}
    else:
        said = {"delta": {} if words is None else {"role": "assistant", "content": words}}
    return {**head, "choices": [{"index": index, **said, "finish_reason": reason}]}
