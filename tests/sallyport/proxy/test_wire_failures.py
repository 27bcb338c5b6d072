"""Providers that are gone, silent, impostors or talk nonsense: each a JSON error in the provider's shape, and nothing stuck."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

import pytest

from tests.sallyport.proxy.gateway import ANSWER, CHAT, SECRETS, Installation, Worker, full_port
from tests.sallyport.proxy.wire import Message, Provider, answer, eventually, request

MESSAGES = "/anthropic/v1/messages"
GENERATE = "/gemini/v1beta/models/gemini-2.0-flash:generateContent"
CONTENTS = b'{"contents":[{"parts":[{"text":"hi"}]}]}'


def failed(worker: Worker, reply: Message, status: int, reason: str) -> str:
    """The contract of an answer of ours that is nobody's fault: in shape, numbered, recorded, and it says when to try again."""
    assert reply.status == status
    assert reply.header("content-type") == "application/json"
    assert reply.header("retry-after") == "1"
    record = worker.record(reply.id)
    assert (record.outcome, record.status, record.reason, record.cost_nano) == ("error", status, reason, 0)
    eventually(lambda: worker.reserved() == 0, "no reservation is left")
    return reply.error


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Type: te"])
def test_a_provider_that_goes_without_an_answer(worker: Worker, openai: Provider, end: str, said: bytes):
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(said)
        provider.reset() if end == "reset" else provider.close()
        reply = client.message()
        assert "openai" in failed(worker, reply, 502, "upstream_unreachable")
        assert reply.json["error"].keys() >= {"message", "type", "param", "code"}


def test_a_provider_that_goes_in_the_middle_of_an_upload(worker: Worker, openai: Provider):
    with worker.ask(request("POST", "/openai/v1/files", worker.auth, "Content-Length: 1000") + b"x") as client:
        with openai.accept() as provider:
            provider.head()
            provider.reset()
        failed(worker, client.message(), 502, "upstream_unreachable")
        client.send(b"x" * 999)
        worker.works()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked, x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX A: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 50_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400_000,
        b"\r\n\r\n" * 10,
    ],
    ids=["ssh", "no-status", "no-colon", "two-lengths", "two-framings", "odd-framing", "name", "fields", "line", "blank"],
)
def test_nonsense_from_a_provider(worker: Worker, openai: Provider, nonsense: bytes):
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(nonsense)
        reply = client.message()
    message = failed(worker, reply, 502, "upstream_unreachable")
    assert len(message) < 300


def test_a_folded_answer_is_unfolded(worker: Worker, openai: Provider):
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(answer(ANSWER, "X-Folded: 1\r\n  2"))
        assert client.message().header("x-folded") == "1 2"


@pytest.mark.hasty
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Ty"], ids=["nothing", "half a head"])
def test_a_silent_provider(worker: Worker, openai: Provider, said: bytes):
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(said)
        message = failed(worker, client.message(), 504, "upstream_timeout")
        assert "did not answer in time" in message
        assert provider.closed()
        client.send(worker.chat())  # the next one goes to a new connection
        with openai.accept() as again:
            again.message()
            again.send(answer(ANSWER))
            assert client.message().status == 200


@pytest.mark.hasty
def test_a_connection_that_was_idle_for_long(worker: Worker, openai: Provider):
    """Its end is no failure of the call after it."""
    with worker.ask(worker.chat()) as client:
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
            assert client.message().status == 200
            assert provider.closed()  # by the gateway, after the longest silence
        client.send(worker.chat())
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
            assert client.message().status == 200


@pytest.mark.parametrize("end", ["close", "reset", "said"])
def test_a_connection_that_the_provider_gave_up(worker: Worker, openai: Provider, end: str):
    with worker.ask(worker.chat()) as client:
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER, *(["Connection: close"] if end == "said" else [])))
            reply = client.message()
            assert reply.header("connection") is None  # that is the provider's business
            if end == "reset":
                provider.reset()
            if end == "said":
                assert provider.closed()
        time.sleep(0.05)  # the gateway has heard of it
        client.send(worker.chat())
        with openai.accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
            assert client.message().status == 200


