"""Each kind of bad input, on one worker: refused or survived, counted, nothing of it at a provider, and the worker serves on.

The other suites of this folder know each kind in more variants; this one walks through all of them.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

import h2.errors
import pytest

from tests.sallyport.proxy.gateway import ANSWER, CHAT, Worker, clean
from tests.sallyport.proxy.http2 import http2_client
from tests.sallyport.proxy.rejections import counts
from tests.sallyport.proxy.test_wire_http2 import Fields, head
from tests.sallyport.proxy.wire import Provider, Wire, answer, chunk, request

EVIL = b"GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n"
METADATA = "169.254.169.254"


@pytest.fixture(scope="module")
def attacked(start_worker: Any) -> Worker:
    return start_worker(allow_destinations=())


@pytest.fixture
def worker(attacked: Worker) -> Iterator[Worker]:
    clean(attacked)
    yield attacked
    assert attacked.installation.openai.untouched()


def post(worker: Worker, *fields: str, target: str = "/openai/v1/chat/completions") -> bytes:
    return "\r\n".join([f"POST {target} HTTP/1.1", "Host: gateway", worker.auth, *fields, "", ""]).encode("latin-1")


SMUGGLING = {
    "length and chunks": ("Content-Length: 5", "Transfer-Encoding: chunked"),
    "two lengths": ("Content-Length: 5", "Content-Length: 6"),
    "two codings": ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    "a hidden coding": ("Transfer-Encoding: \x0bchunked",),
    "a folded header": ("X-A: 1", " Transfer-Encoding: chunked"),
    "a space before the colon": ("Content-Length : 5",),
    "a bare CR": ("X-A: 1\rTransfer-Encoding: chunked",),
    "a zero byte": ("X-A: \0",),
    "two hosts": ("Host: evil",),
}


@pytest.mark.parametrize("fields", SMUGGLING.values(), ids=SMUGGLING)
def test_smuggling(worker: Worker, fields: tuple[str, ...]):
    with counts(worker, "malformed"), worker.ask(post(worker, *fields) + b"0\r\n\r\n" + EVIL) as client:
        assert client.message().status == 400
        assert client.closed()


FORGED: dict[str, Fields] = {
    "a method that is a request": head(b"GET /evil HTTP/1.1\r\nx: ", b"/v1/models"),
    "a path that is a request": head(b"GET", b"/v1/models HTTP/1.1\r\nHost: evil\r\n\r\nGET /evil"),
    "a value with a line's end": head(b"GET", b"/v1/models", (b"x-a", b"1\r\nx-b: 2")),
    "a coding": head(b"POST", b"/v1/chat/completions", (b"transfer-encoding", b"chunked")),
    "two paths": [(b":path", b"/evil"), *head(b"GET", b"/v1/models")],
    "a pseudo-header too late": [*head(b"GET", b"/v1/models")[:3], (b"x", b"1"), (b":path", b"/v1/models")],
    "no path": [field for field in head(b"GET", b"/v1/models") if field[0] != b":path"],
    "an unknown pseudo-header": [(b":evil", b"1"), *head(b"GET", b"/v1/models")],
}


@pytest.mark.parametrize("fields", FORGED.values(), ids=FORGED)
def test_http2_that_would_forge_http1(worker: Worker, fields: Fields):
    with counts(worker, "malformed"), http2_client(worker, "api.openai.com") as client:
        stream = client.open(fields)
        with contextlib.suppress(EOFError, ConnectionError):
            assert client.answer(stream)[0] == 400


def test_headers_without_end_over_http2(worker: Worker):
    frame = b"\x00\x00\x05\x09\x00\x00\x00\x00\x01" + b"\x00\x01x\x01x"  # CONTINUATION
    with counts(worker, "malformed"), http2_client(worker, "api.openai.com") as client:
        client.wire.send(b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82" + frame * 1000)
        assert client.ended()


def test_streams_that_are_opened_and_reset_by_the_thousand(worker: Worker):
    """CVE-2023-44487. Every one is looked at and none reaches the provider."""
    unknown = head(b"GET", b"/v1/models", (b"x-gateway-key", b"sp_unknown"))
    with http2_client(worker, "api.openai.com") as client:
        for _ in range(1000):
            stream = client.connection.get_next_available_stream_id()
            client.connection.send_headers(stream, unknown)
            client.connection.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        client.flush()
        last = client.open(unknown)
        assert client.answer(last)[0] == 401
    with counts(worker):
        pass


FORBIDDEN = (
    "127.0.0.1:22", "localhost:22", "127.1:22", "2130706433:22", "0x7f.1:22", "0177.0.0.1:22", "[::1]:22",
    "[::ffff:127.0.0.1]:22", "0.0.0.0:22", f"{METADATA}:80", f"[::ffff:{METADATA}]:80", "[fe80::1]:80", "[fd00:ec2::254]:80",
    "10.0.0.1:80", "172.16.0.1:80", "192.168.0.1:80", "100.100.100.200:80",
)  # fmt: skip


@pytest.mark.parametrize("target", FORBIDDEN)
@pytest.mark.parametrize("form", ["CONNECT {0}", "GET http://{0}/latest/meta-data/"])
def test_a_forbidden_destination(worker: Worker, target: str, form: str):
    data = f"{form.format(target)} HTTP/1.1\r\nHost: api.openai.com\r\nProxy-Authorization: Bearer {worker.key}\r\n\r\n"
    with counts(worker, "destination_forbidden"), worker.ask(data.encode()) as client:
        reply = client.message()
        assert reply.status == 403
        assert reply.id


def test_the_gateway_by_itself(worker: Worker):
    """Its own ports are reached through it by no name: nobody drives the console from the gateway's place."""
    for port in (worker.port, worker.settings.console.port):
        data = f"CONNECT localhost:{port} HTTP/1.1\r\nProxy-Authorization: Bearer {worker.key}\r\n\r\n"
        with counts(worker, "destination_forbidden"), worker.ask(data.encode()) as client:
            assert client.message().status == 403


