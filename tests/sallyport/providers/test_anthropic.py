import pytest

from sallyport.providers.anthropic import provider
from sallyport.secret import Secret


@pytest.mark.parametrize(
    ("method", "path", "name", "wire", "shape"),
    [
        ("POST", "/v1/messages", "messages", "anthropic_messages", None),
        ("POST", "/v1/messages/count_tokens", "count_tokens", None, "anthropic_messages"),
        ("GET", "/v1/models", "models", None, None),
        ("GET", "/v1/models/claude-opus-4-6", "models", None, None),
        ("POST", "/v1/messages/batches", "batches", "inline_batch", None),
        ("GET", "/v1/messages/batches/msgbatch_1/results", "batches", None, None),
        ("POST", "/v1/messages/batches/msgbatch_1/cancel", "batches", None, None),
        ("DELETE", "/v1/files/file_1", "files", None, None),
    ],
)
def test_model_paths(method: str, path: str, name: str, wire: str | None, shape: str | None):
    operation = provider.operation(method, path)
    assert operation is not None
    assert (operation.name, operation.wire and operation.wire.name) == (name, wire)
    assert (operation.shape and operation.shape.name) == shape


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/claude_code/settings"),
        ("GET", "/api/claude_code/policy_limits"),
        ("GET", "/api/claude_code/organizations/metrics_enabled"),
        ("GET", "/api/claude_cli/bootstrap"),
        ("POST", "/api/event_logging/v2/batch"),
        ("POST", "/api/eval/sdk-1"),
        ("GET", "/mcp-registry/v0/servers"),
        ("POST", "/v1/organizations/api_keys"),
        ("GET", "/v1/messages"),
        ("HEAD", "/"),
        ("POST", "/v1/messages/"),
        ("POST", "/v1/messages/../organizations/api_keys"),
        ("POST", "/api/../v1/messages"),
        ("POST", "/v1/%6dessages"),
    ],
)
def test_any_other_path_gets_no_key(method: str, path: str):
    assert provider.operation(method, path) is None


async def test_authorization():
    assert await provider.authorize(Secret("sk-ant-api03-1")) == {"x-api-key": "sk-ant-api03-1"}
    assert await provider.authorize(Secret("sk-ant-oat01-1")) == {"authorization": "Bearer sk-ant-oat01-1"}
