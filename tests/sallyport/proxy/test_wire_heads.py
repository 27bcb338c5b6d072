"""Request heads that are too large, malformed or ambiguous: refused, and no byte of them reaches a provider."""

from __future__ import annotations

import pytest

from tests.sallyport.proxy.gateway import ANSWER, CHAT, Worker
from tests.sallyport.proxy.wire import Provider, answer, chunk, request

POST = "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: gateway\r\n"
EVIL = b"GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n"


def refused(worker: Worker, openai: Provider, data: bytes, status: int) -> str:
    with worker.ask(data) as client:
        reply = client.message()
        assert reply.status == status
        assert reply.header("x-should-retry") == "false"
        assert reply.id
        assert client.closed()
    assert openai.untouched()
    return reply.error


def test_a_head_that_is_too_large(worker: Worker, openai: Provider):
    data = worker.chat("X-Filler: " + "x" * 65536)
    assert "65536 bytes" in refused(worker, openai, data, 431)


def test_a_head_that_never_ends(worker: Worker, openai: Provider):
    """The client goes on sending and only then reads: it gets its answer nevertheless."""
    endless = POST.encode() + b"X-A: 1\r\n" * 150_000
    assert "65536 bytes" in refused(worker, openai, endless, 431)


def test_a_line_that_never_ends(worker: Worker, openai: Provider):
    refused(worker, openai, b"GET /" + b"a" * 200_000, 431)


def test_too_many_fields(worker: Worker, openai: Provider):
    fields = [f"X-{number}: 1" for number in range(200)]
    assert "200 fields" in refused(worker, openai, worker.chat(*fields), 431)


def test_as_many_fields_as_are_allowed(worker: Worker, openai: Provider):
    head = worker.chat(*(f"X-{number}: 1" for number in range(197)))
    with worker.ask(head) as client, openai.accept() as provider:
        assert provider.message().header("x-196") == "1"
        provider.send(answer(ANSWER))
        assert client.message().status == 200


@pytest.mark.parametrize(
    "head",
    [
        "GARBAGE\r\n",
        "GET /openai/v1/models\r\n",
        "GET /openai/v1/models HTTP/1.1 more\r\n",
        "GET /openai/v1/models HTTP/x\r\n",
        "GET openai/v1/models HTTP/1.1\r\nHost: x\r\n",
        "G(T /openai/v1/models HTTP/1.1\r\nHost: x\r\n",
        "GET /openai/v1/models HTTP/1.1\r\nHost: x\r\nno colon\r\n",
        "GET /openai/v1/models HTTP/1.1\r\nHost: x\r\n: no name\r\n",
        "GET /openai/v1/models HTTP/1.1\r\nHost: x\r\nX-A : 1\r\n",
        "GET /openai/v1/models HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n folded: 2\r\n",
        "GET /openai/v1/models HTTP/1.1\r\n folded: 2\r\n",
        "GET /openai/v1/models HTTP/1.1\r\nHost: x\r\nX-A: 1\rX-B: 2\r\n",
        "GET /openai/v1/models HTTP/1.1\r\nHost: x\r\nX-A: \0\r\n",
        "GET /openai/v1/models HTTP/1.1\r\nHost: x\r\nX-A\0: 1\r\n",
        "GET /openai/v1/mo\0dels HTTP/1.1\r\nHost: x\r\n",
        "GET /openai/v1/mo\x7fdels HTTP/1.1\r\nHost: x\r\n",
        "GET\x0b/openai/v1/models\x0cHTTP/1.1\r\nHost: x\r\n",
        "GET /openai/v1/models HTTP/1.1\r\nHost: x\r\nHost: y\r\n",
        "GET ftp://api.openai.com/v1/models HTTP/1.1\r\nHost: x\r\n",
        "CONNECT api.openai.com HTTP/1.1\r\nHost: x\r\n",
        "CONNECT api.openai.com:99999 HTTP/1.1\r\nHost: x\r\n",
        "CONNECT /v1/models HTTP/1.1\r\nHost: x\r\n",
    ],
)
def test_a_malformed_head(worker: Worker, openai: Provider, head: str):
    auth = f"{worker.auth}\r\n\r\n"
    message = refused(worker, openai, (head + auth).encode("latin-1"), 400)
    assert message
    assert worker.key not in message


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 05\r\n",
        "Content-Length: -5\r\n",
        "Content-Length:\r\n",
        "Content-Length: 5\x0b\r\n",
        "Content-Length : 5\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding: chunked\x0c\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer\x0b-Encoding: x\r\n",
    ],
)
@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/openai/v1/files"])
def test_ambiguous_framing(worker: Worker, openai: Provider, framing: str, path: str):
    """No reading of the length leaves a second request behind."""
    head = f"POST {path} HTTP/1.1\r\nHost: gateway\r\n{worker.auth}\r\n{framing}\r\n"
    refused(worker, openai, head.encode("latin-1") + b"0\r\n\r\n" + EVIL, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"5;" + b"x" * 100_000,
        b"0\r\nX-Trailer\x00: 1\r\n\r\n",
        b"0\r\n" + b"X-Trailer: 1\r\n" * 10_000,
    ],
    ids=["no-size", "negative", "no-end", "endless-extension", "bad-trailer", "endless-trailers"],
)
@pytest.mark.parametrize("path", ["/openai/v1/chat/completions", "/openai/v1/files"])
def test_a_broken_chunked_body(worker: Worker, openai: Provider, body: bytes, path: str):
    with worker.ask(request("POST", path, worker.auth, "Transfer-Encoding: chunked") + body + EVIL) as client:
        if path.endswith("files"):
            with openai.accept() as provider:
                assert b"evil" not in provider.rest()
        reply = client.message()
        assert reply.status == 400
        assert client.closed()
    assert openai.untouched()


