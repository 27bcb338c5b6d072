"""Gemini Code Assist: what Gemini CLI calls for who logs in with Google (github.com/google-gemini/gemini-cli, `code_assist`).

There is no key for it: calls are made with the user's own log-in, so only where a workspace passes those through.
"""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.errors import google_error
from sallyport.providers.routes import Routes, route
from sallyport.providers.wire.google_code_assist import GoogleCodeAssist
from sallyport.providers.wire.google_generate import google_reshapes
from sallyport.secret import Secret

_WIRE = GoogleCodeAssist()
_ACCOUNT = Operation("account")
_ROUTES = Routes(
    route("POST", "/v1internal:generateContent", Operation("generate", _WIRE)),
    route("POST", "/v1internal:streamGenerateContent", Operation("generate", _WIRE, stream=True)),
    route("POST", "/v1internal:countTokens", Operation("count_tokens", shape=_WIRE)),
    route("GET POST", "/v1internal:{what}", _ACCOUNT, what="(?:load|onboard|fetch|get|set|list|retrieve|record)[A-Z][A-Za-z]*"),
    route("GET", "/v1internal/operations/{id}", _ACCOUNT),
)


class CodeAssist(Provider):
    name = "codeassist"
    secret_names = ()
    own_logins = True
    listed_as = "google"  # what the same would cost by the API
    hosts = ("cloudcode-pa.googleapis.com",)
    name_constraints = ("cloudcode-pa.googleapis.com",)

    def host_for(self, path: str) -> str:
        return "cloudcode-pa.googleapis.com"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    def reshapes(self, name: str, value: str) -> bool:
        return google_reshapes(name, value)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        return {}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return google_error(status, message)


provider = CodeAssist()
