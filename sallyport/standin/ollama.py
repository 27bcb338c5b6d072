"""Ollama's own chat: https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion."""

from __future__ import annotations

import json
from collections.abc import Iterator

from starlette.responses import Response

from sallyport.standin.family import Family
from sallyport.standin.script import Message, Refusal, Script, text_of, write_script
from sallyport.standin.wire import Call, JsonObject, answer, json_object, objects, stream

_LINES = "application/x-ndjson"


class Ollama(Family):
    name = "ollama"

    def answer(self, call: Call) -> Response:
        match call.method, call.segments:
            case "POST", ["api", "chat"]:
                return _chat(call.json())
            case "GET", ["api", "tags"]:
                return answer({"models": [{"name": "llama3.2:latest"}]}, content_type="application/json")
            case "DELETE", ["api", "delete"]:
                return Response(status_code=200)
            case _:
                raise Refusal(404, "404 page not found")

    def error(self, refusal: Refusal) -> Response:
        return answer({"error": refusal.message}, status=refusal.status, content_type="application/json; charset=utf-8")


def _chat(body: JsonObject) -> Response:
    messages = [Message(str(entry.get("role")), text_of(entry.get("content"))) for entry in objects(body, "messages")]
    script = write_script(messages, limit=json_object(body, "options").get("num_predict"))
    if body.get("stream") is False:
        return answer(_line(body, script.text) | _end(script), script, content_type="application/json; charset=utf-8")
    return stream(_lines(body, script), script, content_type=_LINES)


def _lines(body: JsonObject, script: Script) -> Iterator[bytes]:
    for piece in script.pieces:
        yield json.dumps(_line(body, piece)).encode() + b"\n"
    yield json.dumps(_line(body, "") | _end(script)).encode() + b"\n"


def _line(body: JsonObject, text: str) -> JsonObject:
    message = {"role": "assistant", "content": text}
    return {"model": body.get("model"), "created_at": "2026-11-25T00:00:00Z", "message": message, "done": False}


def _end(script: Script) -> JsonObject:
    counts = {"prompt_eval_count": script.counts.input, "eval_count": script.counts.output} if script.usage else {}
    return {"done": True, "done_reason": "stop", "total_duration": 12_000_000} | counts
