"""Amazon Bedrock's runtime: Converse and InvokeModel, whole and as AWS event streams, behind a bearer key or a signature.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference (Converse, ConverseStream, InvokeModel,
InvokeModelWithResponseStream, CountTokens, CommonErrors) and …/userguide/model-parameters.html for the bodies of InvokeModel.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator

from starlette.responses import Response

from sallyport.providers.wire.eventstream import encode_frame
from sallyport.standin import anthropic
from sallyport.standin.aws_signature import check_signature
from sallyport.standin.family import GATEWAY_KEY_PREFIX, Family, bearer, identifier
from sallyport.standin.openai import vector
from sallyport.standin.script import TOOL_ARGUMENTS, Counts, Message, Refusal, Script, count_words, text_of, write_script
from sallyport.standin.wire import Call, JsonObject, answer, dump, json_object, objects, stream

_JSON = "application/json"
_EVENT_STREAM = "application/vnd.amazon.eventstream"
_LATENCY = 12  # milliseconds
_ERRORS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


class Bedrock(Family):
    name = "bedrock"

    def answer(self, call: Call) -> Response:
        self._check(call)
        match call.method, call.segments:
            case "POST", ["model", _, "converse"]:
                script = _converse_script(call.json())
                return answer(_converse(script), script, headers=_headers(), content_type=_JSON)
            case "POST", ["model", _, "converse-stream"]:
                script = _converse_script(call.json())
                frames = (_frame(kind, event) for kind, event in _converse_events(script))
                return stream(frames, script, error=_exception(), headers=_headers(), content_type=_EVENT_STREAM)
            case "POST", ["model", model, "invoke"]:
                body, script = _invoke(model, call.json())
                return answer(body, script, headers=_headers() | _invoke_headers(script.counts), content_type=_JSON)
            case "POST", ["model", model, "invoke-with-response-stream"]:
                events, script = _invoke_events(model, call.json())
                frames = (_frame("chunk", {"bytes": base64.b64encode(dump(event)).decode()}) for event in events)
                headers = _headers() | {"x-amzn-bedrock-content-type": _JSON}
                return stream(frames, script, error=_exception(), headers=headers, content_type=_EVENT_STREAM)
            case "POST", ["model", _, "count-tokens"]:
                given = json_object(json_object(call.json(), "input"), "converse")
                tokens = max(1, count_words(*(message.text for message in _messages(given))))
                return answer({"inputTokens": tokens}, headers=_headers(), content_type=_JSON)
            case "GET", ["inference-profiles"]:
                return answer({"inferenceProfileSummaries": [_profile()]}, headers=_headers(), content_type=_JSON)
            case _:
                raise Refusal(404, "Unable to determine service/operation name to be authorized", "UnknownOperationException")

    def error(self, refusal: Refusal) -> Response:
        kind = refusal.code or _ERRORS.get(refusal.status, _ERRORS[500 if refusal.status >= 500 else 400])
        headers = _headers() | {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
        return answer({"message": refusal.message}, status=refusal.status, headers=headers, content_type=_JSON)

    def _check(self, call: Call) -> None:
        if "authorization" not in call.headers:
            raise Refusal(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
        if call.headers["authorization"].startswith("AWS4-"):
            check_signature(call, "bedrock")
            return
        key = bearer(call)
        if key is None or key.startswith(GATEWAY_KEY_PREFIX):
            raise Refusal(403, "The security token included in the request is invalid.", "UnrecognizedClientException")


def _headers() -> dict[str, str]:
    return {"x-amzn-requestid": str(uuid.uuid4())}


def _frame(kind: str, payload: JsonObject) -> bytes:
    """An event. Its payload is padded with `p`, as Bedrock's are, against reading lengths off the wire."""
    headers = {":event-type": kind, ":content-type": _JSON, ":message-type": "event"}
    return encode_frame(headers, dump(payload | {"p": "abcdefghijkl"}))


def _exception() -> bytes:
    headers = {":exception-type": "modelStreamErrorException", ":content-type": _JSON, ":message-type": "exception"}
    return encode_frame(headers, dump({"message": "The model failed while it streamed.", "originalStatusCode": 500}))


def _messages(body: JsonObject) -> list[Message]:
    if not isinstance(body.get("messages"), list):
        raise Refusal(
            400, "1 validation error detected: Value at 'messages' failed to satisfy constraint: Member must not be null"
        )
    system = [Message("system", text_of(body["system"]))] if body.get("system") else []
    return system + [Message(str(entry.get("role")), text_of(entry.get("content"))) for entry in objects(body, "messages")]


def _converse_script(body: JsonObject) -> Script:
    tools = [tool["toolSpec"]["name"] for tool in objects(json_object(body, "toolConfig"), "tools") if "toolSpec" in tool]
    return write_script(_messages(body), limit=json_object(body, "inferenceConfig").get("maxTokens"), tools=tools)


