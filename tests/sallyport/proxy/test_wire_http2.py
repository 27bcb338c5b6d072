"""HTTP/2 inside CONNECT: what would forge an HTTP/1 request is refused, bodies are framed, streams end each by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import h2.errors
import h2.events
import orjson
import pytest

from tests.sallyport.proxy.gateway import ANSWER, CHAT, SECRETS, Worker
from tests.sallyport.proxy.http2 import Http2, http2_client
from tests.sallyport.proxy.test_wire_streams import DONE, HELLO, SSE, STREAM, UNASKED, USAGE
from tests.sallyport.proxy.wire import Provider, answer, chunk, eventually, flood

Fields = list[tuple[bytes, bytes]]


def head(method: bytes = b"POST", path: bytes = b"/v1/chat/completions", *more: tuple[bytes, bytes]) -> Fields:
    start = [(b":method", method), (b":scheme", b"https"), (b":authority", b"api.openai.com"), (b":path", path)]
    return [*start, (b"user-agent", b"test"), *more]


@pytest.fixture
def client(worker: Worker) -> Iterator[Http2]:
    with http2_client(worker, "api.openai.com") as client:
        yield client


@pytest.mark.parametrize("length", [True, False])
def test_a_call(client: Http2, openai: Provider, length: bool):
    more = [(b"content-length", b"%d" % len(CHAT))] if length else []
    stream = client.open(head(b"POST", b"/v1/chat/completions", *more), CHAT)
    with openai.accept() as provider:
        got = provider.message()
        assert got.start == "POST /v1/chat/completions HTTP/1.1"
        assert got.header("host") == f"127.0.0.1:{openai.port}"
        assert got.header("authorization") == f"Bearer {SECRETS['OPENAI_API_KEY']}"
        assert got.body == CHAT
        provider.send(answer(ANSWER))
        status, fields, body = client.answer(stream)
    assert (status, body) == (200, ANSWER)
    assert fields[b"x-gateway-request-id"]


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/files"])
def test_trailers_of_a_request_are_dropped(worker: Worker, client: Http2, openai: Provider, path: bytes):
    stream = client.open(head(b"POST", path), CHAT, end=False)
    client.connection.send_headers(stream, [(b"authorization", b"Bearer " + worker.key.encode())], end_stream=True)
    client.flush()
    with openai.accept() as provider:
        assert provider.message().body == CHAT
        provider.send(answer(b"{}"))
        assert client.answer(stream)[0] == 200
        assert provider.closed()


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/files"])
def test_a_body_without_a_length_is_no_second_request(client: Http2, openai: Provider, path: bytes):
    """HTTP/2 needs no length. Put behind an HTTP/1 head unframed, the body would be read as a request of its own."""
    evil = b'{"model":"gpt-4o-mini","messages":[]}' if path.endswith(b"completions") else b"GET /evil HTTP/1.1\r\n\r\n"
    stream = client.open(head(b"POST", path), evil, end=False)
    client.connection.end_stream(stream)
    client.flush()
    with openai.accept() as provider:
        got = provider.message()
        assert got.body == evil
        provider.send(answer(b"{}"))
        assert client.answer(stream)[0] == 200
        assert provider.closed()


@pytest.mark.parametrize(
    "fields",
    [
        head(b"GET /evil HTTP/1.1\r\nx: ", b"/v1/models"),
        head(b"GET ", b"/v1/models"),
        head(b"GET", b"/v1/models HTTP/1.1\r\nHost: evil\r\n\r\nGET /evil"),
        head(b"GET", b"/v1/mo dels"),
        head(b"GET", b"v1/models"),
        head(b"GET", b""),
        head(b"GET", b"/v1/models", (b"x-a", b"1\r\nx-b: 2")),
        head(b"GET", b"/v1/models", (b"x-a", b"1\n")),
        head(b"GET", b"/v1/models", (b"x-a", b"\x00")),
        head(b"GET", b"/v1/models", (b"x-a\n", b"1")),
        head(b"GET", b"/v1/models", (b"x a", b"1")),
        head(b"GET", b"/v1/models", (b"X-Upper", b"1")),
        head(b"GET", b"/v1/models", (b"x-a:", b"1")),
        head(b"GET", b"/v1/models", (b"", b"1")),
        head(b"GET", b"/v1/models", (b"transfer-encoding", b"chunked")),
        head(b"GET", b"/v1/models", (b"connection", b"upgrade")),
        head(b"GET", b"/v1/models", (b"host", b"a"), (b"host", b"b")),
        head(b"GET", b"/v1/models", (b"content-length", b"1, 1")),
        head(b"GET", b"/v1/models", (b"content-length", b"+1")),
        head(b"CONNECT", b"/v1/models"),
        head(b"CONNECT", b"/v1/responses", (b":protocol", b"websocket")),
        [(b":protocol", b"websocket"), *head(b"CONNECT", b"/v1/responses")],
        [(b":path", b"/other"), *head(b"GET", b"/v1/models")],
        [*head(b"GET", b"/v1/models")[:3], (b"x-late", b"1"), (b":path", b"/v1/models")],
        [field for field in head(b"GET", b"/v1/models") if field[0] != b":path"],
    ],
)
def test_a_malformed_request_reaches_nobody(client: Http2, openai: Provider, fields: Fields):
    """It is refused, or the connection ended: HTTP/2 leaves the choice (RFC 9113, 8.1.1)."""
    stream = client.open(fields)
    with contextlib.suppress(EOFError, ConnectionError):
        assert client.answer(stream)[0] == 400
    assert openai.untouched()


def test_a_body_longer_than_its_length(client: Http2, openai: Provider):
    client.open(head(b"POST", b"/v1/files", (b"content-length", b"3")), b"xxxGET /evil HTTP/1.1\r\n\r\n")
    assert client.ended()
    if not openai.untouched():
        with openai.accept() as provider:
            assert b"evil" not in provider.rest()


def test_too_many_fields(client: Http2, openai: Provider):
    stream = client.open(head(b"GET", b"/v1/models", *((b"x-%d" % number, b"1") for number in range(210))))
    assert client.answer(stream)[0] == 431
    assert openai.untouched()


def test_a_refusal_ends_though_its_request_does_not(client: Http2, openai: Provider):
    """Go's client sends no more of a request that is refused, and waits for the end of the answer."""
    unknown = (b"x-gateway-key", b"sp_unknown")
    stream = client.open(head(b"POST", b"/v1/chat/completions", unknown), end=False)
    assert client.answer(stream)[0] == 401
    client.connection.reset_stream(stream, h2.errors.ErrorCodes.NO_ERROR)
    finished = client.open(head(b"POST", b"/v1/chat/completions", unknown), CHAT)
    assert client.answer(finished)[0] == 401
    assert openai.untouched()


