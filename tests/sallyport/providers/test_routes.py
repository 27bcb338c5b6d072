import pytest

from sallyport.providers.base import Operation
from sallyport.providers.routes import Routes, route
from sallyport.providers.wire.openai_chat import OpenAIChat

ROUTES = Routes(
    route("POST", "/v1/chat", Operation("chat")),
    route("GET DELETE", "/v1/files/{id}", Operation("files")),
    route("POST", "/v1/models/{model}:run", Operation("run"), model="[a-z]+(?:%40[a-z]+)?"),
)


def test_a_path_matches_to_the_letter():
    assert ROUTES.match("POST", "/v1/chat") == Operation("chat")
    assert ROUTES.match("DELETE", "/v1/files/file-1.b_c~d") == Operation("files")
    assert ROUTES.match("POST", "/v1/models/a%40b:run") == Operation("run", model="a@b")
    for method, path in (
        ("GET", "/v1/chat"),
        ("post", "/v1/chat"),
        ("POST", "/v1/chat/"),
        ("POST", "/v1/chat\n"),
        ("POST", "/v1/Chat"),
        ("POST", "/v1.chat"),
        ("GET", "/v1/files/"),
        ("GET", "/v1/files/.."),
        ("GET", "/v1/files/a/b"),
        ("GET", "/v1/files/a%2fb"),
        ("GET", "/v1/files/é"),
    ):
        assert ROUTES.match(method, path) is None, path


def test_which_paths_vendors_share() -> None:
    """The first in the table that names nothing; a path that ends otherwise speaks another format, or does something else."""
    chat = Operation("chat", OpenAIChat())
    routes = Routes(
        route("POST", "/native/chat", chat),
        route("POST", "/openai/deployments/{model}/chat/completions", chat),
        route("GET", "/v0/chat/completions", chat),
        route("POST", "{deployment}/v1/chat/completions", chat, deployment="(?:/[a-z]+)?"),
        route("POST", "/beta/chat/completions", chat),
        route("POST", "/v1/responses", Operation("responses")),
    )
    assert routes.shared == {"chat": "/v1/chat/completions"}


@pytest.mark.parametrize(
    ("path", "model", "changed"),
    [
        ("/v1/models/one:generate", "two", "/v1/models/two:generate"),
        ("/v1/models/one:generate", "claude@2025", "/v1/models/claude@2025:generate"),
        ("/v1/models/one:generate", "../two", None),
        ("/v1/models/one:generate", "a b", None),
        ("/v1/models/one:other", "two", None),
        ("/v1/chat/completions", "two", None),
    ],
)
def test_another_model_in_the_same_path(path: str, model: str, changed: str | None) -> None:
    routes = Routes(
        route("POST", "/v1/models/{model}:generate", Operation("generate"), model=r"[a-z0-9@-]+"),
        route("POST", "/v1/chat/completions", Operation("chat")),
    )
    assert routes.with_model(path, model) == changed