def _stop_reason(script: Script) -> str:
    return "tool_use" if script.tool else "max_tokens" if script.truncated else "end_turn"


def _usage(counts: Counts) -> JsonObject:
    """`inputTokens` leaves out what the cache was read for and written with, `totalTokens` doesn't."""
    return {
        "inputTokens": counts.input - counts.cached - counts.cache_write,
        "outputTokens": counts.output,
        "totalTokens": counts.total,
        "cacheReadInputTokens": counts.cached,
        "cacheWriteInputTokens": counts.cache_write,
    }


def _converse(script: Script) -> JsonObject:
    block: JsonObject = {"text": script.text}
    if script.tool:
        block = {"toolUse": {"toolUseId": identifier("tooluse_"), "name": script.tool, "input": TOOL_ARGUMENTS}}
    body: JsonObject = {
        "output": {"message": {"role": "assistant", "content": [block]}},
        "stopReason": _stop_reason(script),
        "metrics": {"latencyMs": _LATENCY},
    }
    return body | ({"usage": _usage(script.counts)} if script.usage else {})


def _converse_events(script: Script) -> Iterator[tuple[str, JsonObject]]:
    yield "messageStart", {"role": "assistant"}
    if script.tool:
        start = {"toolUse": {"toolUseId": identifier("tooluse_"), "name": script.tool}}
        yield "contentBlockStart", {"contentBlockIndex": 0, "start": start}
        arguments = json.dumps(TOOL_ARGUMENTS)
        deltas: list[JsonObject] = [{"toolUse": {"input": part}} for part in (arguments[:5], arguments[5:])]
    else:
        deltas = [{"text": piece} for piece in script.pieces]
    for delta in deltas:
        yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}
    yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": _stop_reason(script)}
    usage = {"usage": _usage(script.counts)} if script.usage else {}
    yield "metadata", {"metrics": {"latencyMs": _LATENCY}} | usage


def _vendor(model: str) -> str:
    """`anthropic` of `us.anthropic.claude-…`, and of an inference profile's ARN."""
    vendors = ("anthropic", "amazon.nova", "amazon.titan-embed")
    return next((vendor for vendor in vendors if vendor in model), "")


def _invoke(model: str, body: JsonObject) -> tuple[JsonObject, Script]:
    """The body that InvokeModel passes on from the model: each vendor's own."""
    match _vendor(model):
        case "anthropic":
            script = anthropic.script_of(_check_anthropic(body))
            return anthropic.whole(script, model), script
        case "amazon.nova":
            script = _converse_script(body)
            return {key: value for key, value in _converse(script).items() if key != "metrics"}, script
        case "amazon.titan-embed":
            script = write_script([Message("user", str(body.get("inputText", "")))])
            return {"embedding": vector(str(body.get("inputText", ""))), "inputTextTokenCount": script.counts.input}, script
        case _:
            raise Refusal(400, "The provided model identifier is invalid.")


def _invoke_events(model: str, body: JsonObject) -> tuple[list[JsonObject], Script]:
    match _vendor(model):
        case "anthropic":
            script = anthropic.script_of(_check_anthropic(body))
            events = list(anthropic.events_of(script, model))
        case "amazon.nova":
            script = _converse_script(body)
            events: list[JsonObject] = [{kind: event} for kind, event in _converse_events(script)]
        case _:
            raise Refusal(400, "The model is unsupported for streaming.")
    if script.usage:
        metrics = {"inputTokenCount": script.counts.input - script.counts.cached - script.counts.cache_write}
        metrics |= {"outputTokenCount": script.counts.output, "invocationLatency": _LATENCY, "firstByteLatency": _LATENCY}
        metrics |= {"cacheReadInputTokenCount": script.counts.cached, "cacheWriteInputTokenCount": script.counts.cache_write}
        events[-1] = events[-1] | {"amazon-bedrock-invocationMetrics": metrics}
    return events, script


def _check_anthropic(body: JsonObject) -> JsonObject:
    if not body.get("anthropic_version"):
        raise Refusal(400, "anthropic_version: Field required")
    if "model" in body or "stream" in body:
        raise Refusal(400, "model, stream: Extra inputs are not permitted")
    return body


def _invoke_headers(counts: Counts) -> dict[str, str]:
    return {
        "x-amzn-bedrock-invocation-latency": str(_LATENCY),
        "x-amzn-bedrock-input-token-count": str(counts.input - counts.cached - counts.cache_write),
        "x-amzn-bedrock-output-token-count": str(counts.output),
        "x-amzn-bedrock-cache-read-input-token-count": str(counts.cached),
        "x-amzn-bedrock-cache-write-input-token-count": str(counts.cache_write),
    }


def _profile() -> JsonObject:
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    return {
        "inferenceProfileName": "US Claude Sonnet 4.5",
        "inferenceProfileArn": f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{model}",
        "inferenceProfileId": f"us.{model}",
        "models": [{"modelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{model}"}],
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
    }
