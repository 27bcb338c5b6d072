"""Fallback chains where both sides speak HTTP/2: one stream falls back, the others of its connection go on."""

from __future__ import annotations

from collections.abc import Iterator

import h2.events
import orjson
import pytest

from tests.sallyport.proxy.gateway import CHAT, Worker
from tests.sallyport.proxy.http2 import Http2
from tests.sallyport.proxy.outages import Outages
from tests.sallyport.proxy.test_wire_http2_providers import (
    BODY,
    EVENTS,
    HEAD,
    START,
    STOP,
    TEXT,
    USAGE,
    begin,
    received,
    say,
)
from tests.sallyport.proxy.wire import answer, eventually

OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"the first"}}'
ERROR = [(b":status", b"529"), (b"content-type", b"application/json"), (b"x-of", b"the first")]
WHOLE = START + TEXT + USAGE + STOP


@pytest.fixture
def worker(out: Outages) -> Worker:
    return out.workers["models"]


def over_http2(worker: Worker, host: str) -> Iterator[Http2]:
    context = worker.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with worker.connect(f"{host}:443") as wire, wire.tls(context, host) as inner:
        yield Http2(inner)


@pytest.fixture
def client(worker: Worker) -> Iterator[Http2]:
    yield from over_http2(worker, "api.anthropic.com")


@pytest.fixture
def openai_client(worker: Worker) -> Iterator[Http2]:
    yield from over_http2(worker, "api.openai.com")


def asked_for(provider: Http2) -> tuple[int, str]:
    """The stream of the next request, and the model it asks for."""
    stream = received(provider)
    data = [e for e in provider.events if isinstance(e, h2.events.DataReceived) and e.stream_id == stream]
    return stream, orjson.loads(b"".join(event.data for event in data))["model"]


def served(client: Http2, worker: Worker, stream: int) -> None:
    """By the second model, whole, with two records."""
    status, fields, body = client.answer(stream)
    assert (status, body) == (200, WHOLE)
    assert b"x-of" not in fields
    assert (fields[b"x-gateway-attempts"], fields[b"x-gateway-served-by"]) == (b"2", b"anthropic/claude-haiku-4-5")
    last = worker.record(fields[b"x-gateway-request-id"].decode())
    assert last.attempt_of is not None
    first = worker.record(last.attempt_of)
    assert (first.outcome, first.model, first.cost_nano) == ("error", "claude-sonnet-4-5", 0)
    assert (last.outcome, last.input_tokens, last.output_tokens) == ("success", 9, 3)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "unfinished"])
def test_an_error_and_the_next_model_on_one_connection(client: Http2, worker: Worker, out: Outages, whole: bool):
    stream = client.open(HEAD, BODY)
    provider = Http2(out["anthropic"].accept(), client=False)
    with provider.wire:
        theirs, model = asked_for(provider)
        assert model == "claude-sonnet-4-5"
        provider.connection.send_headers(theirs, ERROR)
        provider.connection.send_data(theirs, OVERLOADED, end_stream=whole)
        provider.flush()
        again, model = asked_for(provider)
        assert (model, again > theirs) == ("claude-haiku-4-5", True)
        if not whole:
            provider.wait(h2.events.StreamReset, theirs)
        begin(provider, again, EVENTS)
        say(provider, again, WHOLE, end=True)
        served(client, worker, stream)


def test_what_the_first_still_says_is_for_nobody(client: Http2, worker: Worker, out: Outages):
    """Frames of a stream that was reset may be under way yet."""
    stream = client.open(HEAD, BODY)
    provider = Http2(out["anthropic"].accept(), client=False)
    with provider.wire:
        theirs, _ = asked_for(provider)
        provider.connection.send_headers(theirs, ERROR)
        provider.flush()
        provider.wire.silent(0.2)
        provider.connection.send_data(theirs, OVERLOADED, end_stream=True)  # it has not read of the reset
        provider.flush()
        again, _ = asked_for(provider)
        begin(provider, again, EVENTS)
        say(provider, again, WHOLE, end=True)
        served(client, worker, stream)


def test_a_connection_lost_with_two_calls_on_it(client: Http2, worker: Worker, out: Outages):
    streams = [client.open(HEAD, BODY), client.open(HEAD, BODY)]
    provider = Http2(out["anthropic"].accept(), client=False)
    for _ in streams:
        asked_for(provider)
    provider.wire.close()
    other = Http2(out["anthropic"].accept(), client=False)
    with other.wire:
        for _ in streams:
            again, model = asked_for(other)
            assert model == "claude-haiku-4-5"
            begin(other, again, EVENTS)
            say(other, again, WHOLE, end=True)
        for stream in streams:
            served(client, worker, stream)


def test_one_falls_back_and_the_other_streams_on(client: Http2, worker: Worker, out: Outages):
    good, bad = client.open(HEAD, BODY), client.open(HEAD, BODY)
    provider = Http2(out["anthropic"].accept(), client=False)
    with provider.wire:
        first, _ = asked_for(provider)
        second, _ = asked_for(provider)
        begin(provider, first, EVENTS)
        say(provider, first, START)
        assert client.wait(h2.events.DataReceived, good).data == START
        provider.connection.send_headers(second, ERROR)
        provider.flush()
        again, _ = asked_for(provider)
        say(provider, first, TEXT)
        assert client.wait(h2.events.DataReceived, good).data == TEXT
        begin(provider, again, EVENTS)
        say(provider, again, WHOLE, end=True)
        served(client, worker, bad)
        say(provider, first, USAGE + STOP, end=True)
        client.wait(h2.events.StreamEnded, good)


def test_http2_clients_of_an_http1_provider(openai_client: Http2, worker: Worker, out: Outages):
    head = [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", b"api.openai.com"),
        (b":path", b"/v1/chat/completions"),
    ]
    stream = openai_client.open(head, CHAT)
    with out["openai"].accept() as provider:
        assert provider.message().json["model"] == "gpt-4o-mini"
        provider.send(b"HTTP/1.1 503 No\r\nContent-Length: 1000\r\n\r\nxxx")
        with out["openai"].accept() as other:
            assert provider.closed()
            assert other.message().json["model"] == "gpt-4o"
            other.send(answer(b'{"model":"gpt-4o","usage":{"prompt_tokens":9,"completion_tokens":3}}'))
            status, fields, _ = openai_client.answer(stream)
    assert (status, fields[b"x-gateway-attempts"]) == (200, b"2")


def test_a_client_that_takes_its_stream_back_while_the_second_is_under_way(client: Http2, worker: Worker, out: Outages):
    stream = client.open(HEAD, BODY)
    provider = Http2(out["anthropic"].accept(), client=False)
    with provider.wire:
        theirs, _ = asked_for(provider)
        provider.connection.send_headers(theirs, ERROR, end_stream=True)
        provider.flush()
        again, _ = asked_for(provider)
        client.connection.reset_stream(stream, 8)
        client.flush()
        provider.wait(h2.events.StreamReset, again)
    eventually(lambda: len(worker.all_records()) == 2, "both records")
    eventually(lambda: worker.reserved() == 0, "no reservation is left")
