"""The ASGI application: which family a path belongs to, and what came in."""

from __future__ import annotations

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from sallyport.standin.anthropic import Anthropic
from sallyport.standin.aws_token import assume_role, is_assume_role
from sallyport.standin.bedrock import Bedrock
from sallyport.standin.chatgpt import ChatGPT
from sallyport.standin.code_assist import CodeAssist
from sallyport.standin.declared import declared
from sallyport.standin.family import Family
from sallyport.standin.google import Gemini, Vertex
from sallyport.standin.google_token import google_token
from sallyport.standin.journal import Journal
from sallyport.standin.langsmith import LangSmith
from sallyport.standin.openai import Baseten, Fireworks, OpenAI
from sallyport.standin.script import Refusal
from sallyport.standin.session import hold
from sallyport.standin.trouble import check_trouble
from sallyport.standin.wire import Call, answer

_OWN = "__standin__"


class StandInApp:
    """All families on one port."""

    def __init__(self) -> None:
        written = (OpenAI(), Fireworks(), Baseten(), Anthropic(), Gemini(), Vertex(), Bedrock(), ChatGPT(), CodeAssist())
        families: tuple[Family, ...] = (*written, *declared())
        self._families = {family.name: family for family in families}
        self._langsmith = LangSmith()
        self._journal = Journal()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            call = Call(request.method, _path(scope), request.query_params, request.headers, await request.body())
            await self._answer(call, scope)(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._converse(WebSocket(scope, receive, send))

    async def _converse(self, websocket: WebSocket) -> None:
        """Messages are kept like requests, of the method MESSAGE."""
        target = _target(websocket.scope)
        call = Call("GET", _path(websocket.scope), websocket.query_params, websocket.headers, b"")
        self._journal.add(call.method, target, websocket.scope["headers"], b"")
        family, call = self._of_family(call)
        try:
            open_session = family.connect(call)
        except Refusal as refusal:
            await websocket.send_denial_response(family.error(refusal))
            return
        await hold(websocket, open_session, lambda message: self._journal.add("MESSAGE", target, (), message))

    def _answer(self, call: Call, scope: Scope) -> Response:
        if call.segments[0] == _OWN:
            return self._own(call)
        self._journal.add(call.method, _target(scope), scope["headers"], call.body)
        if token := google_token(call):
            return token
        if is_assume_role(call):
            return assume_role(call)
        handler, call = self._of_family(call)
        try:
            check_trouble(call)
            return handler.answer(call)
        except Refusal as refusal:
            return handler.error(refusal)

    def _of_family(self, call: Call) -> tuple[Family, Call]:
        """Whose path it is, and the call without a first segment that says so."""
        first, _, rest = call.path.lstrip("/").partition("/")
        if first in ("langsmith", *self._families):
            call = Call(call.method, f"/{rest}", call.query, call.headers, call.body)
        if first == "langsmith" or (first not in self._families and self._langsmith.takes(call)):
            return self._langsmith, call
        return self._families[first if first in self._families else family_of(call.segments, call.headers, call.query)], call

    def _own(self, call: Call) -> Response:
        match call.method, call.segments[1:]:
            case "GET", ["requests"]:
                return answer(self._journal.entries(), content_type="application/json")
            case "DELETE", ["requests"]:
                self._journal.clear()
            case "GET", ["runs"]:
                return answer(list(self._langsmith.runs.values()), content_type="application/json")
            case "DELETE", ["runs"]:
                self._langsmith.runs.clear()
            case "DELETE", ["keys", key]:
                self._langsmith.unknown_keys.add(key)
            case _:
                return Response(status_code=404)
        return Response(status_code=204)


def _path(scope: Scope) -> str:
    raw_path: bytes = scope["raw_path"]
    return raw_path.decode("ascii")


def _target(scope: Scope) -> str:
    query: bytes = scope["query_string"]
    return _path(scope) + (f"?{query.decode('ascii')}" if query else "")


def family_of(segments: list[str], headers: Headers, query: QueryParams) -> str:
    """The family a path belongs to; `/v1/models`, which three have, goes by the credential. Unknown paths are OpenAI's."""
    match segments:
        case ["inference", *_]:
            return "fireworks"
        case ["model" | "inference-profiles" | "foundation-models" | "guardrail", *_]:
            return "bedrock"
        case ["v1" | "v1beta1", "projects" | "publishers", *_]:
            return "vertex"
        case ["backend-api", *_]:
            return "chatgpt"
        case [method, *_] if method.startswith("v1internal"):
            return "codeassist"
        case ["ws", service, *_] if service.startswith("google."):
            return "vertex" if ".aiplatform." in service else "gemini"
        case ["v1beta", *_]:
            return "gemini"
        case ["v1", "messages", *_]:
            return "anthropic"
        case ["v1", "models", target] if ":" in target:
            return "gemini"
        case ["v1", "models", *_] if "x-goog-api-key" in headers or "key" in query:
            return "gemini"
        case _ if "anthropic-version" in headers:
            return "anthropic"
        case _:
            return "openai"
