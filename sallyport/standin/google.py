"""Google's Gemini API, and the same models and Anthropic's on Vertex AI.

Sources: https://ai.google.dev/api/generate-content, …/tokens, …/embeddings;
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference and …/partner-models/claude/use-claude.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from starlette.responses import Response

from sallyport.standin import anthropic, openai_chat
from sallyport.standin.family import GATEWAY_KEY_PREFIX, Family, bearer, identifier
from sallyport.standin.google_live import LiveSession
from sallyport.standin.openai import vector
from sallyport.standin.schema import example
from sallyport.standin.script import TOOL_ARGUMENTS, Message, Refusal, Script, count_words, text_of, write_script
from sallyport.standin.session import OpenSession
from sallyport.standin.wire import Call, JsonObject, answer, dump, objects, sse, stream

JSON = "application/json; charset=UTF-8"
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
HEADERS = {"vary": "Origin, X-Origin, Referer", "server-timing": "gfet4t7; dur=12", "x-content-type-options": "nosniff"}
_LIVE = re.compile(
    r"//?ws/google\.(ai\.generativelanguage\.v1\w*\.GenerativeService\.|cloud\.aiplatform\.v1\w*\.LlmBidiService/)BidiGenerateContent"
)
_MODELS = ("gemini-2.5-flash", "gemini-2.5-pro")


class Gemini(Family):
    name = "gemini"

    def connect(self, call: Call) -> OpenSession:
        self.check_credential(call)
        if not _LIVE.fullmatch(call.path):
            raise Refusal(404, f"Requested URL {call.path} was not found on this server.")
        return LiveSession

    def answer(self, call: Call) -> Response:
        self.check_credential(call)
        match call.method, call.segments:
            case "GET", ["v1" | "v1beta", "models"]:
                return answer({"models": [_model(name) for name in _MODELS]}, headers=HEADERS, content_type=JSON)
            case "GET", ["v1" | "v1beta", "models", name]:
                return answer(_model(name), headers=HEADERS, content_type=JSON)
            case "POST", ["v1" | "v1beta", "openai", "chat", "completions"]:
                return openai_chat.complete(call.json(), dict(HEADERS))
            case "POST", ["v1" | "v1beta", "models" | "tunedModels", target] if ":" in target:
                return self.act(call, *target.rsplit(":", 1))
            case _:
                raise Refusal(404, f"Requested URL {call.path} was not found on this server.")

    def error(self, refusal: Refusal) -> Response:
        status = _STATUSES.get(refusal.status, "INTERNAL" if refusal.status >= 500 else "INVALID_ARGUMENT")
        body: JsonObject = {"code": refusal.status, "message": refusal.message, "status": status}
        if refusal.code:
            reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": refusal.code, "domain": "googleapis.com"}
            body["details"] = [reason]
        return answer({"error": body}, status=refusal.status, headers=HEADERS, content_type=JSON)

    def check_credential(self, call: Call) -> None:
        key = call.headers.get("x-goog-api-key") or call.query.get("key") or bearer(call)
        if not key:
            message = (
                "Method doesn't allow unregistered callers (callers without established identity). "
                "Please use API Key or other form of API consumer identity to call this API."
            )
            raise Refusal(403, message)
        if key.startswith(GATEWAY_KEY_PREFIX):
            raise Refusal(400, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")

    def act(self, call: Call, model: str, verb: str) -> Response:
        """A custom method (`:generateContent`) of a model."""
        body = call.json()
        match verb:
            case "generateContent":
                script = script_of(body)
                return answer(whole(script, model), script, headers=HEADERS, content_type=JSON)
            case "streamGenerateContent":
                script = script_of(body)
                return send(chunks_of(script, model), script, as_events=call.query.get("alt") == "sse")
            case "batchGenerateContent":
                return answer({"name": identifier("batches/")}, headers=HEADERS, content_type=JSON)
            case "countTokens":
                tokens = max(1, count_words(*(message.text for message in messages_of(body.get("generateContentRequest", body)))))
                details = [{"modality": "TEXT", "tokenCount": tokens}]
                return answer({"totalTokens": tokens, "promptTokensDetails": details}, headers=HEADERS, content_type=JSON)
            case "embedContent":
                return answer({"embedding": _embedding(body)}, headers=HEADERS, content_type=JSON)
            case "batchEmbedContents":
                embeddings = [_embedding(request) for request in objects(body, "requests")]
                return answer({"embeddings": embeddings}, headers=HEADERS, content_type=JSON)
            case "predict":
                return answer(
                    {"predictions": [_prediction(instance) for instance in objects(body, "instances")]}, content_type=JSON
                )
            case _:
                raise Refusal(404, f"models/{model}:{verb} is not found.")


class Vertex(Gemini):
    name = "vertex"

    def answer(self, call: Call) -> Response:
        self.check_credential(call)
        match call.method, call.segments:
            case "POST", ["v1" | "v1beta1", "projects", _, "locations", _, "endpoints", "openapi", "chat", "completions"]:
                return openai_chat.complete(call.json(), dict(HEADERS))
            case (
                "POST",
                ["v1" | "v1beta1", "projects", _, "locations", _, "publishers", publisher, "models", target]
                | ["v1" | "v1beta1", "publishers", publisher, "models", target],
            ) if ":" in target:
                return self._publish(call, publisher, *target.rsplit(":", 1))
            case _:
                raise Refusal(404, f"Requested URL {call.path} was not found on this server.")

    def check_credential(self, call: Call) -> None:
        token = bearer(call)
        if token is None or token.startswith(GATEWAY_KEY_PREFIX):
            message = (
                "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other "
                "valid authentication credential."
            )
            raise Refusal(401, message, "CREDENTIALS_MISSING" if token is None else "ACCESS_TOKEN_TYPE_UNSUPPORTED")

    def _publish(self, call: Call, publisher: str, model: str, verb: str) -> Response:
        if publisher != "anthropic":
            return self.act(call, model, verb)
        if verb not in ("rawPredict", "streamRawPredict"):
            raise Refusal(404, f"publishers/{publisher}/models/{model}:{verb} is not found.")
        body = call.json()
        if not body.get("anthropic_version"):
            raise Refusal(400, "anthropic_version: Field required")
        if model == "count-tokens":
            tokens = max(1, count_words(*(message.text for message in anthropic.messages_of(body))))
            return answer({"input_tokens": tokens}, headers=HEADERS, content_type=JSON)
        return anthropic.message(body, model=model, headers={"request-id": identifier("req_vrtx_")})


def _model(name: str) -> JsonObject:
    methods = ["generateContent", "countTokens"]
    return {"name": f"models/{name}", "displayName": name, "inputTokenLimit": 1_048_576, "supportedGenerationMethods": methods}


def messages_of(body: JsonObject) -> list[Message]:
    contents = body.get("contents")
    if not contents:
        raise Refusal(400, "* GenerateContentRequest.contents: contents is not specified")
    turns = objects(body, "contents") if isinstance(contents, list) else [contents]
    system = body.get("systemInstruction") or body.get("system_instruction")
    messages = [Message("system", text_of(system))] if system else []
    return messages + [Message(str(turn.get("role", "user")), text_of(turn)) for turn in turns]


def script_of(body: JsonObject) -> Script:
    config: JsonObject = body.get("generationConfig") or body.get("generation_config") or {}
    declared = [
        tool | {"functionDeclarations": tool.get("functionDeclarations") or tool.get("function_declarations")}
        for tool in objects(body, "tools")
    ]
    tools = [function["name"] for tool in declared for function in objects(tool, "functionDeclarations")]
    script = write_script(messages_of(body), limit=config.get("maxOutputTokens") or config.get("max_output_tokens"), tools=tools)
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    if schema is None:
        return script
    return replace(script, tool=None, pieces=(dump(example(schema)).decode(),))  # .../gemini-api/docs/structured-output


def _chunk(script: Script, model: str, parts: list[JsonObject], finish: str | None, response_id: str) -> JsonObject:
    candidate: JsonObject = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    chunk: JsonObject = {"candidates": [candidate], "modelVersion": model, "responseId": response_id}
    return chunk | ({"usageMetadata": _usage(script, last=finish is not None)} if script.usage else {})


def _usage(script: Script, *, last: bool) -> JsonObject:
    """Thoughts count beside the candidates, what was cached is part of the prompt. A stream's last chunk has it whole."""
    counts = script.counts
    usage = {
        "promptTokenCount": counts.input,
        "totalTokenCount": counts.total,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": counts.input}],
    }
    if not last:
        return usage | {"totalTokenCount": counts.input}
    usage["candidatesTokenCount"] = counts.output - counts.reasoning
    if counts.cached:
        usage["cachedContentTokenCount"] = counts.cached
    if counts.reasoning:
        usage["thoughtsTokenCount"] = counts.reasoning
    return usage


