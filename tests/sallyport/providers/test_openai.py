import pytest

from sallyport.providers.openai import provider
from sallyport.secret import Secret


@pytest.mark.parametrize(
    ("method", "path", "name", "wire"),
    [
        ("POST", "/v1/chat/completions", "chat", "openai_chat"),
        ("POST", "/v1/completions", "completions", "openai_chat"),
        ("POST", "/v1/responses", "responses", "openai_responses"),
        ("POST", "/v1/responses/compact", "responses", "openai_responses"),
        ("POST", "/v1/embeddings", "embeddings", "openai_embeddings"),
        ("POST", "/v1/images/generations", "images", "openai_images"),
        ("POST", "/v1/images/edits", "images", "openai_images"),
        ("POST", "/v1/audio/transcriptions", "audio", "openai_transcription"),
        ("POST", "/v1/responses/input_tokens", "count_tokens", None),
        ("GET", "/v1/responses/resp_67", "stored_responses", None),
        ("DELETE", "/v1/responses/resp_67", "stored_responses", None),
        ("POST", "/v1/responses/resp_67/cancel", "stored_responses", None),
        ("GET", "/v1/responses/resp_67/input_items", "stored_responses", None),
        ("GET", "/v1/chat/completions/chatcmpl-1/messages", "stored_chats", None),
        ("GET", "/v1/models", "models", None),
        ("GET", "/v1/models/gpt-4.1", "models", None),
        ("DELETE", "/v1/models/ft:gpt-4o:acme::a1", "models", None),
        ("POST", "/v1/moderations", "moderations", None),
        ("POST", "/v1/files", "files", None),
        ("GET", "/v1/files/file-1/content", "files", None),
        ("POST", "/v1/uploads", "files", None),
        ("POST", "/v1/uploads/upload_1/parts", "files", None),
        ("POST", "/v1/batches/batch_1/cancel", "batches", None),
    ],
)
def test_model_paths(method: str, path: str, name: str, wire: str | None):
    operation = provider.operation(method, path)
    assert operation is not None
    assert (operation.name, operation.wire and operation.wire.name) == (name, wire)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/chat/completions"),
        ("POST", "/v1/chat/completions/"),
        ("POST", "//v1/chat/completions"),
        ("POST", "/v1//chat/completions"),
        ("POST", "/v1/x/../chat/completions"),
        ("POST", "/v1/chat/completions/../../organization/api_keys"),
        ("POST", "/v1/chat%2Fcompletions"),
        ("POST", "/v1/chat/completions;x=1"),
        ("POST", "/v1/chat/completions%00"),
        ("POST", "/v1/%63hat/completions"),
        ("GET", "/v1/files/%2e%2e"),
        ("GET", "/v1/files/.."),
        ("GET", "/v1/organization/usage/completions"),
        ("POST", "/v1/organization/admin_api_keys"),
        ("GET", "/dashboard/billing/usage"),
        ("POST", ""),
        ("POST", "/"),
    ],
)
def test_any_other_path_gets_no_key(method: str, path: str):
    assert provider.operation(method, path) is None


async def test_authorization():
    assert await provider.authorize(Secret("sk-proj-1")) == {"authorization": "Bearer sk-proj-1"}
    assert provider.host_for("/v1/models") == "api.openai.com"
