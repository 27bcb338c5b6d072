import pytest

from sallyport.providers.fireworks import provider
from sallyport.secret import Secret


@pytest.mark.parametrize(
    ("method", "path", "name", "wire"),
    [
        ("POST", "/inference/v1/chat/completions", "chat", "openai_chat"),
        ("POST", "/inference/v1/completions", "completions", "openai_chat"),
        ("POST", "/inference/v1/messages", "messages", "anthropic_messages"),
        ("POST", "/inference/v1/responses", "responses", "openai_responses"),
        ("GET", "/inference/v1/responses/resp_1", "stored_responses", None),
        ("POST", "/inference/v1/embeddings", "embeddings", "openai_embeddings"),
        ("POST", "/inference/v1/rerank", "rerank", "openai_embeddings"),
        ("GET", "/inference/v1/models", "models", None),
        ("GET", "/inference/v1/models/accounts/fireworks/models/kimi-k2p5", "models", None),
    ],
)
def test_model_paths(method: str, path: str, name: str, wire: str | None):
    operation = provider.operation(method, path)
    assert operation is not None
    assert (operation.name, operation.wire and operation.wire.name) == (name, wire)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/accounts/acme/apiKeys"),
        ("GET", "/inference/v1/models/accounts/../../../v1/accounts"),
        ("POST", "/inference//v1/chat/completions"),
    ],
)
def test_any_other_path_gets_no_key(method: str, path: str):
    assert provider.operation(method, path) is None


async def test_authorization():
    assert await provider.authorize(Secret("fw_1")) == {"authorization": "Bearer fw_1"}
