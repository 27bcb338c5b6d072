"""What the gateway says to its company's proxy, and what callers hear when that says no."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Iterator

import pytest

from tests.sallyport.proxy.gateway import ANSWER, Installation, Worker, clean
from tests.sallyport.proxy.wire import Provider, answer

StartWorker = Callable[..., Worker]
HOST = "llm.corp.example"
BASIC = base64.b64encode(b"ada:p/w").decode()


@pytest.fixture(scope="session")
def corporate() -> Iterator[Provider]:
    proxy = Provider()
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def chained(start_worker: StartWorker, corporate: Provider) -> Worker:
    return start_worker(
        upstream_proxy=f"http://ada:p%2Fw@127.0.0.1:{corporate.port}",
        upstreams={"openai": f"http://{HOST}:9000"},
        connect_timeout=2,
    )


def test_a_provider_is_asked_for_by_name(chained: Worker, corporate: Provider):
    with chained.ask(chained.chat()) as client, corporate.accept() as proxy:
        asked = proxy.head()
        assert asked.start == f"CONNECT {HOST}:9000 HTTP/1.1"
        assert asked.fields == (("Host", f"{HOST}:9000"), ("Proxy-Authorization", f"Basic {BASIC}"))
        proxy.send(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
        got = proxy.message()
        assert got.start == "POST /v1/chat/completions HTTP/1.1"
        assert got.header("proxy-authorization") is None
        proxy.send(answer(ANSWER))
        assert client.message().body == ANSWER


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (b"HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n", "refused the gateway's credentials (407)"),
        (b"HTTP/1.0 403 No\r\n\r\n", f"does not let the gateway connect to {HOST}:9000 (403)"),
        (b"HTTP/1.1 502 Bad\r\n\r\n", f"could not reach {HOST}:9000 (502)"),
        (b"HTTP/1.1 418 Tea\r\n\r\n", "with 418"),
        (b"SSH-2.0-x\r\n\r\n", "something else than HTTP"),
        (b"", "gave no answer"),
        (b"x" * 70_000, "gave no answer"),
    ],
)
def test_a_refusal_is_told(chained: Worker, corporate: Provider, said: bytes, heard: str):
    with chained.ask(chained.chat()) as client:
        with corporate.accept() as proxy:
            proxy.head()
            proxy.send(said)
        reply = client.message()
    assert reply.status == 502
    assert heard in reply.body.decode()
    assert f"the upstream proxy 127.0.0.1:{corporate.port}" in reply.body.decode()
    assert "p/w" not in reply.body.decode()


def test_a_proxy_that_is_silent(chained: Worker, corporate: Provider):
    with chained.ask(chained.chat()) as client, corporate.accept() as proxy:
        proxy.head()
        assert client.message().status == 504
        assert proxy.closed()


def test_a_tunnel_goes_through_it_too(chained: Worker, corporate: Provider):
    head = f"CONNECT other.example:443 HTTP/1.1\r\nProxy-Authorization: Bearer {chained.key}\r\n\r\n"
    with chained.ask(head.encode()) as client, corporate.accept() as proxy:
        asked = proxy.head()
        assert asked.start == "CONNECT other.example:443 HTTP/1.1"
        assert asked.header("proxy-authorization") == f"Basic {BASIC}"
        proxy.send(b"HTTP/1.1 200 OK\r\n\r\nearly")  # the far end spoke at once
        assert client.head().status == 200
        assert client.exactly(5) == b"early"
        client.send(b"hello")
        assert proxy.exactly(5) == b"hello"


def test_a_proxy_that_is_not_there(start_worker: StartWorker):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    worker = start_worker(upstream_proxy=f"http://127.0.0.1:{port}", upstreams={"openai": f"http://{HOST}:9000"})
    with worker.ask(worker.chat()) as client:
        reply = client.message()
        assert reply.status == 502
        assert f"the upstream proxy 127.0.0.1:{port} can't be reached" in reply.body.decode()


@pytest.mark.parametrize("trusted", [True, False])
def test_a_proxy_spoken_to_over_tls(start_worker: StartWorker, installation: Installation, trusted: bool):
    proxy = installation.anthropic if trusted else installation.gemini
    worker = start_worker(upstream_proxy=f"https://127.0.0.1:{proxy.port}", upstreams={"openai": f"http://{HOST}:9000"})
    with worker.ask(worker.chat()) as client:
        if trusted:
            with proxy.accept() as far:
                assert far.head().header("proxy-authorization") is None
                far.send(b"HTTP/1.1 200 OK\r\n\r\n")
                far.message()
                far.send(answer(ANSWER))
                assert client.message().status == 200
        else:
            with pytest.raises(ssl.SSLError):
                proxy.accept()
            reply = client.message()
            assert reply.status == 502
            assert "its certificate is not trusted" in reply.body.decode()


def test_exceptions_are_reached_directly(start_worker: StartWorker, corporate: Provider, installation: Installation):
    """This machine, and what `--no-proxy` names."""
    worker = start_worker(upstream_proxy=f"http://127.0.0.1:{corporate.port}")
    clean(worker)
    worker.works()
    assert corporate.untouched()
