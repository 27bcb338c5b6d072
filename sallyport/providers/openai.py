"""OpenAI (https://platform.openai.com/docs/api-reference)."""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.routes import Routes, below
from sallyport.providers.surfaces.openai import surface
from sallyport.secret import Secret

_ROUTES = Routes(*below("/v1", surface.routes))


class OpenAI(Provider):
    name = "openai"
    secret_names = ("OPENAI_API_KEY",)
    listed_as = "openai"
    hosts = ("api.openai.com", "eu.api.openai.com", "us.api.openai.com")
    name_constraints = ("api.openai.com",)
    shared_paths = _ROUTES.shared

    def host_for(self, path: str) -> str:
        return "api.openai.com"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        return {"authorization": f"Bearer {secret.reveal()}"}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return surface.error(status, message)


provider = OpenAI()