@pytest.mark.hasty
def test_a_slow_upload_is_no_silence(worker: Worker, openai: Provider):
    """While the client sends, the provider may be silent for longer than it may take to answer."""
    with worker.ask(request("POST", "/openai/v1/files", worker.auth, "Content-Length: 6")) as client, openai.accept() as provider:
        provider.head()
        for _ in range(6):
            time.sleep(0.4)
            client.send(b"x")
        assert provider.exactly(6) == b"xxxxxx"
        provider.send(answer(b"{}"))
        assert client.message().status == 200


def test_a_provider_that_refuses_connections_and_comes_back(worker: Worker):
    """A failed connection is not remembered against the provider."""
    dead = int(worker.settings.upstreams["fireworks"].rpartition(":")[2])
    data = request("POST", "/fireworks/inference/v1/chat/completions", worker.auth, body=CHAT)
    with worker.ask(data) as client:
        assert "fireworks" in failed(worker, client.message(), 502, "upstream_unreachable")
        with socket.create_server(("127.0.0.1", dead)) as server:
            client.send(data)
            server.settimeout(5)
            with server.accept()[0] as back:
                assert b"Bearer fw_provider" in back.recv(65536)
                back.sendall(answer(ANSWER))
                assert client.message().status == 200


def test_a_name_that_does_not_resolve(start_worker: Any, installation: Installation):
    upstreams = installation.settings["upstreams"] | {"openai": "https://nowhere.invalid"}
    worker = start_worker(upstreams=upstreams)
    with worker.ask(worker.chat()) as client:
        assert "openai could not be reached" in failed(worker, client.message(), 502, "upstream_unreachable")


@pytest.mark.hasty
def test_a_connection_that_never_comes_about(worker: Worker):
    full = full_port()
    call = request("POST", "/baseten/v1/chat/completions", worker.auth, body=CHAT)
    tunnel = f"CONNECT 127.0.0.1:{full[0].getsockname()[1]} HTTP/1.1\r\nProxy-Authorization: Bearer {worker.key}\r\n\r\n".encode()
    with worker.ask(call) as one, worker.ask(tunnel) as other:
        failed(worker, one.message(), 504, "upstream_timeout")
        assert other.message().status == 504
    for one in full:
        one.close()


@pytest.mark.hasty
def test_a_handshake_that_never_ends(worker: Worker, anthropic: Provider):
    with worker.ask(request("POST", MESSAGES, worker.auth, body=CHAT)) as client, anthropic.accept_raw():
        failed(worker, client.message(), 502, "upstream_unreachable")  # the bound on connecting; that on answering is a 504


def test_a_client_that_leaves_before_the_provider_is_reached(worker: Worker, anthropic: Provider):
    """Nothing was sent: it is recorded, and costs nothing."""
    before = len(worker.all_records())
    with worker.ask(request("POST", MESSAGES, worker.auth, body=CHAT)) as client, anthropic.accept_raw() as provider:
        client.close()
        provider.rest()
    record = worker.last_record(before)
    assert (record.outcome, record.reason, record.cost_nano) == ("aborted", "client_disconnected", 0)
    eventually(lambda: worker.reserved() == 0, "no reservation is left")


def test_a_provider_that_can_not_prove_its_name(worker: Worker):
    gemini = worker.installation.gemini
    with worker.ask(request("POST", GENERATE, worker.auth, body=CONTENTS)) as client:
        with gemini.accept_raw() as provider, pytest.raises((ssl.SSLError, ConnectionError)):
            gemini.handshake(provider).until(b"\r\n")  # not a byte of the request
        message = failed(worker, client.message(), 502, "upstream_unreachable")
    assert "certificate" in message.lower()
    assert SECRETS["GOOGLE_API_KEY"] not in message


def test_anthropics_shape_and_tls(worker: Worker, anthropic: Provider):
    with worker.ask(request("POST", MESSAGES, worker.auth, body=CHAT)) as client, anthropic.accept() as provider:
        got = provider.message()
        assert got.header("x-api-key") == SECRETS["ANTHROPIC_API_KEY"]
        assert got.header("authorization") is None
        provider.close()
        reply = client.message()
    failed(worker, reply, 502, "upstream_unreachable")
    assert reply.json["type"] == "error"
    assert reply.json["error"]["type"]
