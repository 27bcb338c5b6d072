"""OpenAI (https://platform.openai.com/docs/api-reference)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import SEGMENT, Routes, route
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings
from sallyport.providers.wire.openai_images import OpenAIImages
from sallyport.providers.wire.openai_responses import OpenAIResponses
from sallyport.providers.wire.openai_responses_socket import OpenAIResponsesSocket
from sallyport.secret import Secret

_CHAT, _RESPONSES = OpenAIChat(), OpenAIResponses()
_BATCHES, _FILES, _MODELS = Operation("batches"), Operation("files"), Operation("models")
_AUDIO, _IMAGES, _NEW_BATCH = (Operation(name, uncounted=True) for name in ("audio", "images", "batches"))
_STORED_CHATS = Operation("stored_chats", shape=_CHAT)
_STORED_RESPONSES = Operation("stored_responses", shape=_RESPONSES)

_ROUTES = Routes(
    route("POST", "/v1/chat/completions", Operation("chat", _CHAT)),
    route("POST", "/v1/responses", Operation("responses", _RESPONSES)),
    route("GET", "/v1/responses", Operation("connect", socket=OpenAIResponsesSocket())),
    route("POST", "/v1/responses/compact", Operation("responses", _RESPONSES)),
    route("POST", "/v1/responses/input_tokens", Operation("count_tokens", shape=_RESPONSES)),
    route("POST", "/v1/completions", Operation("completions", _CHAT)),
    route("POST", "/v1/embeddings", Operation("embeddings", OpenAIEmbeddings())),
    route("POST", "/v1/moderations", Operation("moderations", shape=_CHAT)),
    route("POST", "/v1/images/generations", Operation("images", OpenAIImages())),
    route("POST", "/v1/images/{what}", _IMAGES, what="edits|variations"),
    route("POST", "/v1/audio/speech", replace(_AUDIO, shape=_CHAT)),
    route("POST", "/v1/audio/{what}", _AUDIO, what="transcriptions|translations"),
    route("GET", "/v1/models", _MODELS),
    route("GET DELETE", "/v1/models/{id}", _MODELS, id=r"[A-Za-z0-9][A-Za-z0-9._:-]*"),  # `ft:gpt-4o:acme::id`
    route("GET DELETE", "/v1/responses/{id}", _STORED_RESPONSES),
    route("POST", "/v1/responses/{id}/cancel", _STORED_RESPONSES),
    route("GET", "/v1/responses/{id}/input_items", _STORED_RESPONSES),
    route("GET", "/v1/chat/completions", _STORED_CHATS),
    route("GET POST DELETE", "/v1/chat/completions/{id}", _STORED_CHATS),
    route("GET", "/v1/chat/completions/{id}/messages", _STORED_CHATS),
    route("GET POST", "/v1/files", _FILES),
    route("GET DELETE", "/v1/files/{id}", _FILES),
    route("GET", "/v1/files/{id}/content", _FILES),
    route("POST", "/v1/uploads{rest}", _FILES, rest=rf"(?:/{SEGMENT}/(?:parts|complete|cancel))?"),
    route("GET", "/v1/batches", _BATCHES),
    route("POST", "/v1/batches", _NEW_BATCH),
    route("GET", "/v1/batches/{id}", _BATCHES),
    route("POST", "/v1/batches/{id}/cancel", _BATCHES),
)


class OpenAI(Provider):
    name = "openai"
    secret_name = "OPENAI_API_KEY"  # noqa: S105 - the name of a secret
    hosts = ("api.openai.com", "eu.api.openai.com", "us.api.openai.com")
    name_constraints = ("api.openai.com",)

    def host_for(self, path: str) -> str:
        return "api.openai.com"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        return {"authorization": f"Bearer {secret.reveal()}"}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return openai_error(status, message)


provider = OpenAI()
