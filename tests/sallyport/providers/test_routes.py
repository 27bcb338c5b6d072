from sallyport.providers.base import Operation
from sallyport.providers.routes import Routes, route

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
