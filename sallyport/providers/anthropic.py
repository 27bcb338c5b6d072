"""Anthropic (https://docs.claude.com/en/api)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.errors import anthropic_error
from sallyport.providers.routes import Routes, route
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.secret import Secret

_MESSAGES = AnthropicMessages()
_BATCHES, _FILES, _MODELS = Operation("batches", shape=_MESSAGES), Operation("files"), Operation("models")
_NEW_BATCH = replace(_BATCHES, uncounted=True)

_ROUTES = Routes(
    route("POST", "/v1/messages", Operation("messages", _MESSAGES)),
    route("POST", "/v1/messages/count_tokens", Operation("count_tokens", shape=_MESSAGES)),
    route("GET", "/v1/models", _MODELS),
    route("GET", "/v1/models/{id}", _MODELS),
    route("GET", "/v1/messages/batches", _BATCHES),
    route("POST", "/v1/messages/batches", _NEW_BATCH),
    route("GET DELETE", "/v1/messages/batches/{id}", _BATCHES),
    route("POST", "/v1/messages/batches/{id}/cancel", _BATCHES),
    route("GET", "/v1/messages/batches/{id}/results", _BATCHES),
    route("GET POST", "/v1/files", _FILES),
    route("GET DELETE", "/v1/files/{id}", _FILES),
    route("GET", "/v1/files/{id}/content", _FILES),
)


class Anthropic(Provider):
    """Claude Code sends its key to telemetry and settings paths too; they are not in the table and get no key of ours."""

    name = "anthropic"
    secret_name = "ANTHROPIC_API_KEY"  # noqa: S105 - the name of a secret
    hosts = ("api.anthropic.com",)
    name_constraints = ("api.anthropic.com",)

    def host_for(self, path: str) -> str:
        return "api.anthropic.com"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        """An API key goes in `x-api-key`, an OAuth access token (`sk-ant-oat…`) in `Authorization`."""
        key = secret.reveal()
        return {"authorization": f"Bearer {key}"} if key.startswith("sk-ant-oat") else {"x-api-key": key}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return anthropic_error(status, message)


provider = Anthropic()
