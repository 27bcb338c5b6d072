"""Clients that take their time: who brings nothing of what it began is let go and counted; who works or waits for us is not."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import h2.errors
import h2.events
import pytest

from tests.sallyport.proxy.gateway import ANSWER, Worker, clean
from tests.sallyport.proxy.http2 import http2_client
from tests.sallyport.proxy.rejections import counted, counts
from tests.sallyport.proxy.test_wire_http2 import head
from tests.sallyport.proxy.wire import Provider, Wire, answer, chunk, eventually, request

LIMIT = 0.5
PATHS = ("/openai/v1/chat/completions", "/openai/v1/files")


@pytest.fixture(scope="module")
def impatient(start_worker: Any) -> Worker:
    return start_worker(head_timeout=LIMIT, body_timeout=LIMIT, idle_timeout=1, max_connections_per_address=50)


@pytest.fixture
def worker(impatient: Worker) -> Iterator[Worker]:
    clean(impatient)
    yield impatient
    impatient.installation.openai.forget()
    impatient.works()


def trickle(wire: Wire, data: bytes) -> threading.Event:
    """Send a byte each tenth of the limit, until it is told to stop or nobody listens."""
    stop = threading.Event()

    def send() -> None:
        with contextlib.suppress(OSError):
            for byte in data:
                if stop.wait(LIMIT / 10):
                    return
                wire.sock.sendall(bytes([byte]))

    threading.Thread(target=send, daemon=True).start()
    return stop


def hello(worker: Worker) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    inner = worker.trust().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        inner.do_handshake()
    return outgoing.read()


def test_a_head_that_trickles_in(worker: Worker, openai: Provider):
    with counts(worker, "slow_head"), worker.dial() as client:
        stop = trickle(client, b"GET /openai/v1/models HTTP/1.1\r\nX-A: " + b"x" * 1000)
        reply = client.message()
        stop.set()
        assert (reply.status, reply.header("connection")) == (408, "close")
        assert reply.error
    assert openai.untouched()


def test_the_head_of_a_second_request(worker: Worker, openai: Provider):
    with counts(worker, "slow_head"), worker.ask(worker.chat()) as client:
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
        assert client.message().status == 200
        assert client.send(b"GET /openai").message().status == 408


def test_a_byte_that_is_neither_tls_nor_http_yet(worker: Worker):
    with counts(worker, "slow_head"), worker.ask(b"\x16") as client:
        assert client.closed()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("framing", ["Content-Length: 5000000", "Transfer-Encoding: chunked"])
def test_a_body_that_trickles_in(worker: Worker, openai: Provider, path: str, framing: str):
    """It was a call, so it has its record; the provider gets no whole request."""
    with counts(worker, "slow_body"), worker.ask(request("POST", path, worker.auth, framing)) as client:
        stop = trickle(client, chunk(b"x") * 1000)
        reply = client.message()
        stop.set()
        assert (reply.status, reply.header("connection")) == (408, "close")
        if path == PATHS[1]:
            with openai.accept() as provider:
                assert provider.rest()
    record = worker.record(reply.id)
    assert (record.outcome, record.reason, record.cost_nano) == ("blocked", "slow_body", 0)


def test_a_body_that_nobody_reads_any_more(worker: Worker, openai: Provider):
    """Who is refused on its head does not hold the connection by never ending what it sends."""
    with counts(worker, "slow_body"), worker.ask(request("POST", PATHS[0], "Content-Length: 5000000")) as client:
        assert client.message().status == 401
        stop = trickle(client, b"x" * 1000)
        assert client.closed()
        stop.set()


def test_a_body_over_http2(worker: Worker, openai: Provider):
    with counts(worker, "slow_body"), http2_client(worker, "api.openai.com") as client:
        client.open(head(), b"{", end=False)
        assert client.wait(h2.events.ConnectionTerminated).error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
        assert client.ended()
    assert openai.untouched()


def test_a_head_over_http2(worker: Worker):
    with counts(worker, "slow_head"), http2_client(worker, "api.openai.com") as client:
        client.wire.send(b"\x00\x40\x00\x01\x04\x00\x00\x00\x01" + b"\x82" * 100)  # HEADERS of 16 KiB, and little of it
        assert client.wait(h2.events.ConnectionTerminated).error_code == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


@pytest.mark.parametrize("part", [0.5, 1.0], ids=["half-a-hello", "a-hello-alone"])
def test_half_a_tls_handshake(worker: Worker, part: float):
    said = hello(worker)
    with counts(worker, "tls_handshake"), worker.ask(said[: int(len(said) * part)]) as client:
        assert client.rest().startswith(b"\x16" if part == 1 else b"")


def test_half_a_handshake_in_a_tunnel(worker: Worker):
    with counts(worker, "tls_handshake"), worker.connect("api.openai.com:443") as client:
        client.send(hello(worker)).rest()


@pytest.mark.parametrize("said", [b"", b"\r\n"])
def test_a_silent_connection(worker: Worker, said: bytes):
    with worker.ask(said) as client:
        assert client.closed()


def test_a_kept_connection(worker: Worker, openai: Provider):
    with worker.ask(worker.chat()) as client:
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
        assert client.message().status == 200
        assert client.closed()


def test_a_client_that_waits_for_a_thinking_provider(worker: Worker, openai: Provider):
    """Longer than any limit of ours on clients."""
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        assert client.silent(worker.settings.idle_timeout * 2.5)
        provider.send(answer(ANSWER))
        assert client.message().body == ANSWER
    assert not counted(worker)


def test_an_upload_that_comes_slowly_but_comes(worker: Worker, openai: Provider):
    """4 KiB within each limit, many limits long."""
    pieces = 8
    with (
        worker.ask(request("POST", PATHS[1], worker.auth, f"Content-Length: {pieces * 4096}")) as client,
        openai.accept() as provider,
    ):
        for _ in range(pieces):
            client.send(b"x" * 4096)
            assert client.silent(LIMIT / 2)
        assert len(provider.message().body) == pieces * 4096
        provider.send(answer(b"{}"))
        assert client.message().status == 200


def test_an_upload_that_its_provider_takes_slowly(worker: Worker, openai: Provider):
    """That is not the client's doing."""
    size = 32 * 1024 * 1024  # more than the kernel holds
    with worker.ask(request("POST", PATHS[1], worker.auth, f"Content-Length: {size}")) as client, openai.accept() as provider:
        provider.head()
        sending = threading.Thread(target=client.send, args=(b"x" * size,))
        sending.start()
        assert client.silent(LIMIT * 3)
        taken = 0
        while taken < size:
            taken += len(provider.sock.recv(1024 * 1024))
        sending.join()
        provider.send(answer(b"{}"))
        assert client.message().status == 200


