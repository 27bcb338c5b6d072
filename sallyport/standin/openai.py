"""OpenAI's API, and Fireworks' and Baseten's, which are compatible with it.

Source: https://platform.openai.com/docs/api-reference (errors, headers, chat, completions, embeddings, models).
"""

from __future__ import annotations

import base64
import struct
import time
from functools import partial
from typing import ClassVar

from starlette.responses import Response

from sallyport.standin import openai_chat, openai_media, openai_realtime, openai_responses, openai_responses_session
from sallyport.standin.family import GATEWAY_KEY_PREFIX, Family, bearer, identifier
from sallyport.standin.openai_errors import error_of
from sallyport.standin.script import Message, Refusal, count_words, write_script
from sallyport.standin.session import OpenSession
from sallyport.standin.wire import Call, JsonObject, answer, stream

_DIMENSIONS = 8
_MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-5", "text-embedding-3-small")


class OpenAI(Family):
    name = "openai"
    prefix: ClassVar[tuple[str, ...]] = ("v1",)
    models: ClassVar[tuple[str, ...]] = _MODELS
    usage_in_chunks: ClassVar[bool] = False

    def answer(self, call: Call) -> Response:
        segments = call.segments
        if tuple(segments[: len(self.prefix)]) != self.prefix:
            raise Refusal(404, f"Invalid URL ({call.method} {call.path})", "")
        self.check_credential(call)
        match call.method, segments[len(self.prefix) :]:
            case "POST", ["chat", "completions"]:
                return openai_chat.complete(call.json(), self.headers(), usage_in_chunks=self.usage_in_chunks)
            case "POST", ["completions"]:
                return _complete(call.json(), self.headers())
            case "POST", ["responses"] if self.name == "openai" or self.name == "fireworks":
                return openai_responses.respond(call.json(), self.headers())
            case "POST", ["realtime", "client_secrets"] if self.name == "openai":
                return answer(openai_realtime.client_secret(call.json()), content_type="application/json")
            case "POST", ["images", "generations" | "edits"] if self.name == "openai":
                return openai_media.draw(call, self.headers())
            case "POST", ["audio", "transcriptions" | "translations"]:
                return openai_media.transcribe(call, self.headers())
            case "POST", ["audio", "speech"]:
                return openai_media.speak(call, self.headers())
            case "POST", ["files"]:
                return openai_media.keep_file(call, self.headers())
            case "POST", ["batches"]:
                return openai_media.begin_batch(call, self.headers())
            case "POST", ["embeddings"]:
                return _embed(call.json(), self.headers())
            case "GET", ["models"]:
                data = [self._model(name) for name in self.models]
                return answer({"object": "list", "data": data}, headers=self.headers(), content_type="application/json")
            case "GET", ["models", *name]:
                if "/".join(name) not in self.models:
                    raise Refusal(404, f"The model '{'/'.join(name)}' does not exist or you do not have access to it.")
                return answer(self._model("/".join(name)), headers=self.headers(), content_type="application/json")
            case _:
                raise Refusal(404, f"Invalid URL ({call.method} {call.path})", "")

    def connect(self, call: Call) -> OpenSession:
        self.check_credential(call)
        match call.segments:
            case ["v1", "responses"] if self.name == "openai":
                return openai_responses_session.ResponsesSession
            case ["v1", "realtime"] if self.name == "openai":
                return partial(openai_realtime.RealtimeSession, call.query.get("model", "gpt-realtime"))
            case _:
                raise Refusal(404, f"Invalid URL ({call.method} {call.path})", "")

    def error(self, refusal: Refusal) -> Response:
        body = error_of(refusal)
        headers = self.headers() | ({"retry-after": "1"} if refusal.status == 429 else {})
        return answer(body, status=refusal.status, headers=headers, content_type="application/json")

    def check_credential(self, call: Call) -> None:
        key = bearer(call)
        if key is None:
            message = (
                "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
                "(i.e. Authorization: Bearer YOUR_KEY)."
            )
            raise Refusal(401, message, "")
        if key.startswith(GATEWAY_KEY_PREFIX):
            raise Refusal(401, "Incorrect API key provided. You can find your API key at https://platform.openai.com/api-keys.")

    def headers(self) -> dict[str, str]:
        return {
            "x-request-id": identifier("req_"),
            "openai-organization": "stand-in",
            "openai-processing-ms": "12",
            "openai-version": "2020-10-01",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-remaining-requests": "9999",
        }

    def _model(self, name: str) -> JsonObject:
        return {"id": name, "object": "model", "created": 1_715_367_049, "owned_by": self.name}


