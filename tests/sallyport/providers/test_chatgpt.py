import pytest

from sallyport.providers.chatgpt import provider


@pytest.mark.parametrize("path", ["/backend-api/codex/responses", "/backend-api/codex/responses/compact"])
def test_model_paths(path: str):
    operation = provider.operation("POST", path)
    assert operation is not None
    assert operation.name == "responses"


def test_the_websocket():
    operation = provider.operation("GET", "/backend-api/codex/responses")
    assert operation is not None
    assert operation.socket is not None


@pytest.mark.parametrize("path", ["/", "/backend-api/codex/models", "/backend-api/wham/accounts/check"])
def test_all_else_is_a_side_path(path: str):
    assert provider.operation("POST", path) is None
    assert provider.operation("GET", path) is None
    assert not provider.keyless  # so it passes as it is sent
