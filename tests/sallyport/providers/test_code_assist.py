import pytest

from sallyport.providers.base import JsonObject
from sallyport.providers.code_assist import provider


@pytest.mark.parametrize(
    ("method", "path", "name", "stream"),
    [
        ("POST", "/v1internal:generateContent", "generate", False),
        ("POST", "/v1internal:streamGenerateContent", "generate", True),
        ("POST", "/v1internal:countTokens", "count_tokens", False),
        ("POST", "/v1internal:loadCodeAssist", "account", False),
        ("POST", "/v1internal:onboardUser", "account", False),
        ("GET", "/v1internal:getCodeAssistGlobalUserSetting", "account", False),
        ("GET", "/v1internal/operations/abc", "account", False),
    ],
)
def test_paths(method: str, path: str, name: str, stream: bool):
    operation = provider.operation(method, path)
    assert operation
    assert (operation.name, operation.stream) == (name, stream)


@pytest.mark.parametrize("path", ["/v1internal:generatecontent", "/v1internal:complete", "/v1internal:", "/v2:generateContent"])
def test_any_other_path(path: str):
    assert provider.operation("POST", path) is None


def test_the_model_stands_beside_the_request_or_in_it():
    generate, count = (provider.operation("POST", f"/v1internal:{verb}") for verb in ("generateContent", "countTokens"))
    assert generate
    assert generate.wire
    body: JsonObject = {"model": "gemini-2.5-pro", "request": {"contents": [], "generationConfig": {"maxOutputTokens": 7}}}
    assert (generate.wire.model(body), generate.wire.output_cap(body)) == ("gemini-2.5-pro", 7)
    assert count
    assert count.shape
    assert count.shape.model({"request": {"model": "models/gemini-2.5-pro", "contents": []}}) == "gemini-2.5-pro"


def test_answers_that_its_cost_could_not_be_read_from():
    assert provider.reshapes("fields", "response.candidates")
    assert not provider.reshapes("alt", "sse")
