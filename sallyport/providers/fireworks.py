"""Fireworks AI (https://docs.fireworks.ai/api-reference): OpenAI's API, and Anthropic's messages, under `/inference`."""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import SEGMENT, Routes, route
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings
from sallyport.providers.wire.openai_responses import OpenAIResponses
from sallyport.secret import Secret

_CHAT, _EMBEDDINGS, _RESPONSES = OpenAIChat(), OpenAIEmbeddings(), OpenAIResponses()
_MODELS, _STORED = Operation("models"), Operation("stored_responses", shape=_RESPONSES)

_ROUTES = Routes(
    route("POST", "/inference/v1/chat/completions", Operation("chat", _CHAT)),
    route("POST", "/inference/v1/completions", Operation("completions", _CHAT)),
    route("POST", "/inference/v1/messages", Operation("messages", AnthropicMessages())),
    route("POST", "/inference/v1/embeddings", Operation("embeddings", _EMBEDDINGS)),
    route("POST", "/inference/v1/rerank", Operation("rerank", _EMBEDDINGS)),
    route("POST", "/inference/v1/responses", Operation("responses", _RESPONSES)),
    route("GET", "/inference/v1/responses", _STORED),
    route("GET DELETE", "/inference/v1/responses/{id}", _STORED),
    route("GET", "/inference/v1/models", _MODELS),
    route("GET", "/inference/v1/models/{id}", _MODELS, id=rf"{SEGMENT}(?:/{SEGMENT}){{0,3}}"),  # `accounts/fireworks/models/x`
)


class Fireworks(Provider):
    name = "fireworks"
    secret_names = ("FIREWORKS_API_KEY",)
    listed_as = "fireworks"
    hosts = ("api.fireworks.ai",)
    name_constraints = ("api.fireworks.ai",)
    shared_paths = _ROUTES.shared

    def host_for(self, path: str) -> str:
        return "api.fireworks.ai"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        return {"authorization": f"Bearer {secret.reveal()}"}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return openai_error(status, message)


provider = Fireworks()
