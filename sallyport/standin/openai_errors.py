"""OpenAI's error documents: https://platform.openai.com/docs/guides/error-codes."""

from __future__ import annotations

from sallyport.standin.script import Refusal
from sallyport.standin.wire import JsonObject

_ERRORS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


def error_of(refusal: Refusal) -> JsonObject:
    kind, code = _ERRORS.get(refusal.status, ("server_error", None) if refusal.status >= 500 else _ERRORS[400])
    code = code if refusal.code is None else refusal.code or None
    return {"error": {"message": refusal.message, "type": kind, "param": None, "code": code}}
