"""Answers as they stream by: nothing is held back, nothing ends cleanly that did not, and what was said is paid for."""

from __future__ import annotations

import pytest

from tests.sallyport.proxy.gateway import ANSWER, CHAT, Worker
from tests.sallyport.proxy.wire import Message, Provider, Wire, answer, chunk, eventually, flood, request

STREAM = CHAT[:-1] + b',"stream":true,"stream_options":{"include_usage":true}}'
UNASKED = CHAT[:-1] + b',"stream":true}'
"""The gateway asks for the usage, and keeps it to itself."""
SSE = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
HELLO = b'data: {"model":"gpt-4o-mini","choices":[{"delta":{"content":"hello there"}}]}\n\n'
USAGE = b'data: {"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}\n\n'
DONE = b"data: [DONE]\n\n"


def begin(worker: Worker, openai: Provider, body: bytes = STREAM, head: str = SSE) -> tuple[Wire, Wire, Message]:
    """Both ends of a stream of which nothing but the head has passed."""
    client = worker.ask(worker.chat(body=body))
    provider = openai.accept()
    provider.message()
    provider.send(head.encode())
    reply = client.head()
    assert reply.status == 200
    return client, provider, reply


def settled(worker: Worker) -> None:
    eventually(lambda: worker.reserved() == 0, "no reservation is left")


def test_each_event_arrives_while_the_provider_is_silent(worker: Worker, openai: Provider):
    client, provider, reply = begin(worker, openai)
    with client, provider:
        for _ in range(3):
            provider.send(chunk(HELLO))
            assert client.chunk() == HELLO
        provider.send(chunk(HELLO[:20]))  # not even an event needs to be whole
        assert client.chunk() == HELLO[:20]
        provider.send(chunk(HELLO[20:]) + chunk(USAGE + DONE) + b"0\r\n\r\n")
        assert client.chunk() == HELLO[20:]
        assert client.chunk() == USAGE + DONE
        assert client.chunk() == b""
        assert worker.reserved() == 0  # whoever has seen the end of a call can see its cost
    record = worker.record(reply.id)
    assert (record.outcome, record.input_tokens, record.output_tokens, record.estimated) == ("success", 9, 3, False)
    assert record.cost_nano > 0


def test_the_last_event_arrives_although_the_provider_stays(worker: Worker, openai: Provider):
    client, provider, reply = begin(worker, openai)
    with client, provider:
        provider.send(chunk(HELLO) + chunk(USAGE + DONE))
        assert client.chunk() + client.chunk() == HELLO + USAGE + DONE
        record = worker.record(reply.id)
        assert (record.outcome, record.estimated) == ("success", False)
        settled(worker)


def test_the_usage_that_nobody_asked_for_is_kept(worker: Worker, openai: Provider):
    client, provider, reply = begin(worker, openai, UNASKED)
    with client, provider:
        provider.send(chunk(HELLO) + chunk(USAGE + DONE) + b"0\r\n\r\n")
        assert b"".join(iter(client.chunk, b"")) == HELLO + DONE
    assert worker.record(reply.id).input_tokens == 9


@pytest.mark.parametrize("end", ["close", "reset", "clean", pytest.param("silence", marks=pytest.mark.hasty), "broken"])
@pytest.mark.parametrize("framing", ["chunks", "connection"])
def test_a_provider_that_breaks_off(worker: Worker, openai: Provider, end: str, framing: str):
    """However it ends, without its last event the client sees a cut: a clean end would make it ask again at once."""
    head = SSE if framing == "chunks" else SSE.replace("Transfer-Encoding: chunked\r\n", "")
    client, provider, reply = begin(worker, openai, head=head)
    with client, provider:
        assert reply.header("transfer-encoding") == "chunked"
        provider.send(chunk(HELLO) if framing == "chunks" else HELLO)
        assert client.chunk() == HELLO
        match end:
            case "reset":
                provider.reset()
            case "clean" if framing == "chunks":
                provider.send(b"0\r\n\r\n")
            case "broken" if framing == "chunks":
                provider.send(b"zz\r\n")
            case "silence":
                pass
            case _:
                provider.close()
        assert client.closed()  # no last chunk
    record = worker.record(reply.id)
    assert (record.outcome, record.status, record.estimated) == ("error", 200, True)
    assert record.reason == "upstream_disconnected"
    assert record.output_tokens >= 3
    assert record.cost_nano > 0
    settled(worker)


@pytest.mark.parametrize("end", ["close", "reset", "half-close"])
def test_a_client_that_hangs_up(worker: Worker, openai: Provider, end: str):
    """The provider is let go at once, and the client pays for what was streamed."""
    client, provider, reply = begin(worker, openai)
    with client, provider:
        provider.send(chunk(HELLO))
        assert client.chunk() == HELLO
        {"close": client.close, "reset": client.reset, "half-close": client.half_close}[end]()
        assert provider.closed()
    record = worker.record(reply.id)
    assert (record.outcome, record.reason, record.estimated) == ("aborted", "client_disconnected", True)
    assert record.output_tokens >= 3
    settled(worker)


