"""CONNECT and plain proxying: other hosts' bytes pass untouched, forbidden hosts are not reached, providers never got around."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.sallyport.proxy.gateway import ANSWER, CHAT, SECRETS, Worker
from tests.sallyport.proxy.wire import Provider, Wire, answer, request


@pytest.fixture
def other() -> Iterator[Provider]:
    """A server that is no provider's."""
    server = Provider()
    yield server
    server.close()


@pytest.fixture(scope="session")
def strict_worker(start_worker) -> Worker:  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """One that may tunnel to public addresses only."""
    return start_worker(allow_destinations=())


def test_bytes_pass_both_ways_untouched(worker: Worker, other: Provider):
    everything = bytes(range(256)) * 1000
    with worker.connect(f"127.0.0.1:{other.port}") as client, other.accept() as server:
        client.send(everything)
        assert server.exactly(len(everything)) == everything
        server.send(everything[::-1])
        assert client.exactly(len(everything)) == everything[::-1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_that_speaks_first(worker: Worker, other: Provider, host: str):
    with worker.connect(f"{host}:{other.port}") as client, other.accept() as server:
        server.send(b"SSH-2.0-test\r\n")
        assert client.exactly(14) == b"SSH-2.0-test\r\n"
        client.send(b"SSH-2.0-me\r\n")
        assert server.exactly(12) == b"SSH-2.0-me\r\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_client_that_ends_its_half(worker: Worker, other: Provider, host: str):
    """What the server says after it still arrives."""
    with worker.connect(f"{host}:{other.port}") as client, other.accept() as server:
        client.send(b"all I have").half_close()
        assert server.rest() == b"all I have"
        server.send(b"and the answer")
        server.close()
        assert client.rest() == b"and the answer"


def test_a_server_that_ends_its_half(worker: Worker, other: Provider):
    with worker.connect(f"127.0.0.1:{other.port}") as client, other.accept() as server:
        client.send(b"hello")
        assert server.exactly(5) == b"hello"
        server.send(b"that is all").half_close()
        assert client.rest() == b"that is all"
        client.send(b"but I go on")
        client.close()
        assert server.rest() == b"but I go on"


def test_a_client_that_sends_at_once(worker: Worker, other: Provider):
    """Without waiting for the answer to its CONNECT."""
    head = f"CONNECT 127.0.0.1:{other.port} HTTP/1.1\r\nProxy-Authorization: Bearer {worker.key}\r\n\r\nearly"
    with worker.ask(head.encode()) as client, other.accept() as server:
        assert client.head().status == 200
        assert server.exactly(5) == b"early"


def refused(worker: Worker, target: str) -> str:
    with worker.ask(f"CONNECT {target} HTTP/1.1\r\nProxy-Authorization: Bearer {worker.key}\r\n\r\n".encode()) as client:
        reply = client.message()
    assert reply.status == 403
    assert reply.json["error"]["type"] == "destination_forbidden"
    return reply.error


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]", "[::1]", "localhost", "0"]
)
def test_this_machine_by_any_spelling(strict_worker: Worker, other: Provider, host: str):
    try:
        socket.getaddrinfo(host.strip("[]"), 1)
    except OSError:
        pytest.skip("no such spelling on this system")
    assert "--allow-destination" in refused(strict_worker, f"{host}:{other.port}")
    assert other.untouched()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "127.9.9.9", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_the_gateway_itself_even_where_loopback_is_allowed(worker: Worker, host: str):
    for port in (worker.settings.listen.port, worker.settings.console.port):
        refused(worker, f"{host}:{port}")


def through(worker: Worker, client: Wire, openai: Provider, name: str = "api.openai.com") -> None:
    """A call inside a tunnel whose TLS the gateway opens, as the client sees by the certificate."""
    inner = client.tls(worker.trust(), name)
    inner.send(request("POST", "/v1/chat/completions", "Authorization: Bearer sk-dummy", body=CHAT))
    with openai.accept() as provider:
        got = provider.message()
        assert got.start == "POST /v1/chat/completions HTTP/1.1"
        assert got.header("authorization") == f"Bearer {SECRETS['OPENAI_API_KEY']}"
        assert got.header("host") == f"127.0.0.1:{openai.port}"
        provider.send(answer(ANSWER))
        assert inner.message().body == ANSWER


@pytest.mark.parametrize("target", ["api.openai.com:443", "API.OpenAI.com:443", "api.openai.com.:443", "api.openai.com:8443"])
def test_a_providers_tls_is_opened(worker: Worker, openai: Provider, target: str):
    with worker.connect(target) as client:
        through(worker, client, openai)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_address_with_a_providers_name_inside(worker: Worker, openai: Provider, other: Provider, host: str):
    """Any name can be made to stand for a provider's address. The call goes to the provider, and with the provider's rules."""
    with worker.connect(f"{host}:{other.port}") as client:
        through(worker, client, openai)
        with other.accept() as server:
            client.close()
            assert server.rest() == b""  # it was connected to, since its tunnel was granted, and heard nothing


def test_a_provider_with_another_name_inside(worker: Worker, openai: Provider):
    """The certificate is for that name, which the CA may not sign for: the client refuses."""
    with worker.connect("api.openai.com:443") as client, pytest.raises(ssl.SSLCertVerificationError):
        client.tls(worker.trust(), "example.com")
    assert openai.untouched()


