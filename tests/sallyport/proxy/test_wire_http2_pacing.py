"""HTTP/2 to a provider: one slow stream is held back at its source, whichever way it flows, and no other with it."""

from __future__ import annotations

from collections.abc import Iterator

import h2.events
import pytest

from tests.sallyport.proxy.gateway import Worker
from tests.sallyport.proxy.http2 import Http2, http2_client
from tests.sallyport.proxy.test_wire_http2_providers import (
    BODY,
    EVENTS,
    HEAD,
    START,
    STOP,
    TEXT,
    USAGE,
    asked,
    begin,
    received,
    say,
)
from tests.sallyport.proxy.wire import Provider, flood, request

MIB = 1024 * 1024
MOST = 3 * MIB
"""What the gateway and the two windows may hold of a stream."""
FILES = [*HEAD[:3], (b":path", b"/v1/files")]
COMMENT = b": " + b"x" * 16381 + b"\n"


@pytest.fixture
def client(worker: Worker) -> Iterator[Http2]:
    with http2_client(worker, "api.anthropic.com") as client:
        yield client


def push(peer: Http2, stream: int, size: int) -> int:
    """Send so much as the other side takes of it; how many bytes that was."""
    sent = 0
    while sent < size:
        if peer.connection.local_flow_control_window(stream) < len(COMMENT):
            if peer.wire.silent(0.5):
                break
            peer.pump()
            continue
        peer.connection.send_data(stream, COMMENT)
        peer.flush()
        sent += len(COMMENT)
    return sent


def take(peer: Http2, stream: int, size: int) -> None:
    got = 0
    while got < size:
        got += len(peer.wait(h2.events.DataReceived, stream).data)
    assert got == size


def test_a_slow_reader(client: Http2, anthropic: Provider):
    slow, provider, theirs = asked(client, anthropic)
    with provider.wire:
        begin(provider, theirs)
        sent = push(provider, theirs, 20 * MIB)
        assert MIB <= sent < MOST
        other = client.open(HEAD, BODY)  # beside it, on both connections
        others = received(provider)
        begin(provider, others)
        say(provider, others, START + TEXT + USAGE + STOP, end=True)
        assert client.answer(other)[2] == START + TEXT + USAGE + STOP
        take(client, slow, sent)
        for _ in range(3):  # and on, as fast as it reads
            more = push(provider, theirs, MIB)
            assert more >= MIB
            take(client, slow, more)
        while provider.connection.local_flow_control_window(theirs) < len(START + USAGE + STOP):
            provider.pump()
        say(provider, theirs, START + USAGE + STOP, end=True)
        take(client, slow, len(START + USAGE + STOP))
        client.wait(h2.events.StreamEnded, slow)


def test_a_reader_that_leaves_does_not_hold_the_next(client: Http2, anthropic: Provider):
    """What was held back of its stream is given back to the connection."""
    _, provider, theirs = first = asked(client, anthropic)
    with provider.wire:
        begin(provider, theirs)
        push(provider, theirs, 20 * MIB)
        client.connection.reset_stream(first[0], 8)
        client.flush()
        provider.wait(h2.events.StreamReset, theirs)
        again = client.open(HEAD, BODY)
        others = received(provider)
        begin(provider, others, EVENTS)
        say(provider, others, START + TEXT + USAGE + STOP, end=True)
        assert client.answer(again)[2].endswith(STOP)


def test_an_upload_that_its_provider_takes_slowly(client: Http2, anthropic: Provider):
    upload = client.open(FILES, b"", end=False)
    provider = Http2(anthropic.accept(), client=False)
    with provider.wire:
        theirs = provider.wait(h2.events.RequestReceived).stream_id
        assert theirs is not None
        sent = push(client, upload, 20 * MIB)
        assert MIB <= sent < MOST
        take(provider, theirs, sent)
        client.connection.end_stream(upload)
        client.flush()
        provider.wait(h2.events.StreamEnded, theirs)
        begin(provider, theirs, [(b":status", b"200")])
        provider.connection.end_stream(theirs)
        provider.flush()
        assert client.answer(upload)[0] == 200


def test_an_upload_by_http1_that_its_provider_takes_slowly(worker: Worker, anthropic: Provider):
    size = 64 * MIB
    context = worker.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])  # of which our own port takes the second, and the provider the first
    with worker.dial().tls(context, "localhost") as client:
        client.send(request("POST", "/anthropic/v1/files", worker.auth, f"Content-Length: {size}"))
        provider = Http2(anthropic.accept(), client=False)
        with provider.wire:
            theirs = provider.wait(h2.events.RequestReceived).stream_id
            assert theirs is not None
            sent = flood(client, b"x" * size)
            assert sent < 40 * MIB  # the kernel's buffers, and ours of 8 MiB
            take(provider, theirs, sent)