def test_a_head_that_is_too_large(client: Http2, openai: Provider):
    filler = [(b"x-%d" % number, b"x" * 10_000) for number in range(30)]
    client.connection.remote_settings.max_frame_size = 16384
    client.open(head(b"GET", b"/v1/models", *filler))
    assert client.ended()
    assert openai.untouched()


def test_a_body_that_is_too_large(client: Http2, openai: Provider):
    stream = client.open(head(), b"", end=False)
    for _ in range(20):
        while client.connection.local_flow_control_window(stream) < 16384:
            client.pump()
        client.connection.send_data(stream, b"x" * 16384)
        client.flush()
    client.connection.end_stream(stream)
    client.flush()
    status, _, body = client.answer(stream)
    assert status == 413
    assert orjson.loads(body)["error"]["message"]
    assert openai.untouched()


def test_a_websocket_is_not_offered(client: Http2, openai: Provider):
    """RFC 8441, 3: a client sees that from our settings, and asks over HTTP/1.1. One that tries all the same is told at once."""
    client.wait(h2.events.RemoteSettingsChanged)
    assert not client.connection.remote_settings.enable_connect_protocol
    client.open([(b":method", b"CONNECT"), (b":protocol", b"websocket"), *head()[1:3], (b":path", b"/v1/responses")])
    assert client.ended()
    assert openai.untouched()


