"""Providers that speak HTTP/2, as most do to a client that does: the same calls, on streams of one connection."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import h2.events
import pytest

from tests.sallyport.proxy.gateway import SECRETS, Worker
from tests.sallyport.proxy.http2 import Http2
from tests.sallyport.proxy.wire import Provider, eventually

BODY = b'{"model":"claude-sonnet-4-5","max_tokens":10,"stream":true,"messages":[{"role":"user","content":"hi"}]}'
START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-sonnet-4-5","usage":{"input_tokens":9}}}\n\n'
)
TEXT = b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"hello there"}}\n\n'
USAGE = b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":3}}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
HEAD = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"api.anthropic.com"), (b":path", b"/v1/messages")]
EVENTS = [(b":status", b"200"), (b"content-type", b"text/event-stream")]


@pytest.fixture
def client(worker: Worker) -> Iterator[Http2]:
    context = worker.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with worker.connect("api.anthropic.com:443") as wire, wire.tls(context, "api.anthropic.com") as inner:
        yield Http2(inner)


def asked(client: Http2, anthropic: Provider) -> tuple[int, Http2, int]:
    """A call that the provider has received: the client's stream, the provider's end, its stream."""
    stream = client.open(HEAD, BODY)
    provider = Http2(anthropic.accept(), client=False)
    return stream, provider, received(provider)


def received(provider: Http2) -> int:
    got = provider.wait(h2.events.RequestReceived)
    fields = dict(got.headers)
    assert (fields[b":path"], fields[b"x-api-key"]) == (b"/v1/messages", SECRETS["ANTHROPIC_API_KEY"].encode())
    assert b"host" not in fields
    stream = got.stream_id
    assert stream is not None
    provider.wait(h2.events.StreamEnded, stream)
    return stream


def say(provider: Http2, stream: int, data: bytes, *, end: bool = False) -> None:
    provider.connection.send_data(stream, data, end_stream=end)
    provider.flush()


def begin(provider: Http2, stream: int, fields: list[tuple[bytes, bytes]] = EVENTS) -> None:
    provider.connection.send_headers(stream, fields)
    provider.flush()


def test_a_stream(client: Http2, worker: Worker, anthropic: Provider):
    stream, provider, theirs = asked(client, anthropic)
    with provider.wire:
        begin(provider, theirs)
        fields = dict(client.wait(h2.events.ResponseReceived, stream).headers)
        for piece in (START, TEXT[:30], TEXT[30:]):
            say(provider, theirs, piece)
            assert client.wait(h2.events.DataReceived, stream).data == piece
        say(provider, theirs, USAGE + STOP)  # the stream stays open
        assert client.wait(h2.events.DataReceived, stream).data == USAGE + STOP
        record = worker.record(fields[b"x-gateway-request-id"].decode())
        assert (record.outcome, record.input_tokens, record.output_tokens, record.estimated) == ("success", 9, 3, False)
        say(provider, theirs, b"", end=True)
        client.wait(h2.events.StreamEnded, stream)
        second = client.open(HEAD, BODY)  # on the same connection
        theirs = received(provider)
        begin(provider, theirs)
        say(provider, theirs, START + TEXT + USAGE + STOP, end=True)
        assert client.answer(second)[2] == START + TEXT + USAGE + STOP


@pytest.mark.parametrize("end", ["reset", "close", "goaway", "clean"])
def test_a_provider_that_breaks_off(client: Http2, worker: Worker, anthropic: Provider, end: str):
    stream, provider, theirs = asked(client, anthropic)
    with provider.wire:
        begin(provider, theirs)
        say(provider, theirs, START + TEXT)
        fields = dict(client.wait(h2.events.ResponseReceived, stream).headers)
        client.wait(h2.events.DataReceived, stream)
        match end:
            case "reset":
                provider.connection.reset_stream(theirs, 2)
            case "goaway":
                provider.connection.close_connection(1)
            case "clean":
                provider.connection.end_stream(theirs)
            case _:
                provider.wire.close()
        if end != "close":
            provider.flush()
        client.wait(h2.events.StreamReset, stream)
    record = worker.record(fields[b"x-gateway-request-id"].decode())
    assert (record.outcome, record.reason, record.estimated) == ("error", "upstream_disconnected", True)
    eventually(lambda: worker.reserved() == 0, "no reservation is left")


def test_a_provider_that_goes_away_in_order(client: Http2, worker: Worker, anthropic: Provider):
    """What it has begun it finishes; the next call goes to a new connection."""
    first, provider, theirs = asked(client, anthropic)
    with provider.wire:
        begin(provider, theirs)
        say(provider, theirs, START)
        client.wait(h2.events.DataReceived, first)
        provider.wire.send(b"\0\0\x08\x07\0" + b"\0\0\0\0" + theirs.to_bytes(4) + b"\0\0\0\0")  # GOAWAY, NO_ERROR
        say(provider, theirs, TEXT)
        assert client.wait(h2.events.DataReceived, first).data == TEXT
        second, other, others = asked(client, anthropic)
        with other.wire:
            say(provider, theirs, USAGE + STOP, end=True)
            client.wait(h2.events.StreamEnded, first)
            begin(other, others)
            say(other, others, START + TEXT + USAGE + STOP, end=True)
            assert client.answer(second)[0] == 200


@pytest.mark.parametrize("end", ["reset", "close", "goaway"])
def test_a_provider_that_does_not_answer(client: Http2, worker: Worker, anthropic: Provider, end: str):
    stream, provider, theirs = asked(client, anthropic)
    with provider.wire:
        match end:
            case "reset":
                provider.connection.reset_stream(theirs, 2)
            case "goaway":
                provider.connection.close_connection(1)
            case _:
                provider.wire.close()
        if end != "close":
            provider.flush()
        status, fields, body = client.answer(stream)
    assert status == 502
    assert b'"type":"error"' in body
    record = worker.record(fields[b"x-gateway-request-id"].decode())
    assert (record.outcome, record.reason, record.cost_nano) == ("error", "upstream_unreachable", 0)
    assert b"by client" not in body  # that it was not


def test_a_client_that_takes_its_call_back(client: Http2, worker: Worker, anthropic: Provider):
    stream, provider, theirs = asked(client, anthropic)
    with provider.wire:
        begin(provider, theirs)
        say(provider, theirs, START + TEXT)
        fields = dict(client.wait(h2.events.ResponseReceived, stream).headers)
        client.wait(h2.events.DataReceived, stream)
        client.connection.reset_stream(stream, 8)
        client.flush()
        provider.wait(h2.events.StreamReset, theirs)
    record = worker.record(fields[b"x-gateway-request-id"].decode())
    assert (record.outcome, record.reason) == ("aborted", "client_disconnected")


def test_interim_answers_and_trailers(client: Http2, anthropic: Provider):
    stream, provider, theirs = asked(client, anthropic)
    with provider.wire:
        begin(provider, theirs, [(b":status", b"103"), (b"link", b"</a>")])
        begin(provider, theirs)
        say(provider, theirs, START + TEXT + USAGE + STOP)
        provider.connection.send_headers(theirs, [(b"x-sum", b"1")], end_stream=True)
        provider.flush()
        status, _, body = client.answer(stream)
    assert (status, body) == (200, START + TEXT + USAGE + STOP)


@pytest.mark.hasty
def test_a_silent_provider(client: Http2, anthropic: Provider):
    stream, provider, _ = asked(client, anthropic)
    with provider.wire:
        assert client.answer(stream)[0] == 504


def test_a_compressed_answer(client: Http2, worker: Worker, anthropic: Provider):
    stream, provider, theirs = asked(client, anthropic)
    packed = gzip.compress(START + TEXT + USAGE + STOP)
    with provider.wire:
        begin(provider, theirs, [*EVENTS, (b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(packed))])
        say(provider, theirs, packed, end=True)
        _, fields, body = client.answer(stream)
    assert body == packed
    record = worker.record(fields[b"x-gateway-request-id"].decode())
    assert (record.outcome, record.estimated) == ("success", False)


@pytest.mark.parametrize("path", [b"/v1/messages", b"/v1/files"])
def test_trailers_of_a_request_go_nowhere(worker: Worker, client: Http2, anthropic: Provider, path: bytes):
    """No addon has seen them, and they may hold what a header may not."""
    stream = client.open([*HEAD[:3], (b":path", path)], BODY, end=False)
    client.connection.send_headers(stream, [(b"x-api-key", worker.key.encode())], end_stream=True)
    client.flush()
    provider = Http2(anthropic.accept(), client=False)
    number = provider.wait(h2.events.RequestReceived).stream_id
    assert number is not None
    provider.wait(h2.events.StreamEnded, number)
    assert not [event for event in provider.events if isinstance(event, h2.events.TrailersReceived)]
    provider.connection.send_headers(number, [(b":status", b"200")], end_stream=True)
    provider.flush()
    assert client.answer(stream)[0] == 200