def test_the_hosts_name_says_nothing_to_a_provider(worker: Worker, openai: Provider):
    """What the provider sees as host is where the call goes, whatever the client wrote."""
    head = f"GET http://api.openai.com/v1/models HTTP/1.1\r\nHost: evil\r\n{worker.auth}\r\n\r\n"
    with worker.ask(head.encode()) as client, openai.accept() as provider:
        got = provider.message()
        assert got.start == "GET /v1/models HTTP/1.1"
        assert got.header("host") == f"127.0.0.1:{openai.port}"
        provider.send(answer(b"{}"))
        assert client.message().status == 200


def test_only_the_callers_own_headers_pass(worker: Worker, openai: Provider):
    """Hop-by-hop headers end here; an upgrade to another protocol would be a way around every check."""
    listed = "Connection: keep-alive, Upgrade, X-Drop-Me, HTTP2-Settings"
    others = ("Upgrade: h2c", "HTTP2-Settings: AAMAAABk", "Keep-Alive: timeout=5", "TE: trailers", "Proxy-Connection: keep-alive")
    with worker.ask(worker.chat(listed, *others, "X-Drop-Me: 1", "X-Keep: 1")) as client, openai.accept() as provider:
        got = provider.message()
        assert {name.lower() for name, _ in got.fields} == {"host", "x-keep", "content-length", "authorization"}
        provider.send(answer(ANSWER))
        assert client.message().status == 200


def test_an_upgrade_that_nobody_asked_for(worker: Worker, openai: Provider):
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
        assert client.message().status == 502


def test_blank_lines_before_a_request(worker: Worker, openai: Provider):
    with worker.ask(b"\r\n\r\n" + worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(answer(ANSWER))
        assert client.message().status == 200


def test_a_trickled_request(worker: Worker, openai: Provider):
    """Byte by byte, with a body in chunks and trailers after it: the provider gets one whole request, without the trailers."""
    head = request("POST", "/openai/v1/chat/completions", worker.auth, "Transfer-Encoding: chunked", "Trailer: X-Sum")
    body = b"".join(chunk(bytes([byte])) for byte in CHAT) + b"0\r\nX-Sum: 1\r\n\r\n"
    with worker.dial() as client:
        for byte in head + body:
            client.send(bytes([byte]))
        with openai.accept() as provider:
            got = provider.message()
            assert got.body == CHAT
            assert got.header("x-sum") is None
            provider.send(answer(ANSWER))
        assert client.message().status == 200
