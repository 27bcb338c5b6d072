"""TLS to the gateway's own port: for the names its CA may sign for, and HTTP/1.1 alone."""

from __future__ import annotations

import ssl

import pytest

from tests.sallyport.proxy.gateway import ANSWER, CHAT, SECRETS, Worker
from tests.sallyport.proxy.wire import Provider, Wire, answer, request


def call(worker: Worker, client: Wire, openai: Provider) -> None:
    client.send(worker.chat())
    with openai.accept() as provider:
        assert provider.message().body == CHAT
        provider.send(answer(ANSWER))
        assert client.message().body == ANSWER


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "api.openai.com"])
def test_base_paths_over_tls(worker: Worker, openai: Provider, name: str):
    """By name, by address (which no client names in its hello), and by a provider's name that was redirected here."""
    with worker.dial().tls(worker.trust(), name) as client:
        if name == "api.openai.com":
            client.send(request("GET", "/v1/models", worker.auth))
            with openai.accept() as provider:
                assert provider.message().start == "GET /v1/models HTTP/1.1"
                provider.send(answer(b"{}"))
                assert client.message().status == 200
        else:
            call(worker, client, openai)


def test_the_ca_is_of_no_use_for_other_names(worker: Worker):
    with pytest.raises(ssl.SSLCertVerificationError):
        worker.dial().tls(worker.trust(), "example.com")


def test_no_name_at_all(worker: Worker, openai: Provider):
    context = worker.trust()
    context.check_hostname = False
    with worker.dial().tls(context, None) as client:
        call(worker, client, openai)


def test_http2_is_not_spoken_there(worker: Worker, openai: Provider):
    context = worker.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with worker.dial().tls(context, "localhost") as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        assert client.sock.selected_alpn_protocol() == "http/1.1"
        call(worker, client, openai)


def test_a_hello_byte_by_byte(worker: Worker, openai: Provider):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    inner = worker.trust().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        inner.do_handshake()
    with worker.dial() as client:
        for byte in outgoing.read():
            client.send(bytes([byte]))
        assert client.exactly(2) == b"\x16\x03"


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x00\x02hi", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01x", b"\x80\x2e\x01"])
def test_a_broken_hello(worker: Worker, openai: Provider, said: bytes):
    with worker.ask(said) as client:
        client.half_close().rest()
    assert openai.untouched()


def test_a_provider_by_connect_through_tls(worker: Worker, openai: Provider):
    """An `https://` proxy: TLS within TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with worker.dial().tls(worker.trust(), "localhost") as client:
        client.send(b"CONNECT api.openai.com:443 HTTP/1.1\r\nProxy-Authorization: Bearer " + worker.key.encode() + b"\r\n\r\n")
        assert client.head().status == 200
        inner = worker.trust().wrap_bio(incoming, outgoing, server_hostname="api.openai.com")
        while True:
            try:
                inner.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.send(outgoing.read())
                incoming.write(client.sock.recv(65536))
        inner.write(request("GET", "/v1/models"))
        client.send(outgoing.read())
        with openai.accept() as provider:
            assert provider.message().header("authorization") == f"Bearer {SECRETS['OPENAI_API_KEY']}"
            provider.send(answer(b"{}"))
        received = b""
        while not received.endswith(b"{}"):
            incoming.write(client.sock.recv(65536))
            try:
                received += inner.read(65536)
            except ssl.SSLWantReadError:
                continue
        assert received.startswith(b"HTTP/1.1 200 OK")
