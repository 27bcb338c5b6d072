"""Cohere's API, version 2: https://docs.cohere.com/reference/chat, …/chat-stream, …/embed, …/rerank."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from sallyport.standin.family import GATEWAY_KEY_PREFIX, Family, bearer, identifier
from sallyport.standin.openai import vector
from sallyport.standin.script import Message, Refusal, Script, text_of, write_script
from sallyport.standin.wire import Call, JsonObject, answer, objects, sse, stream

_JSON = "application/json"
_TEMPLATE = 70
"""Tokens of Cohere's own prompt template: counted, not billed."""


class Cohere(Family):
    name = "cohere"

    def answer(self, call: Call) -> Response:
        key = bearer(call)
        if key is None:
            raise Refusal(401, "no api key supplied")
        if key.startswith(GATEWAY_KEY_PREFIX):
            raise Refusal(401, "invalid api token")
        match call.method, call.segments:
            case "POST", ["v2", "chat"]:
                return _chat(call.json())
            case "POST", ["v2", "embed"]:
                texts = [str(text) for text in call.json().get("texts", [])]
                script = write_script([Message("user", text) for text in texts])
                meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": script.counts.input}}
                body = {"id": identifier(""), "embeddings": {"float": [vector(text) for text in texts]}, "meta": meta}
                return answer(body | {"texts": texts, "response_type": "embeddings_by_type"}, script, content_type=_JSON)
            case "POST", ["v2", "rerank"]:
                documents = call.json().get("documents", [])
                results = [{"index": index, "relevance_score": 1 / (index + 1)} for index in range(len(documents))]
                meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
                return answer({"id": identifier(""), "results": results, "meta": meta}, content_type=_JSON)
            case "GET", ["v1", "models"]:
                return answer({"models": [{"name": "command-a-03-2025", "endpoints": ["chat"]}]}, content_type=_JSON)
            case _:
                raise Refusal(404, "page not found")

    def error(self, refusal: Refusal) -> Response:
        return answer({"id": identifier(""), "message": refusal.message}, status=refusal.status, content_type=_JSON)


def _chat(body: JsonObject) -> Response:
    if not isinstance(body.get("messages"), list) or not isinstance(body.get("model"), str):
        raise Refusal(400, "invalid request: model and messages are required")
    messages = [Message(str(entry.get("role")), text_of(entry.get("content"))) for entry in objects(body, "messages")]
    script = write_script(messages, limit=body.get("max_tokens"))
    if body.get("stream") is True:
        error = sse({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "internal"}}, "message-end")
        return stream((sse(event, event["type"]) for event in _events(script)), script, error=error)
    message = {"role": "assistant", "content": [{"type": "text", "text": script.text}]}
    full = {"id": identifier(""), "finish_reason": _reason(script), "message": message}
    return answer(full | _usage(script), script, content_type=_JSON)


def _events(script: Script) -> Iterator[JsonObject]:
    yield {"type": "message-start", "id": identifier(""), "delta": {"message": {"role": "assistant", "content": []}}}
    yield {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}
    for piece in script.pieces:
        yield {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}
    yield {"type": "content-end", "index": 0}
    yield {"type": "message-end", "delta": {"finish_reason": _reason(script)} | _usage(script)}


def _reason(script: Script) -> str:
    return "MAX_TOKENS" if script.truncated else "COMPLETE"


def _usage(script: Script) -> JsonObject:
    if not script.usage:
        return {}
    counts = script.counts
    billed = {"input_tokens": counts.input, "output_tokens": counts.output}
    return {"usage": {"billed_units": billed, "tokens": billed | {"input_tokens": counts.input + _TEMPLATE}}}
