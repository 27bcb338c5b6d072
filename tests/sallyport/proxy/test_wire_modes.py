"""Further ways in: SOCKS5 and reverse mode."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.sallyport.proxy.gateway import ANSWER, CHAT, SECRETS, Installation, Worker, clean
from tests.sallyport.proxy.wire import Provider, Wire, answer, request

StartWorker = Callable[..., Worker]
NOT_GRANTED = b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"
GRANTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class Modes:
    worker: Worker
    socks: int
    reverse: int

    def dial(self, port: int) -> Wire:
        return Wire(socket.create_connection(("127.0.0.1", port)))

    def ask_socks(self, host: str, port: int, key: str | None) -> tuple[Wire, bytes]:
        """After the handshake; the answer to the request."""
        wire = self.dial(self.socks)
        if key is None:
            wire.send(b"\x05\x01\x00")
            assert wire.exactly(2) == b"\x05\x00"
        else:
            wire.send(b"\x05\x02\x00\x02")
            assert wire.exactly(2) == b"\x05\x02"
            wire.send(b"\x01\x03ada" + bytes([len(key)]) + key.encode())
            assert wire.exactly(2) == b"\x01\x00"
        try:
            destination = b"\x01" + socket.inet_pton(socket.AF_INET, host)
        except OSError:
            destination = b"\x03" + bytes([len(host)]) + host.encode()
        wire.send(b"\x05\x01\x00" + destination + struct.pack("!H", port))
        return wire, wire.exactly(10)

    def tunnel(self, host: str, port: int, key: str | None) -> Wire:
        wire, reply = self.ask_socks(host, port, key)
        assert reply == GRANTED
        return wire


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def modes(start_worker: StartWorker) -> Modes:
    socks, reverse = free_port(), free_port()
    specs = (f"socks5@127.0.0.1:{socks}", f"reverse:https://api.openai.com@127.0.0.1:{reverse}")
    return Modes(start_worker(modes=specs), socks, reverse)


@pytest.fixture
def openai(modes: Modes) -> Iterator[Provider]:
    clean(modes.worker)
    yield modes.worker.installation.openai
    clean(modes.worker)


@pytest.fixture
def other() -> Iterator[Provider]:
    """A server that is no provider's."""
    server = Provider()
    yield server
    server.close()


def call(modes: Modes, inner: Wire, openai: Provider, way_in: str, *fields: str) -> None:
    """Is answered, with the provider's key in place of the caller's, and recorded."""
    inner.send(request("POST", "/v1/chat/completions", *fields, body=CHAT))
    with openai.accept() as provider:
        got = provider.message()
        assert got.header("authorization") == f"Bearer {SECRETS['OPENAI_API_KEY']}"
        provider.send(answer(ANSWER))
        reply = inner.message()
    assert (reply.status, reply.body) == (200, ANSWER)
    record = modes.worker.record(reply.header("x-gateway-request-id") or "")
    assert (record.way_in, record.client_ip) == (way_in, "127.0.0.1")


def test_socks_with_the_key_as_its_password(modes: Modes, openai: Provider):
    with modes.tunnel("api.openai.com", 443, modes.worker.key) as client:
        inner = client.tls(modes.worker.trust(), "api.openai.com")
        call(modes, inner, openai, "socks5", "Authorization: Bearer sk-dummy")


def test_socks_to_an_address_whose_tls_is_for_a_provider(modes: Modes, openai: Provider, other: Provider):
    """A client that resolves names itself gives an address: the name in its TLS counts."""
    with modes.tunnel("127.0.0.1", other.port, modes.worker.key) as client:
        inner = client.tls(modes.worker.trust(), "api.openai.com")
        call(modes, inner, openai, "socks5")
        with other.accept() as server:
            assert server.silent()


@pytest.mark.parametrize("host", ["api.openai.com", "127.0.0.1"])
def test_socks_without_a_key(modes: Modes, openai: Provider, host: str):
    """It may come in a header inside; else the SDK shows why not."""
    with modes.tunnel(host, 443, None) as client:
        inner = client.tls(modes.worker.trust(), "api.openai.com")
        inner.send(request("POST", "/v1/chat/completions", body=CHAT))
        assert inner.message().status == 401
        call(modes, inner, openai, "socks5", f"X-Gateway-Key: {modes.worker.key}")


def test_socks_with_a_wrong_key(modes: Modes, openai: Provider, other: Provider):
    with modes.tunnel("api.openai.com", 443, "sp_wrong") as client:
        inner = client.tls(modes.worker.trust(), "api.openai.com")
        inner.send(request("POST", "/v1/chat/completions", body=CHAT))
        reply = inner.message()
        assert reply.status == 401
        assert b"gateway key unknown" in reply.body
    client, reply = modes.ask_socks("localhost", other.port, "sp_wrong")
    with client:
        assert reply == NOT_GRANTED
    assert other.untouched()
    assert openai.untouched()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_socks_elsewhere(modes: Modes, other: Provider, host: str):
    with modes.tunnel(host, other.port, modes.worker.key) as client, other.accept() as server:
        server.send(b"SSH-2.0-x\r\n")  # who speaks first is heard
        assert client.exactly(11) == b"SSH-2.0-x\r\n"
        client.send(b"hello")
        assert server.exactly(5) == b"hello"


def test_socks_elsewhere_without_a_key(modes: Modes, other: Provider):
    client, reply = modes.ask_socks("localhost", other.port, None)
    with client:
        assert reply == NOT_GRANTED
    with modes.tunnel("127.0.0.1", other.port, None) as client:
        assert client.send(b"hello").closed()
    assert other.untouched()


def test_socks_to_a_forbidden_or_dead_destination(modes: Modes):
    for host, port in (("127.0.0.1", modes.worker.port), ("169.254.169.254", 80), ("127.0.0.1", 1)):
        client, reply = modes.ask_socks(host, port, modes.worker.key)
        with client:
            assert reply == NOT_GRANTED


@pytest.mark.usefixtures("openai")
def test_a_key_does_not_get_into_the_log_of_a_broken_handshake(modes: Modes, installation: Installation):
    with modes.dial(modes.socks) as client:
        client.send(b"\x05\x01\x02")
        assert client.exactly(2) == b"\x05\x02"
        client.send(b"\x01\x03ada\xff" + installation.key.encode())
    modes.worker.works()  # the log is searched for the key at the end


@pytest.mark.parametrize("tls", [False, True])
def test_reverse(modes: Modes, openai: Provider, tls: bool):
    with modes.dial(modes.reverse) as client:
        inner = client.tls(modes.worker.trust(), "localhost") if tls else client
        call(modes, inner, openai, "reverse", modes.worker.auth)
        inner.send(request("POST", "/v1/chat/completions", body=CHAT))
        assert inner.message().status == 401


def test_a_mode_that_may_not_tunnel(start_worker: StartWorker, other: Provider):
    port = free_port()
    worker = start_worker(modes=(f"socks5@127.0.0.1:{port}",), tunnel="refuse")
    client, reply = Modes(worker, port, 0).ask_socks("localhost", other.port, worker.key)
    with client:
        assert reply == NOT_GRANTED
    assert other.untouched()
