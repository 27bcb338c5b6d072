"""Google's Gemini API (https://ai.google.dev/api)."""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.routes import Routes
from sallyport.providers.surfaces.google import surface
from sallyport.secret import Secret

_ROUTES = Routes(*surface.routes)


class Gemini(Provider):
    name = "gemini"
    secret_names = ("GOOGLE_API_KEY",)
    listed_as = "google"
    hosts = ("generativelanguage.googleapis.com",)
    name_constraints = ("generativelanguage.googleapis.com",)

    def host_for(self, path: str) -> str:
        return "generativelanguage.googleapis.com"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    def with_model(self, path: str, model: str) -> str | None:
        return _ROUTES.with_model(path, model)

    def reshapes(self, name: str, value: str) -> bool:
        return surface.reshapes(name, value)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        return {"x-goog-api-key": secret.reveal()}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return surface.error(status, message)


provider = Gemini()
