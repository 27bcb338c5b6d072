import orjson
import pytest

from sallyport.providers import PROVIDERS

MESSAGE = 'request blocked by gateway policies: "team cap"'


@pytest.mark.parametrize("name", ["openai", "fireworks", "baseten"])
@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "invalid_request_error", "invalid_api_key"),
        (402, "insufficient_quota", "billing_hard_limit_reached"),
        (429, "requests", "rate_limit_exceeded"),
        (415, "invalid_request_error", None),
        (502, "server_error", None),
    ],
)
def test_openai_shape(name: str, status: int, kind: str, code: str | None):
    answer = PROVIDERS[name].error(status, MESSAGE)
    assert orjson.loads(answer.body) == {"error": {"message": MESSAGE, "type": kind, "param": None, "code": code}}
    assert (answer.content_type, dict(answer.headers)) == ("application/json", {})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (503, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_anthropic_shape(status: int, kind: str):
    answer = PROVIDERS["anthropic"].error(status, MESSAGE)
    assert orjson.loads(answer.body) == {"type": "error", "error": {"type": kind, "message": MESSAGE}}


@pytest.mark.parametrize("name", ["gemini", "vertex"])
@pytest.mark.parametrize(
    ("status", "canonical"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (402, "FAILED_PRECONDITION"),
        (403, "PERMISSION_DENIED"),
        (429, "RESOURCE_EXHAUSTED"),
        (413, "INVALID_ARGUMENT"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
def test_google_shape(name: str, status: int, canonical: str):
    answer = PROVIDERS[name].error(status, MESSAGE)
    assert orjson.loads(answer.body) == {"error": {"code": status, "message": MESSAGE, "status": canonical}}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "ValidationException"),
        (401, "UnrecognizedClientException"),
        (402, "ServiceQuotaExceededException"),
        (403, "AccessDeniedException"),
        (429, "ThrottlingException"),
        (502, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
def test_aws_shape(status: int, kind: str):
    answer = PROVIDERS["bedrock"].error(status, MESSAGE)
    assert orjson.loads(answer.body) == {"message": MESSAGE}
    assert dict(answer.headers) == {"x-amzn-errortype": kind}
