import pytest

from sallyport.providers.baseten import provider
from sallyport.secret import Secret


@pytest.mark.parametrize(
    ("method", "path", "name", "wire"),
    [
        ("POST", "/v1/chat/completions", "chat", "openai_chat"),
        ("POST", "/environments/production/sync/v1/chat/completions", "chat", "openai_chat"),
        ("POST", "/deployment/abc123/sync/v1/completions", "completions", "openai_chat"),
        ("POST", "/development/sync/v1/embeddings", "embeddings", "openai_embeddings"),
        ("POST", "/v1/messages", "messages", "anthropic_messages"),
        ("GET", "/v1/models", "models", None),
        ("GET", "/v1/models/deepseek-ai/DeepSeek-V3", "models", None),
    ],
)
def test_model_paths(method: str, path: str, name: str, wire: str | None):
    operation = provider.operation(method, path)
    assert operation is not None
    assert (operation.name, operation.wire and operation.wire.name) == (name, wire)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/secrets"),
        ("POST", "/environments/../sync/v1/chat/completions"),
        ("POST", "/environments/production/sync/../v1/chat/completions"),
        ("POST", "/environments/production/wake"),
    ],
)
def test_any_other_path_gets_no_key(method: str, path: str):
    assert provider.operation(method, path) is None


async def test_authorization():
    assert await provider.authorize(Secret("abc.def")) == {"authorization": "Bearer abc.def"}
    assert provider.host_for("/v1/models") == "inference.baseten.co"