def test_a_provider_with_another_name_inside_and_a_careless_client(worker: Worker, openai: Provider):
    """It gets to that provider nevertheless, and nowhere else."""
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE
    with worker.connect("api.openai.com:443") as client:
        inner = client.tls(careless, "example.com")
        inner.send(request("GET", "/v1/models"))
        with openai.accept() as provider:
            assert provider.message().header("host") == f"127.0.0.1:{openai.port}"
            provider.send(answer(b"{}"))
            assert inner.message().status == 200


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-x\r\n\r\n", b"\x00\x01\x02\x03\r\n\r\n", b"\x16\x03\x01\x00\x05hello\r\n\r\n", b"\x16\x09\r\n\r\n"]
)
def test_a_tunnel_to_a_provider_carries_nothing_else(worker: Worker, openai: Provider, said: bytes):
    """What is neither TLS nor HTTP has no caller that could be known, and no rule that could be kept."""
    with worker.connect("api.openai.com:22") as client:
        got = client.send(said).half_close().rest()
        assert not got or got.startswith(b"HTTP/1.1 400 ")
    assert openai.untouched()


def test_clear_text_in_a_tunnel_to_a_provider(worker: Worker, openai: Provider):
    with worker.connect("api.openai.com:80") as client:
        client.send(request("GET", "/v1/models"))
        with openai.accept() as provider:
            assert provider.message().header("authorization") == f"Bearer {SECRETS['OPENAI_API_KEY']}"
            provider.send(answer(b"{}"))
            assert client.message().status == 200


def test_a_hello_in_pieces(worker: Worker, other: Provider):
    """However a TLS hello is cut, a provider's name in it is seen."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    inner = worker.trust().wrap_bio(incoming, outgoing, server_hostname="api.openai.com")
    with pytest.raises(ssl.SSLWantReadError):
        inner.do_handshake()
    hello = outgoing.read()
    with worker.connect(f"127.0.0.1:{other.port}") as client:
        for byte in hello[:100]:
            client.send(bytes([byte]))
        client.send(hello[100:])
        assert client.exactly(1) == b"\x16"  # the gateway's own hello
        with other.accept() as server:
            assert server.silent()


def test_a_hello_that_never_ends(worker: Worker, openai: Provider):
    """It is neither held without bound nor passed on unread."""
    record = b"\x16\x03\x01\x40\x00"
    with worker.connect("api.openai.com:443") as client:
        client.send(record + b"\x01\xff\xff\xff" + b"x" * (0x4000 - 4))
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                client.send(record + b"x" * 0x4000)
        got = client.rest()
        assert not got or got.startswith(b"HTTP/1.1 4")
    assert openai.untouched()


def test_a_call_in_the_tunnel_to_a_refusing_gateway_is_refused_inside(worker: Worker, openai: Provider):
    head = b"CONNECT api.openai.com:443 HTTP/1.1\r\n\r\n"
    with worker.ask(head) as client:
        assert client.head().status == 200
        inner = client.tls(worker.trust(), "api.openai.com")
        inner.send(request("POST", "/v1/chat/completions", body=CHAT))
        reply = inner.message()
        assert (reply.status, reply.header("x-should-retry")) == (401, "false")
        inner.send(request("POST", "/v1/chat/completions", f"X-Gateway-Key: {worker.key}", body=CHAT))
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
            assert inner.message().status == 200


def test_plain_http_to_a_provider_is_upgraded(worker: Worker, openai: Provider):
    data = request("GET", "http://api.openai.com/v1/models?a=%20b", f"Proxy-Authorization: Bearer {worker.key}")
    with worker.ask(data) as client, openai.accept() as provider:
        got = provider.message()
        assert got.start == "GET /v1/models?a=%20b HTTP/1.1"
        assert got.header("authorization") == f"Bearer {SECRETS['OPENAI_API_KEY']}"
        assert got.header("proxy-authorization") is None
        provider.send(answer(b"{}"))
        assert client.message().status == 200


def test_plain_http_elsewhere_is_forwarded(worker: Worker, other: Provider):
    fields = (f"Proxy-Authorization: Bearer {worker.key}", "Proxy-Connection: keep-alive", "Authorization: Bearer theirs")
    data = request("POST", f"http://127.0.0.1:{other.port}/path?query", *fields, body=b"body")
    with worker.ask(data) as client, other.accept() as server:
        got = server.message()
        assert got.start == "POST /path?query HTTP/1.1"
        assert got.header("host") == f"127.0.0.1:{other.port}"  # not what the client's own header said: RFC 9112, 3.2.2
        assert got.header("authorization") == "Bearer theirs"
        assert {name.lower() for name, _ in got.fields} == {"host", "authorization", "content-length"}
        assert got.body == b"body"
        server.send(answer(b"{}"))
        reply = client.message()
        assert (reply.status, reply.header("x-gateway-request-id")) == (200, None)


def test_plain_http_to_this_machine(strict_worker: Worker, other: Provider):
    data = request("GET", f"http://127.0.0.1:{other.port}/", f"Proxy-Authorization: Bearer {strict_worker.key}")
    with strict_worker.ask(data) as client:
        assert client.message().status == 403
    assert other.untouched()


def test_nobody_is_forwarded_without_a_key(worker: Worker, other: Provider):
    for head in (f"GET http://127.0.0.1:{other.port}/ HTTP/1.1\r\n", f"CONNECT 127.0.0.1:{other.port} HTTP/1.1\r\n"):
        with worker.ask(head.encode() + b"Host: x\r\n\r\n") as client:
            reply = client.message()
            assert reply.status == 407
            assert reply.header("proxy-authenticate") == 'Basic realm="Sallyport gateway key"'
    assert other.untouched()