def test_a_client_that_hangs_up_before_the_answer(worker: Worker, openai: Provider):
    before = len(worker.all_records())
    with worker.ask(worker.chat(body=STREAM)) as client, openai.accept() as provider:
        provider.message()
        client.close()
        assert provider.closed()
    record = worker.last_record(before)
    assert (record.outcome, record.status, record.reason) == ("aborted", None, "client_disconnected")
    assert record.estimated
    assert record.input_tokens > 0
    settled(worker)


def test_a_slow_reader_holds_the_provider_back(worker: Worker, openai: Provider):
    """The gateway does not read ahead without bound for a client that does not read."""
    client, provider, _ = begin(worker, openai)
    with client, provider:
        event = chunk(b": " + b"x" * 65532)
        sent = flood(provider, event * 1000)
        assert sent < 30 * 1024 * 1024  # the kernel's buffers of both connections, mostly
        for _ in range(sent // len(event)):  # and all of it arrives
            assert client.exactly(len(event))


def test_a_large_answer_arrives_whole(worker: Worker, openai: Provider):
    body = b'{"choices":[{"message":{"content":"' + b"x" * 200_000 + b'"}}],"usage":{"prompt_tokens":9,"completion_tokens":3}}'
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(answer(body)[:100_000])
        reply = client.head()
        for position in range(100_000, len(answer(body)), 10_000):
            provider.send(answer(body)[position : position + 10_000])
        assert client.exactly(len(body)) == body
    assert worker.record(reply.id).output_tokens == 3


def test_interim_answers_are_passed_over(worker: Worker, openai: Provider):
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        provider.send(b"HTTP/1.1 102 Processing\r\n\r\n" + answer(ANSWER))
        reply = client.message()
        assert (reply.status, reply.body) == (200, ANSWER)
        client.send(worker.chat())
        assert provider.message().body == CHAT
        provider.send(answer(ANSWER))
        assert client.message().status == 200


def test_trailers_of_an_answer_are_dropped(worker: Worker, openai: Provider):
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
        provider.send(head + chunk(ANSWER) + b"0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n")
        assert client.message().body == ANSWER
        client.send(worker.chat())
        provider.message()
        provider.send(answer(ANSWER))
        assert client.message().status == 200


def test_an_answer_that_ends_with_its_connection(worker: Worker, openai: Provider):
    """The client gets it in chunks, so that its own connection can stay, and the next call is made on a new one."""
    with worker.ask(worker.chat()) as client:
        with openai.accept() as provider:
            provider.message()
            provider.send(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + ANSWER)
        reply = client.message()
        assert reply.body == ANSWER
        client.send(worker.chat())
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
            assert client.message().status == 200
    assert worker.record(reply.id).output_tokens == 3


def test_an_http_1_0_client(worker: Worker, openai: Provider):
    """It knows no chunks."""
    data = worker.chat(body=UNASKED).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    with worker.ask(data) as client, openai.accept() as provider:
        provider.message()
        provider.send(SSE.replace("Transfer-Encoding: chunked\r\n", "").encode() + HELLO + USAGE + DONE)
        provider.close()
        assert client.head().header("transfer-encoding") is None
        assert client.rest() == HELLO + DONE


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
@pytest.mark.parametrize("field", ["X-A: 1", "Transfer-Encoding: chunked", "Content-Length: 5"])
def test_answers_without_a_body(worker: Worker, openai: Provider, status: str, field: str):
    """Whatever their head says, nothing follows it that the client would take for the next answer."""
    with worker.ask(request("GET", "/openai/v1/models", worker.auth)) as client, openai.accept() as provider:
        for _ in range(2):
            provider.message()
            provider.send(f"HTTP/1.1 {status}\r\n{field}\r\n\r\n".encode())
            assert client.head().status == int(status[:3])
            client.send(request("GET", "/openai/v1/models", worker.auth))
        provider.message()
        provider.send(answer(b"{}"))
        assert client.message().body == b"{}"


@pytest.mark.parametrize("field", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_head_asked_for_alone(worker: Worker, openai: Provider, field: str):
    with worker.ask(request("HEAD", "http://api.openai.com/v1/models", worker.auth)) as client, openai.accept() as provider:
        assert provider.message().start == "HEAD /v1/models HTTP/1.1"
        provider.send(f"HTTP/1.1 200 OK\r\n{field}\r\n\r\n".encode())
        name, _, value = field.partition(": ")
        assert client.head().header(name.lower()) == value
        client.send(request("GET", "/openai/v1/models", worker.auth))
        provider.message()
        provider.send(answer(b"{}"))
        assert client.message().body == b"{}"


def test_nothing_that_comes_unasked_is_taken_for_an_answer(worker: Worker, openai: Provider):
    with worker.ask(worker.chat()) as client:
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER) + answer(b'"poison"'))
            assert client.message().body == ANSWER
            assert provider.closed()
        client.send(worker.chat())
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
            assert client.message().body == ANSWER