def test_a_client_that_still_sends_while_it_is_answered(worker: Worker, openai: Provider):
    """As in a conversation by voice over one request: it may pause."""
    with worker.ask(request("POST", PATHS[1], worker.auth, "Transfer-Encoding: chunked")) as client, openai.accept() as provider:
        client.send(chunk(b"hello"))
        provider.head()
        provider.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"yes?"))
        assert client.head().status == 200
        assert client.chunk() == b"yes?"
        assert client.silent(LIMIT * 1.5)
        client.send(chunk(b"bye") + b"0\r\n\r\n")
        assert (provider.chunk(), provider.chunk(), provider.chunk()) == (b"hello", b"bye", b"")
        provider.send(b"0\r\n\r\n")
        assert client.chunk() == b""


def test_one_client_with_many_connections(worker: Worker):
    most = worker.settings.max_connections_per_address
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(worker.dial()) for _ in range(most)]
        for client in held:
            client.send(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.message().status == 404
        with worker.dial() as one_more:
            assert one_more.closed()
    eventually(lambda: counted(worker).get("too_many_connections") == 1, "it is counted")
    eventually(lambda: serves(worker), "there is room again")


def serves(worker: Worker) -> bool:
    with contextlib.suppress(EOFError, ConnectionError), worker.ask(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n") as client:
        return client.message().status == 404
    return False
