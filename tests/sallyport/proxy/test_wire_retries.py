"""A request is sent again by itself only where its provider can't have acted on it, once, and on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import h2.events
import pytest

from sallyport.proxy.connection import dial_by_name
from tests.sallyport.proxy.gateway import ANSWER, Worker
from tests.sallyport.proxy.http2 import Http2
from tests.sallyport.proxy.test_wire_http2_providers import BODY, EVENTS, HEAD, START, STOP, TEXT, USAGE, begin, received, say
from tests.sallyport.proxy.wire import Provider, Wire, answer, eventually, request

MODELS = b'{"object":"list","data":[]}'


def ask_models(worker: Worker, client: Wire) -> None:
    client.send(request("GET", "/openai/v1/models", worker.auth))


@pytest.fixture
def warm(worker: Worker, openai: Provider) -> Iterator[tuple[Wire, Wire]]:
    """A client, and its provider's connection that has carried a call and stays open."""
    with worker.dial() as client:
        ask_models(worker, client)
        provider = openai.accept()
        provider.message()
        provider.send(answer(MODELS))
        assert client.message().body == MODELS
        yield client, provider
        provider.close()


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_read_that_meets_the_end_of_an_idle_connection(worker: Worker, openai: Provider, warm: tuple[Wire, Wire], end: str):
    client, provider = warm
    ask_models(worker, client)
    provider.message()
    provider.reset() if end == "reset" else provider.close()
    with openai.accept() as fresh:
        assert fresh.message().start == "GET /v1/models HTTP/1.1"
        fresh.send(answer(MODELS))
        assert client.message().body == MODELS


def test_it_is_sent_twice_at_most(worker: Worker, openai: Provider, warm: tuple[Wire, Wire]):
    client, provider = warm
    ask_models(worker, client)
    provider.message()
    provider.close()
    with openai.accept() as fresh:
        fresh.message()
    assert client.message().status == 502
    assert openai.untouched()


def test_what_a_model_may_have_begun_on_is_not_repeated(worker: Worker, openai: Provider, warm: tuple[Wire, Wire]):
    """A POST that was written: nobody knows whether the provider took it."""
    client, provider = warm
    client.send(worker.chat())
    provider.message()
    provider.close()
    assert client.message().status == 502
    assert openai.untouched()


@pytest.mark.hasty
def test_a_silent_provider_is_not_asked_again(worker: Worker, openai: Provider, warm: tuple[Wire, Wire]):
    client, provider = warm
    ask_models(worker, client)
    provider.message()
    assert client.message().status == 504
    assert openai.untouched()


@pytest.mark.parametrize("said", ["refused", "goaway", "goaway_in_order"])
def test_a_call_that_an_http2_provider_did_not_begin_on(worker: Worker, anthropic: Provider, said: str):
    context = worker.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with worker.connect("api.anthropic.com:443") as wire, wire.tls(context, "api.anthropic.com") as inner:
        client = Http2(inner)
        stream = client.open(HEAD, BODY)
        first = Http2(anthropic.accept(), client=False)
        theirs = received(first)
        match said:
            case "refused":
                first.connection.reset_stream(theirs, 7)
                first.flush()
            case "goaway":
                first.connection.close_connection(1, last_stream_id=0)
                first.flush()
            case _:
                first.wire.send(b"\0\0\x08\x07\0" + bytes(4) + bytes(4) + bytes(4))  # NO_ERROR, and no stream was begun on
        second = Http2(anthropic.accept(), client=False)
        theirs = received(second)
        begin(second, theirs, EVENTS)
        say(second, theirs, START + TEXT + USAGE + STOP, end=True)
        status, fields, body = client.answer(stream)
        assert (status, body) == (200, START + TEXT + USAGE + STOP)
        record = worker.record(fields[b"x-gateway-request-id"].decode())
        assert (record.outcome, record.output_tokens) == ("success", 3)
        eventually(lambda: worker.reserved() == 0, "no reservation is left")
        first.wire.close()
        second.wire.close()


def test_a_client_that_resets_its_stream_takes_it_from_the_provider(worker: Worker, anthropic: Provider):
    """The other streams of the connection go on."""
    context = worker.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with worker.connect("api.anthropic.com:443") as wire, wire.tls(context, "api.anthropic.com") as inner:
        client = Http2(inner)
        left = client.open(HEAD, BODY)
        provider = Http2(anthropic.accept(), client=False)
        theirs = received(provider)
        client.connection.reset_stream(left, 8)
        client.flush()
        provider.wait(h2.events.StreamReset, theirs)
        stays = client.open(HEAD, BODY)
        theirs = received(provider)
        begin(provider, theirs)
        say(provider, theirs, START + TEXT + USAGE + STOP, end=True)
        assert client.answer(stays)[2] == START + TEXT + USAGE + STOP
        provider.wire.close()


async def test_a_connection_that_is_refused_is_tried_once_more(monkeypatch: pytest.MonkeyPatch):
    dialled: list[int] = []
    open_connection = asyncio.open_connection

    async def refuse_once(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        dialled.append(port)
        if len(dialled) == 1:
            raise ConnectionRefusedError
        return await open_connection(host, port)

    monkeypatch.setattr(asyncio, "open_connection", refuse_once)
    provider = Provider()
    _, writer = await dial_by_name("127.0.0.1", provider.port)
    writer.close()
    provider.close()
    assert len(dialled) == 2


def test_the_answer_is_one(worker: Worker, openai: Provider, warm: tuple[Wire, Wire]):
    """After a repeated call the connection serves the next one."""
    client, provider = warm
    ask_models(worker, client)
    provider.message()
    provider.close()
    with openai.accept() as fresh:
        fresh.message()
        fresh.send(answer(MODELS))
        assert client.message().body == MODELS
        client.send(worker.chat())
        fresh.message()
        fresh.send(answer(ANSWER))
        assert client.message().body == ANSWER