def test_streams_are_served_side_by_side(client: Http2, openai: Provider):
    first, second = client.open(head(), STREAM), client.open(head(), UNASKED)
    with openai.accept() as one, openai.accept() as two:
        by_body = {one.message().json["stream_options"] is None: one, two.message().json["stream_options"] is None: two}
        assert len(by_body) == 1  # both ask for the usage
        for provider in (one, two):
            provider.send(SSE.encode() + chunk(HELLO))
        assert client.wait(h2.events.DataReceived, first).data == HELLO
        assert client.wait(h2.events.DataReceived, second).data == HELLO
        two.send(chunk(USAGE + DONE) + b"0\r\n\r\n")
        one.send(chunk(USAGE + DONE) + b"0\r\n\r\n")
        client.wait(h2.events.StreamEnded, first)
        client.wait(h2.events.StreamEnded, second)


def test_a_stream_that_is_reset(client: Http2, worker: Worker, openai: Provider):
    """The client took one call back: that one is aborted and its provider let go, the connection goes on."""
    stream = client.open(head(), STREAM)
    with openai.accept() as provider:
        provider.message()
        provider.send(SSE.encode() + chunk(HELLO))
        fields = dict(client.wait(h2.events.ResponseReceived, stream).headers)
        client.wait(h2.events.DataReceived, stream)
        client.connection.reset_stream(stream, error_code=8)
        client.flush()
        assert provider.closed()
    record = worker.record(fields[b"x-gateway-request-id"].decode())
    assert (record.outcome, record.reason, record.estimated) == ("aborted", "client_disconnected", True)
    test_a_call(client, openai, length=True)


def test_a_call_that_is_taken_back_before_its_answer(client: Http2, worker: Worker, openai: Provider):
    before = len(worker.all_records())
    stream = client.open(head(), STREAM)
    with openai.accept() as provider:
        provider.message()
        client.connection.reset_stream(stream, error_code=8)
        client.flush()
        assert provider.closed()
    record = worker.last_record(before)
    assert (record.outcome, record.reason, record.status) == ("aborted", "client_disconnected", None)
    eventually(lambda: worker.reserved() == 0, "no reservation is left")


def test_a_slow_reader_holds_its_provider_back(client: Http2, worker: Worker, openai: Provider):
    """And no other stream of the same connection."""
    slow = client.open(head(), STREAM)
    with openai.accept() as provider:
        provider.message()
        provider.send(SSE.encode())
        sent = flood(provider, chunk(b": " + b"x" * 65532) * 1000)
        assert sent < 30 * 1024 * 1024  # the kernel's buffers, mostly
        test_a_call(client, openai, length=True)
        got = 0
        while got < sent - 1024 * 1024:  # and all of it arrives once there is room
            data = client.wait(h2.events.DataReceived, slow)
            got += data.flow_controlled_length or 0


def test_a_provider_that_breaks_off(client: Http2, worker: Worker, openai: Provider):
    stream = client.open(head(), STREAM)
    with openai.accept() as provider:
        provider.message()
        provider.send(SSE.encode() + chunk(HELLO))
        client.wait(h2.events.DataReceived, stream)
        provider.close()
        assert client.wait(h2.events.StreamReset, stream)
    test_a_call(client, openai, length=True)


def test_a_provider_that_goes_without_an_answer(client: Http2, openai: Provider):
    stream = client.open(head(), CHAT)
    with openai.accept() as provider:
        provider.message()
    status, fields, body = client.answer(stream)
    assert (status, fields[b"content-type"]) == (502, b"application/json")
    assert orjson.loads(body)["error"]["type"]


def test_an_answer_that_ends_with_its_connection(client: Http2, openai: Provider):
    stream = client.open(head(), CHAT)
    with openai.accept() as provider:
        provider.message()
        provider.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nKeep-Alive: 5\r\n\r\n" + ANSWER)
    status, fields, body = client.answer(stream)
    assert (status, body) == (200, ANSWER)
    assert not {b"connection", b"keep-alive", b"transfer-encoding"} & fields.keys()
