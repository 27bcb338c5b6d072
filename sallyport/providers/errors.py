"""Refusals in the vendors' own error shapes, so that each SDK shows the message."""

from __future__ import annotations

from typing import Any

import orjson

from sallyport.providers.base import ErrorAnswer

# https://platform.openai.com/docs/guides/error-codes: status → (type, code)
_OPENAI: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "billing_hard_limit_reached"),
    403: ("invalid_request_error", "permission_denied"),
    404: ("invalid_request_error", "not_found"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("requests", "rate_limit_exceeded"),
}

# https://docs.claude.com/en/api/errors
_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}

# https://cloud.google.com/apis/design/errors: HTTP status → canonical status name
_GOOGLE = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    426: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

# https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
_AWS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    402: "ServiceQuotaExceededException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}


def openai_error(status: int, message: str) -> ErrorAnswer:
    """`{"error": {"message", "type", "param", "code"}}`; Fireworks and Baseten speak it too."""
    kind, code = _OPENAI.get(status, _by_class(status, ("invalid_request_error", None), ("server_error", None)))
    return _answer({"error": {"message": message, "type": kind, "param": None, "code": code}})


def anthropic_error(status: int, message: str) -> ErrorAnswer:
    """`{"type": "error", "error": {"type", "message"}}`."""
    kind = _ANTHROPIC.get(status, _by_class(status, "invalid_request_error", "api_error"))
    return _answer({"type": "error", "error": {"type": kind, "message": message}})


def google_error(status: int, message: str) -> ErrorAnswer:
    """`{"error": {"code", "message", "status"}}`."""
    name = _GOOGLE.get(status, _by_class(status, "INVALID_ARGUMENT", "INTERNAL"))
    return _answer({"error": {"code": status, "message": message, "status": name}})


def aws_error(status: int, message: str) -> ErrorAnswer:
    """`{"message"}`, the kind in `x-amzn-errortype`."""
    kind = _AWS.get(status, _by_class(status, "ValidationException", "InternalServerException"))
    return _answer({"message": message}, {"x-amzn-errortype": kind})


def cohere_error(status: int, message: str) -> ErrorAnswer:
    """`{"message"}` (https://docs.cohere.com/reference/errors)."""
    return _answer({"message": message})


def plain_error(status: int, message: str) -> ErrorAnswer:
    """`{"error": message}`, as Ollama says it."""
    return _answer({"error": message})


def _by_class[T](status: int, client: T, server: T) -> T:
    return client if status < 500 else server


def _answer(body: Any, headers: dict[str, str] | None = None) -> ErrorAnswer:
    return ErrorAnswer(orjson.dumps(body), headers or {})