PATHS = (
    "//{0}/v1/models", "/openai.evil/v1/models", "/http://{0}/", "/openai@{0}/", "/%2e%2e/{0}/", "/openai%2f..%2f..%2f{0}/", "*",
    "/openai/@{0}/x",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_base_path_that_is_no_providers(worker: Worker, path: str):
    with counts(worker, "path_unknown"), worker.ask(post(worker, target=path.format(METADATA))) as client:
        assert client.message().status == 404


@pytest.mark.parametrize("host", [METADATA, "localhost:22", "evil", f"api.openai.com@{METADATA}", ""])
def test_a_host_header_leads_nowhere(worker: Worker, host: str):
    with counts(worker, "path_unknown"), worker.ask(f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) as client:
        assert client.message().status == 404


@pytest.mark.parametrize("path", ["/openai//{0}/x", "/openai/../../{0}/x", "/openai/v1/files/http://{0}/"])
def test_whatever_stands_behind_a_base_path_goes_to_its_provider(worker: Worker, openai: Provider, path: str):
    target = path.format(METADATA)
    with worker.ask(request("GET", target, worker.auth)) as client, openai.accept() as provider:
        assert provider.message().start == f"GET {target.removeprefix('/openai')} HTTP/1.1"
        provider.send(answer(b"{}"))
        assert client.message().status == 200


def test_a_redirect_is_the_clients_to_follow(worker: Worker, openai: Provider):
    """With what was sent for the provider alone left out: the answer goes back as it is, and nobody else is asked."""
    where = f"Location: http://{METADATA}/latest/meta-data/"
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(answer(b"", where, status="307 Temporary Redirect"))
        reply = client.message()
        assert (reply.status, reply.header("location")) == (307, where.removeprefix("Location: "))
        assert provider.silent()


@pytest.mark.parametrize("data", [b"X-A: " + b"x" * 70_000, b"X-A: 1\r\n" * 300], ids=["long", "many"])
def test_an_oversized_head(worker: Worker, data: bytes):
    with counts(worker, "head_too_large"), worker.ask(b"GET /openai/v1/models HTTP/1.1\r\n" + data + b"\r\n\r\n") as client:
        assert client.message().status == 431
        assert client.closed()


def in_tls(worker: Worker, *protocols: str) -> Wire:
    context = worker.trust()
    if protocols:
        context.set_alpn_protocols(list(protocols))
        return worker.connect("api.openai.com:443").tls(context, "api.openai.com")
    return worker.dial().tls(context, "localhost")


@pytest.mark.parametrize("garbage", [b"\x00\xff" * 500 + b"\r\n\r\n", b"\x16\x03\x01\x00\x05hello\r\n\r\n", b"SSH-2.0-x\r\n\r\n"])
def test_garbage_after_tls(worker: Worker, garbage: bytes):
    with counts(worker, "malformed"), in_tls(worker) as client:
        assert client.send(garbage).message().status == 400
        assert client.closed()


def test_garbage_after_tls_that_agreed_on_http2(worker: Worker):
    with counts(worker, "malformed"), in_tls(worker, "h2") as client:
        assert client.send(b"GET / HTTP/1.1\r\n\r\n").rest()  # our settings, and why it ends


@pytest.mark.parametrize("garbage", [b"\x00\x00\x05" + bytes(6) + b"hello", b"\xff" * 300_000], ids=["misplaced", "endless"])
def test_a_broken_http2_frame(worker: Worker, garbage: bytes):
    with counts(worker, "malformed"), http2_client(worker, "api.openai.com") as client:
        with contextlib.suppress(ConnectionError):
            client.wire.send(garbage)
        assert client.ended()


def test_garbage_instead_of_tls_records(worker: Worker):
    """In the middle of a connection: its record's authentication fails."""
    with worker.connect("api.openai.com:443") as raw:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        inner = worker.trust().wrap_bio(incoming, outgoing, server_hostname="api.openai.com")
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                inner.do_handshake()
                break
            raw.send(outgoing.read())
            incoming.write(raw.sock.recv(65536))
        raw.send(outgoing.read() + b"\x17\x03\x03\x00\x20" + b"x" * 32)
        raw.half_close().rest()
    with counts(worker):
        pass


@pytest.mark.parametrize("said", [b"\x16\x03\x01\x00\x02hi", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01x"], ids=["record", "hello"])
def test_a_tls_handshake_that_is_none(worker: Worker, said: bytes):
    with counts(worker, "tls_handshake"), worker.ask(said) as client:
        client.half_close().rest()


def test_a_client_that_does_not_trust_our_ca(worker: Worker):
    with counts(worker, "tls_handshake"), worker.dial() as client, pytest.raises(ssl.SSLCertVerificationError):
        client.tls(ssl.create_default_context(), "localhost")


@pytest.mark.parametrize("part", ["head", "length", "chunks"])
@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_request_that_is_cut_short(worker: Worker, part: str, end: str):
    whole = {
        "head": b"POST /openai/v1/chat/comp",
        "length": post(worker, "Content-Length: 5000") + CHAT,
        "chunks": post(worker, "Transfer-Encoding: chunked") + chunk(CHAT),
    }
    client = worker.ask(whole[part])
    client.close() if end == "close" else client.reset()
    with counts(worker):
        pass


def test_a_stream_that_its_provider_cuts_short(worker: Worker, openai: Provider):
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(answer(ANSWER)[:-10])
        provider.close()
        with pytest.raises(EOFError):
            client.message()
    with counts(worker):
        pass


def test_a_thousand_connections_that_say_nothing_sensible(worker: Worker):
    with counts(worker, *["malformed"] * 1000):
        for _ in range(1000):
            worker.ask(b"\x00\r\n\r\n").close()


def test_without_a_key_nothing_leaves(worker: Worker):
    with counts(worker, "key_missing"), worker.ask(b"CONNECT example.com:443 HTTP/1.1\r\n\r\n") as client:
        assert client.message().status == 407