def _finish(script: Script) -> str:
    return "MAX_TOKENS" if script.truncated else "STOP"


def _tool_part(script: Script) -> JsonObject:
    return {"functionCall": {"name": script.tool, "args": TOOL_ARGUMENTS}}


def whole(script: Script, model: str) -> JsonObject:
    parts = [_tool_part(script) if script.tool else {"text": script.text}]
    return _chunk(script, model, parts, _finish(script), identifier(""))


def chunks_of(script: Script, model: str) -> Iterator[JsonObject]:
    response_id = identifier("")
    parts: list[JsonObject] = [_tool_part(script)] if script.tool else [{"text": piece} for piece in script.pieces or ("",)]
    for number, part in enumerate(parts, 1):
        yield _chunk(script, model, [part], _finish(script) if number == len(parts) else None, response_id)


def send(chunks: Iterator[JsonObject], script: Script, *, as_events: bool) -> Response:
    """Server-sent events with `alt=sse`, else the elements of one JSON array, a chunk each."""
    failure = {"error": {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}}
    if as_events:
        events = (sse(chunk, end="\r\n\r\n") for chunk in chunks)
        error = sse(failure, end="\r\n\r\n")
        return stream(events, script, error=error, headers=HEADERS, content_type="text/event-stream")

    def elements() -> Iterator[bytes]:
        for number, chunk in enumerate(chunks):
            yield (b",\r\n" if number else b"[") + dump(chunk)
        yield b"\n]\n"

    return stream(elements(), script, error=b",\r\n" + dump(failure) + b"\n]\n", headers=HEADERS, content_type=JSON)


def _embedding(body: JsonObject) -> JsonObject:
    return {"values": vector(text_of(body.get("content")))}


def _prediction(instance: JsonObject) -> JsonObject:
    text = str(instance.get("content", ""))
    statistics = {"token_count": max(1, count_words(text)), "truncated": False}
    return {"embeddings": {"values": vector(text), "statistics": statistics}}