class Fireworks(OpenAI):
    """https://docs.fireworks.ai/api-reference: OpenAI's shapes under `/inference/v1`; a stream's last chunk has the usage."""

    name = "fireworks"
    prefix = ("inference", "v1")
    usage_in_chunks = True
    models = ("accounts/fireworks/models/llama-v3p1-8b-instruct", "accounts/fireworks/models/deepseek-v3")

    def check_credential(self, call: Call) -> None:
        key = bearer(call)
        if key is None or key.startswith(GATEWAY_KEY_PREFIX):
            raise Refusal(401, "The API key you provided is invalid.", "UNAUTHORIZED")

    def headers(self) -> dict[str, str]:
        return {"x-request-id": identifier(""), "fireworks-server-processing-time": "0.012"}


class Baseten(OpenAI):
    """https://docs.baseten.co/reference/inference-api: OpenAI's shapes; the key also comes as `Authorization: Api-Key`."""

    name = "baseten"
    models = ("openai/gpt-oss-120b", "deepseek-ai/DeepSeek-V4-Pro")

    def check_credential(self, call: Call) -> None:
        key = bearer(call, "Bearer", "Api-Key")
        if key is None or key.startswith(GATEWAY_KEY_PREFIX):
            raise Refusal(401, "please check the api-key you provided", "")

    def headers(self) -> dict[str, str]:
        return {"x-baseten-request-id": identifier("")}


def _complete(body: JsonObject, headers: dict[str, str]) -> Response:
    """Text completions, the API before chat."""
    prompt = body.get("prompt", "")
    texts = [prompt] if isinstance(prompt, str) else [text for text in prompt if isinstance(text, str)]
    script = write_script([Message("user", text) for text in texts], limit=body.get("max_tokens"))
    base = {"id": identifier("cmpl-"), "object": "text_completion", "created": int(time.time()), "model": body.get("model")}
    reason = "length" if script.truncated else "stop"

    def choice(text: str, finish: str | None) -> list[JsonObject]:
        return [{"text": text, "index": 0, "logprobs": None, "finish_reason": finish}]

    usage = openai_chat.usage(script.counts) if script.usage else {}
    if body.get("stream") is not True:
        full = base | {"choices": choice(script.text, reason)} | usage
        return answer(full, script, headers=headers, content_type="application/json")
    chunks = [base | {"choices": choice(piece, None)} for piece in script.pieces]
    chunks.append(base | {"choices": choice("", reason)})
    return stream(openai_chat.framed(chunks, body, base, script), script, error=openai_chat.STREAM_ERROR, headers=headers)


def _embed(body: JsonObject, headers: dict[str, str]) -> Response:
    given = body.get("input", "")
    texts = [given] if isinstance(given, str) else [text for text in given if isinstance(text, str)]
    script = write_script([Message("user", text) for text in texts])
    size = body.get("dimensions") or _DIMENSIONS
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(text, size, body.get("encoding_format") == "base64")}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": script.counts.input, "total_tokens": script.counts.input}
    full = {"object": "list", "data": data, "model": body.get("model")} | ({"usage": usage} if script.usage else {})
    return answer(full, script, headers=headers, content_type="application/json")


def _vector(text: str, size: int, base64_encoded: bool) -> list[float] | str:
    values = vector(text, size)
    return base64.b64encode(struct.pack(f"<{size}f", *values)).decode() if base64_encoded else values


def vector(text: str, size: int = _DIMENSIONS) -> list[float]:
    """A deterministic embedding: the text's number of words over powers of two (exact in any float format)."""
    words = count_words(text) or 1
    return [words / (1 << (number % 24 + 1)) for number in range(size)]
