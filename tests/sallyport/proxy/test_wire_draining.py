"""SIGTERM: what is in flight finishes, nothing new begins, and what does not end is cut and booked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.sallyport.proxy.gateway import ANSWER, Worker, clean
from tests.sallyport.proxy.test_wire_streams import DONE, HELLO, USAGE, begin
from tests.sallyport.proxy.wire import answer, chunk, eventually

Start = Callable[..., Worker]


@pytest.fixture
def ending(start_worker: Start) -> Start:
    """Starts a worker of a test's own."""

    def start(**settings: Any) -> Worker:
        worker = start_worker(**settings)
        clean(worker)
        return worker

    return start


def test_a_stream_in_flight_finishes(ending: Start):
    worker = ending(drain_seconds=60)  # for which the end does not wait
    openai = worker.installation.openai
    idle = worker.dial()
    client, provider, reply = begin(worker, openai)
    with client, provider, idle:
        provider.send(chunk(HELLO))
        assert client.chunk() == HELLO
        worker.terminate()
        eventually(lambda: refuses(worker), "new connections are refused")
        provider.send(chunk(HELLO))
        assert client.chunk() == HELLO
        provider.send(chunk(USAGE + DONE) + b"0\r\n\r\n")
        assert b"".join(iter(client.chunk, b"")) == USAGE + DONE
        assert worker.wait() == 0
    record = worker.record(reply.id)
    assert (record.outcome, record.estimated) == ("success", False)
    assert worker.reserved() == 0


def test_an_endless_stream_is_cut(ending: Start):
    worker = ending(drain_seconds=0.5)
    client, provider, reply = begin(worker, worker.installation.openai)
    with client, provider:
        provider.send(chunk(HELLO))
        assert client.chunk() == HELLO
        worker.terminate()
        assert client.closed()
        assert provider.closed()
        assert worker.wait() == 0
    record = worker.record(reply.id)
    assert (record.outcome, record.estimated) == ("aborted", True)
    assert record.output_tokens >= 3
    assert worker.reserved() == 0


def test_a_call_that_waits_for_its_answer_gets_it(ending: Start):
    """And what is idle, a tunnel or a kept connection, does not hold the gateway up."""
    worker = ending(drain_seconds=10)
    openai = worker.installation.openai
    kept = worker.ask(worker.chat())
    with openai.accept() as provider:
        provider.message()
        provider.send(answer(ANSWER))
        kept.message()
    with kept, worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        worker.terminate()
        eventually(lambda: refuses(worker), "new connections are refused")
        threading.Timer(0.2, lambda: provider.send(answer(ANSWER))).start()
        assert client.message().body == ANSWER
        assert worker.wait() == 0
        assert kept.closed()


def refuses(worker: Worker) -> bool:
    try:
        worker.dial().close()
    except ConnectionRefusedError:
        return True
    return False
