import pytest

from sallyport.providers.vertex import provider

WHERE = "/v1/projects/acme-1/locations/us-central1"


@pytest.mark.parametrize(
    ("path", "name", "wire", "model", "stream"),
    [
        ("google/models/gemini-2.5-pro:generateContent", "generate", "google_generate", "gemini-2.5-pro", False),
        ("google/models/gemini-2.5-pro:streamGenerateContent", "generate", "google_generate", "gemini-2.5-pro", True),
        ("google/models/gemini-2.5-pro:countTokens", "count_tokens", None, "gemini-2.5-pro", False),
        ("google/models/text-embedding-005:predict", "embeddings", "google_embed", "text-embedding-005", False),
        ("google/models/imagen-4.0-generate-001:predict", "predict", None, "imagen-4.0-generate-001", False),
        ("anthropic/models/claude-opus-4-6:rawPredict", "messages", "anthropic_messages", "claude-opus-4-6", False),
        ("anthropic/models/claude-a@20250929:streamRawPredict", "messages", "anthropic_messages", "claude-a@20250929", True),
        ("anthropic/models/claude-a%4020250929:rawPredict", "messages", "anthropic_messages", "claude-a@20250929", False),
        ("anthropic/models/count-tokens:rawPredict", "count_tokens", None, None, False),
        ("mistralai/models/mistral-large:rawPredict", "chat", "openai_chat", "mistral-large", False),
        ("meta/models/llama-4:streamRawPredict", "chat", "openai_chat", "llama-4", True),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_model_paths(version: str, path: str, name: str, wire: str | None, model: str | None, stream: bool):
    operation = provider.operation("POST", f"/{version}/projects/acme-1/locations/us-central1/publishers/{path}")
    assert operation is not None
    assert (operation.name, operation.wire and operation.wire.name) == (name, wire)
    assert (operation.model, operation.stream) == (model, stream)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", f"{WHERE}/endpoints/openapi/chat/completions", "chat"),
        ("POST", f"{WHERE}/cachedContents", "cached_contents"),
        ("DELETE", f"{WHERE}/cachedContents/123", "cached_contents"),
        ("GET", "/v1beta1/publishers/google/models", "models"),
        ("GET", "/v1beta1/publishers/anthropic/models/claude-a@20250929", "models"),
    ],
)
def test_other_paths_of_the_api(method: str, path: str, name: str):
    operation = provider.operation(method, path)
    assert operation is not None
    assert operation.name == name


@pytest.mark.parametrize(
    "path",
    [
        f"{WHERE}/publishers/google/models/gemini:rawPredict",
        f"{WHERE}/publishers/anthropic/models/claude:predict",
        f"{WHERE}/publishers/evil/models/m:rawPredict",
        f"{WHERE}/endpoints/123:rawPredict",
        f"{WHERE}/customJobs",
        "/v1/projects/p/locations/us-central1/../x/publishers/google/models/m:generateContent",
        "/v1/projects/../locations/l/publishers/google/models/m:generateContent",
        "/v1/projects/p/locations/evil.example/publishers/google/models/m:generateContent",
        "/v1/projects/p/locations/a%2fb/publishers/google/models/m:generateContent",
        "/v1/publishers/google/models/m:generateContent",
    ],
)
def test_any_other_path_gets_no_key(path: str):
    assert provider.operation("POST", path) is None


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/v1/projects/p/locations/us-central1/publishers/x", "us-central1-aiplatform.googleapis.com"),
        ("/v1beta1/projects/p/locations/europe-west4/x", "europe-west4-aiplatform.googleapis.com"),
        ("/v1/projects/p/locations/global/publishers/x", "aiplatform.googleapis.com"),
        ("/v1/projects/p/locations/eu/publishers/x", "aiplatform.eu.rep.googleapis.com"),
        ("/v1/projects/p/locations/evil.example%2f/x", "aiplatform.googleapis.com"),
        ("/v1/projects/p/locations/evil.example#/x", "aiplatform.googleapis.com"),
        ("/v1beta1/publishers/google/models", "aiplatform.googleapis.com"),
    ],
)
def test_the_host_is_that_of_the_location(path: str, host: str):
    assert provider.host_for(path) == host


def test_mistral_is_not_asked_for_what_it_refuses():
    operation = provider.operation("POST", f"{WHERE}/publishers/mistralai/models/mistral-large:streamRawPredict")
    assert operation is not None
    assert operation.wire is not None
    assert not operation.wire.prepare({"stream": True})
