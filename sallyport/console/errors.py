"""Errors as answers: problem details (RFC 9457) with a clear text, a page for browsers, never a traceback.

Paths that are LangSmith's answer as its API does: plain JSON `{"detail": "…"}`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from sallyport.console.auth import LogInNeeded
from sallyport.console.pages.rendering import render
from sallyport.store.errors import Conflict, Forbidden, Invalid, Mismatch, NotFound, Stale, StoreError

log = logging.getLogger(__name__)


PROBLEM_JSON = "application/problem+json"


class Problem(BaseModel):
    """Every error of this API, as RFC 9457 has it."""

    type: str = Field("about:blank", description="`title` and `status` say all there is to the kind.")
    title: str = Field("", description="The status in words.", examples=["Not Found"])
    status: int = Field(0, examples=[404])
    detail: str = Field(description="What is wrong, and what would be right.", examples=["no policy has the id 42"])


_STORE_STATUS = {NotFound: 404, Invalid: 400, Conflict: 409, Forbidden: 403, Stale: 412, Mismatch: 422}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, for its OpenAPI description."""
    return {status: {"model": Problem, "description": _DESCRIPTIONS[status]} for status in statuses}


_DESCRIPTIONS = {
    400: "The body or a parameter is wrong; `detail` names the field",
    401: "The admin key is missing or wrong",
    403: "The admin key may not do that",
    404: "No such thing",
    409: "It is there already, or still in use",
    413: "The body is too large",
    412: "It was changed since; `If-Match` names another state",
    422: "The `Idempotency-Key` was sent with another request",
    503: "A store is not reachable",
}


def description(status: int) -> str:
    return _DESCRIPTIONS[status]


def speaks_problems(path: str) -> bool:
    """Not on paths of LangSmith's own API."""
    return not path.startswith("/v1/platform/")


def validation_text(errors: Sequence[Mapping[str, Any]]) -> str:
    """One line for pydantic's list of errors. Shows fields and reasons, never the input: it may be a secret."""
    return "; ".join(_one(error) for error in errors[:5])


def _one(error: Mapping[str, Any]) -> str:
    place = [str(part) for part in error["loc"]]
    if error["type"] == "json_invalid":
        return "the body is not valid JSON"
    if place == ["body"]:
        return "the body must be a JSON object, sent with `Content-Type: application/json`"
    where = ".".join(place[1:] if place[0] in ("body", "query", "path") else place)
    match error["type"]:
        case "extra_forbidden":
            return f"{where}: unknown field"
        case "missing":
            return f"{where}: required"
        case "value_error":
            return f"{where}: {error['ctx']['error']}"
        case _:
            message = str(error["msg"])
            return f"{where}: {message[:1].lower()}{message[1:]}"


def install(app: FastAPI) -> None:
    """Register the handlers."""

    @app.exception_handler(LogInNeeded)
    async def log_in(request: Request, error: LogInNeeded) -> Response:
        if request.url.path.startswith("/live/"):
            return problem(request.url.path, 401, "the session has ended; sign in again")
        return RedirectResponse(error.location, 303)

    @app.exception_handler(StarletteHTTPException)
    async def http(request: Request, error: StarletteHTTPException) -> Response:
        return _answer(request, error.status_code, error.detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors: Sequence[Mapping[str, Any]] = error.errors()
        if any(entry["loc"][0] == "path" for entry in errors):
            return _answer(request, 404, "no such thing: what the path names is malformed")
        return _answer(request, 400, validation_text(errors))

    @app.exception_handler(StoreError)
    async def store(request: Request, error: StoreError) -> Response:
        for kind, status in _STORE_STATUS.items():
            if isinstance(error, kind):
                return _answer(request, status, str(error))
        log.error("%s %s: %s", request.method, request.url.path, error)
        return _answer(request, 503, "the database does not answer; see the log", {"Retry-After": "2"})

    @app.exception_handler(RedisError)
    async def redis(request: Request, error: RedisError) -> Response:
        log.error("%s %s: redis: %s", request.method, request.url.path, type(error).__name__)
        return _answer(request, 503, "redis does not answer; see the log", {"Retry-After": "2"})

    @app.exception_handler(Exception)
    async def internal(request: Request, error: Exception) -> Response:
        return _answer(request, 500, "internal error; see the log")


def problem(path: str, status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    if not speaks_problems(path):
        return JSONResponse({"detail": detail}, status, headers)
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(content, status, headers, PROBLEM_JSON)


def _answer(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")
    if not wants_page:
        return problem(request.url.path, status, detail, headers)
    title = HTTPStatus(status).phrase
    answer = render(request, "error.html", status=status, code=status, title=title, detail=detail)
    answer.headers.update(headers or {})
    return answer
