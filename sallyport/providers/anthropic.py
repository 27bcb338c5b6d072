"""Anthropic (https://docs.claude.com/en/api)."""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.routes import Routes
from sallyport.providers.surfaces.anthropic import surface
from sallyport.secret import Secret

_ROUTES = Routes(*surface.routes)


class Anthropic(Provider):
    """Claude Code sends its key to telemetry and settings paths too; they are not in the table and get no key of ours."""

    name = "anthropic"
    secret_names = ("ANTHROPIC_API_KEY",)
    listed_as = "anthropic"
    hosts = ("api.anthropic.com",)
    name_constraints = ("api.anthropic.com",)
    shared_paths = _ROUTES.shared

    def host_for(self, path: str) -> str:
        return "api.anthropic.com"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        """An API key goes in `x-api-key`, an OAuth access token (`sk-ant-oat…`) in `Authorization`."""
        key = secret.reveal()
        return {"authorization": f"Bearer {key}"} if key.startswith("sk-ant-oat") else {"x-api-key": key}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return surface.error(status, message)


provider = Anthropic()
