import pytest

from sallyport.providers.gemini import provider
from sallyport.secret import Secret


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
@pytest.mark.parametrize(
    ("path", "name", "wire", "stream"),
    [
        ("models/gemini-2.5-flash:generateContent", "generate", "google_generate", False),
        ("models/gemini-2.5-flash:streamGenerateContent", "generate", "google_generate", True),
        ("models/gemini-2.5-flash:countTokens", "count_tokens", None, False),
        ("models/gemini-2.5-flash:embedContent", "embeddings", "google_embed", False),
        ("models/gemini-2.5-flash:batchEmbedContents", "embeddings", "google_embed", False),
    ],
)
def test_model_paths(version: str, path: str, name: str, wire: str | None, stream: bool):
    operation = provider.operation("POST", f"/{version}/{path}")
    assert operation is not None
    assert (operation.name, operation.wire and operation.wire.name, operation.stream) == (name, wire, stream)
    assert operation.model == "gemini-2.5-flash"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/v1beta/models", "models"),
        ("GET", "/v1beta/models/gemini-2.5-pro", "models"),
        ("POST", "/v1beta/cachedContents", "cached_contents"),
        ("PATCH", "/v1beta/cachedContents/c1", "cached_contents"),
        ("POST", "/upload/v1beta/files", "files"),
        ("GET", "/v1beta/files/f1:download", "files"),
    ],
)
def test_other_paths_of_the_api(method: str, path: str, name: str):
    operation = provider.operation(method, path)
    assert operation is not None
    assert (operation.name, operation.wire) == (name, None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1beta/models/gemini-2.5-flash:generateContent"),
        ("POST", "/v2/models/gemini-2.5-flash:generateContent"),
        ("POST", "/v1beta/models/gemini-2.5-flash:generateContent:generateContent"),
        ("POST", "/v1beta/models/..:generateContent"),
        ("POST", "/v1beta/models/a/../b:generateContent"),
        ("POST", "/v1beta/models/a%2Fb:generateContent"),
        ("POST", "/v1beta/models/a%3AgenerateContent"),
        ("POST", "/v1beta/models/:generateContent"),
        ("POST", "/v1beta/corpora"),
    ],
)
def test_any_other_path_gets_no_key(method: str, path: str):
    assert provider.operation(method, path) is None


async def test_authorization():
    assert await provider.authorize(Secret("AIza1")) == {"x-goog-api-key": "AIza1"}
