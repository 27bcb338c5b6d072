"""ChatGPT's back end for Codex: the Responses API for who logs in with a subscription (github.com/openai/codex, `codex-rs`).

There is no key for it: calls are made with the user's own log-in, so only where a workspace passes those through.
"""

from __future__ import annotations

from collections.abc import Mapping

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import Routes, route
from sallyport.providers.wire.openai_responses import OpenAIResponses
from sallyport.providers.wire.openai_responses_socket import OpenAIResponsesSocket
from sallyport.secret import Secret

_RESPONSES = Operation("responses", OpenAIResponses())
_ROUTES = Routes(
    route("POST", "/backend-api/codex/responses{compact}", _RESPONSES, compact="(?:/compact)?"),
    route("GET", "/backend-api/codex/responses", Operation("connect", socket=OpenAIResponsesSocket())),
)


class ChatGPT(Provider):
    name = "chatgpt"
    secret_names = ()
    own_logins = True
    listed_as = "openai"  # what the same would cost by the API
    hosts = ("chatgpt.com",)
    name_constraints = ("chatgpt.com",)

    def host_for(self, path: str) -> str:
        return "chatgpt.com"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        return {}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return openai_error(status, message)


provider = ChatGPT()
