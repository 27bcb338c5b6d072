"""Baseten (https://docs.baseten.co/reference/inference-api/overview): Model APIs, and deployments that speak OpenAI's API."""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import SEGMENT, Routes, route
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings
from sallyport.providers.wire.stored import Stored
from sallyport.secret import Secret

_CHAT, _MODELS = OpenAIChat(), Operation("models")

_DEPLOYMENT = rf"(?:/(?:environments/{SEGMENT}|deployment/{SEGMENT}|production|development)/sync)?"
"""What stands before `/v1` on a dedicated deployment's own host, `model-….api.baseten.co`."""
_DEPLOYED = rf"/(?:environments/{SEGMENT}|deployment/{SEGMENT}|production|development)"
_PREDICT = Operation("predict", shape=Stored(), uncounted=True)  # whatever the deployed code makes of it, paid for by the minute

_ROUTES = Routes(
    route("POST", "{deployment}/v1/chat/completions", Operation("chat", _CHAT), deployment=_DEPLOYMENT),
    route("POST", "{deployment}/v1/completions", Operation("completions", _CHAT), deployment=_DEPLOYMENT),
    route("POST", "{deployment}/v1/messages", Operation("messages", AnthropicMessages()), deployment=_DEPLOYMENT),
    route("POST", "{deployment}/v1/embeddings", Operation("embeddings", OpenAIEmbeddings()), deployment=_DEPLOYMENT),
    route("GET", "{deployment}/v1/models", _MODELS, deployment=_DEPLOYMENT),
    route("POST", "{deployed}/{what}", _PREDICT, deployed=_DEPLOYED, what="(?:async_)?(?:predict|run_remote)"),
    route("GET DELETE", "/async_request/{id}", Operation("async_requests")),
    route("GET", "{deployed}/async_queue_status", Operation("async_requests"), deployed=_DEPLOYED),
    route("GET", "/v1/models/{id}", _MODELS, id=rf"{SEGMENT}(?:/{SEGMENT})?"),  # `deepseek-ai/DeepSeek-V3`
)


class Baseten(Provider):
    name = "baseten"
    secret_names = ("BASETEN_API_KEY",)
    listed_as = "baseten"
    hosts = ("inference.baseten.co", "*.api.baseten.co")
    name_constraints = ("inference.baseten.co", "api.baseten.co")
    shared_paths = _ROUTES.shared

    def host_for(self, path: str) -> str:
        return "inference.baseten.co"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        """Bearer, as the OpenAI and Anthropic SDKs send it to Baseten; `Api-Key` is the older spelling."""
        return {"authorization": f"Bearer {secret.reveal()}"}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return openai_error(status, message)


provider = Baseten()
