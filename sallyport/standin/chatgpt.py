"""ChatGPT's back end, as far as Codex speaks to it with a subscription's log-in (github.com/openai/codex, `codex-rs`)."""

from __future__ import annotations

from dataclasses import replace

import zstandard
from starlette.responses import Response

from sallyport.standin import openai_responses
from sallyport.standin.family import GATEWAY_KEY_PREFIX, Family, bearer, identifier
from sallyport.standin.openai_errors import error_of
from sallyport.standin.openai_responses_session import ResponsesSession
from sallyport.standin.script import Refusal
from sallyport.standin.session import OpenSession
from sallyport.standin.wire import Call, answer

_JSON = "application/json"


class ChatGPT(Family):
    name = "chatgpt"

    def answer(self, call: Call) -> Response:
        self._check_login(call)
        match call.method, call.segments:
            case "POST", ["backend-api", "codex", "responses"]:
                return openai_responses.respond(_plain(call).json(), {"x-request-id": identifier("")})
            case "GET", ["backend-api", "codex", "models"]:
                return answer({"models": []}, content_type=_JSON)
            case "GET", ["backend-api", "wham", "accounts", "check"]:
                account = call.headers.get("chatgpt-account-id", "account")
                routing = {"workspace_backend_origin": "https://chatgpt.com", "account_routing_override": "NO_CONSTRAINT"}
                accounts = [{"id": account, "structure": "personal", **routing}]
                return answer({"accounts": accounts, "default_account_id": account}, content_type=_JSON)
            case _:
                raise Refusal(404, "Not Found", "")

    def connect(self, call: Call) -> OpenSession:
        self._check_login(call)
        if call.segments != ["backend-api", "codex", "responses"]:
            raise Refusal(404, "Not Found", "")
        return ResponsesSession

    def error(self, refusal: Refusal) -> Response:
        return answer(error_of(refusal), status=refusal.status, content_type=_JSON)

    def _check_login(self, call: Call) -> None:
        token = bearer(call)
        if token is None or token.startswith((GATEWAY_KEY_PREFIX, "sk-")):
            raise Refusal(401, "Unauthorized", "")


def _plain(call: Call) -> Call:
    """Codex compresses what it sends there, by zstd."""
    if call.headers.get("content-encoding") != "zstd":
        return call
    return replace(call, body=zstandard.ZstdDecompressor().decompressobj().decompress(call.body))
