"""Request bodies: bounded where a model reads them, streamed where none does, and framed so that both ends agree."""

from __future__ import annotations

import gzip
import threading
from pathlib import Path

import orjson
import pytest

from addons.decoding import Decoding
from tests.sallyport.proxy.gateway import ANSWER, CHAT, SECRETS, Worker
from tests.sallyport.proxy.test_wire_faithful import COMPRESS
from tests.sallyport.proxy.wire import Provider, Wire, answer, chunk, flood, request

CHAT_PATH = "/openai/v1/chat/completions"
FILES = "/openai/v1/files"
LIMIT = 256 * 1024
CHUNKED = "Transfer-Encoding: chunked"


def good_call(client: Wire, worker: Worker, openai: Provider) -> None:
    """On this very connection."""
    client.send(worker.chat())
    with openai.accept() as provider:
        assert provider.message().body == CHAT
        provider.send(answer(ANSWER, "Connection: close"))
        assert client.message().body == ANSWER


def test_too_large_by_its_length_is_refused_before_it_is_sent(worker: Worker, openai: Provider):
    with worker.ask(request("POST", CHAT_PATH, worker.auth, f"Content-Length: {LIMIT + 1}")) as client:
        reply = client.message()
        assert reply.status == 413
        assert str(LIMIT) in reply.error
        client.send(b"x" * (LIMIT + 1))  # a simple client sends it all nevertheless, and goes on with its next call
        good_call(client, worker, openai)
    assert worker.record(reply.id).reason == "too_large"


def test_a_client_that_reads_only_after_it_has_sent_all(worker: Worker, openai: Provider):
    size = 20 * 1024 * 1024
    with worker.ask(request("POST", CHAT_PATH, worker.auth, f"Content-Length: {size}")) as client:
        client.send(b"x" * size)
        assert client.message().status == 413
        good_call(client, worker, openai)


def test_too_large_by_growing(worker: Worker, openai: Provider):
    with worker.ask(request("POST", CHAT_PATH, worker.auth, CHUNKED)) as client:
        for _ in range(LIMIT // 65536 + 2):
            client.send(chunk(b"x" * 65536))
        client.send(b"0\r\n\r\n")
        assert client.message().status == 413
        good_call(client, worker, openai)


def test_as_large_as_is_allowed(worker: Worker, openai: Provider):
    body = CHAT[:-1] + b" " * (LIMIT - len(CHAT)) + b"}"
    with worker.ask(worker.chat(body=body)) as client, openai.accept() as provider:
        assert provider.message().json == orjson.loads(body)
        provider.send(answer(ANSWER))
        assert client.message().status == 200


def test_a_continue_is_given_before_the_body(worker: Worker, openai: Provider):
    with worker.ask(request("POST", CHAT_PATH, worker.auth, "Expect: 100-continue", f"Content-Length: {len(CHAT)}")) as client:
        assert client.head().status == 100
        client.send(CHAT)
        with openai.accept() as provider:
            got = provider.message()
            assert got.body == CHAT
            assert got.header("expect") is None
            provider.send(answer(ANSWER))
        assert client.message().status == 200


@pytest.mark.parametrize("field", [f"Content-Length: {LIMIT + 1}", "Authorization: Bearer sp_unknown"])
def test_no_continue_for_what_is_refused(worker: Worker, openai: Provider, field: str):
    head = f"POST {CHAT_PATH} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{field}\r\n"
    head += worker.auth if field.startswith("Content") else f"Content-Length: {len(CHAT)}"
    with worker.ask(f"{head}\r\n\r\n".encode()) as client:
        reply = client.message()
        assert reply.status in (401, 413)
        assert reply.header("connection") == "close"
        assert client.closed()
    assert openai.untouched()


@pytest.mark.parametrize("path", [CHAT_PATH, FILES])
def test_a_chunked_request_arrives_whole(worker: Worker, openai: Provider, path: str):
    with worker.ask(request("POST", path, worker.auth, CHUNKED) + chunk(CHAT[:10]) + chunk(CHAT[10:]) + b"0\r\n\r\n") as client:
        with openai.accept() as provider:
            got = provider.message()
            assert got.body == CHAT
            assert (got.header("transfer-encoding") is None) != (got.header("content-length") is None)
            provider.send(answer(ANSWER))
            assert provider.silent()
        assert client.message().status == 200


def test_a_changed_chunked_request_arrives_whole(worker: Worker, openai: Provider):
    """A stream of OpenAI's is asked for its usage: the body that leaves is not the one that came."""
    body = CHAT[:-1] + b',"stream":true}'
    with worker.ask(request("POST", CHAT_PATH, worker.auth, CHUNKED) + chunk(body) + b"0\r\n\r\n") as client:
        with openai.accept() as provider:
            got = provider.message()
            assert got.json == {**orjson.loads(body), "stream_options": {"include_usage": True}}
            assert got.header("transfer-encoding") is None
            provider.send(answer(ANSWER))
            assert provider.silent()
        assert client.message().status == 200


@pytest.mark.parametrize("coding", COMPRESS)
def test_a_compressed_request_leaves_as_it_came(worker: Worker, openai: Provider, coding: str):
    packed = COMPRESS[coding](CHAT)
    with worker.ask(worker.chat(f"Content-Encoding: {coding}", "X-After: 1", body=packed)) as client, openai.accept() as provider:
        got = provider.message()
        assert got.body == packed
        assert [name for name, _ in got.fields][-3:] == ["Content-Encoding", "X-After", "Content-Length"]
        assert got.header("content-encoding") == coding
        provider.send(answer(ANSWER))
        assert client.message().status == 200


@pytest.mark.parametrize("coding", COMPRESS)
def test_a_compressed_request_that_is_changed_leaves_in_the_same_coding(worker: Worker, openai: Provider, coding: str):
    """A stream of OpenAI's is asked for its usage, and the gateway's key is taken out."""
    body = CHAT[:-1] + b',"stream":true,"user":"%s"}' % worker.key.encode()
    chat = worker.chat(f"Content-Encoding: {coding}", body=COMPRESS[coding](body))
    with worker.ask(chat) as client, openai.accept() as provider:
        got = provider.message()
        assert got.header("content-encoding") == coding
        plain = b"".join(Decoding(coding).feed(got.body))
        assert orjson.loads(plain)["stream_options"] == {"include_usage": True}
        assert worker.key.encode() not in plain
        provider.send(answer(ANSWER))
        assert client.message().status == 200


@pytest.mark.parametrize("coding", COMPRESS)
def test_what_stands_behind_a_compressed_body_is_read_or_refused(worker: Worker, openai: Provider, coding: str):
    """Nothing leaves that one reader sees and another does not."""
    hidden = COMPRESS[coding](b'{"model":"hidden"}')
    with worker.ask(worker.chat(f"Content-Encoding: {coding}", body=COMPRESS[coding](CHAT) + hidden)) as client:
        assert client.message().status in (400, 415)
    assert openai.untouched()


def test_a_small_body_that_unpacks_to_a_huge_one(worker: Worker, openai: Provider):
    with worker.ask(worker.chat("Content-Encoding: gzip", body=gzip.compress(b" " * 50_000_000))) as client:
        assert client.message().status == 413
    assert openai.untouched()


def test_a_good_call_after_a_refused_one(worker: Worker, openai: Provider):
    with worker.ask(request("POST", CHAT_PATH, "Authorization: Bearer sp_unknown", body=CHAT)) as client:
        assert client.message().status == 401
        client.send(worker.chat(body=b"no json"))
        assert client.message().status == 400
        client.send(request("GET", "/nowhere", worker.auth))
        assert client.message().status == 404
        good_call(client, worker, openai)


def test_a_pipelined_request_waits_for_its_turn(worker: Worker, openai: Provider):
    second = CHAT.replace(b"hi", b"second")
    with worker.ask(worker.chat() + worker.chat(body=second)) as client, openai.accept() as provider:
        assert provider.message().body == CHAT
        assert provider.silent()
        provider.send(answer(ANSWER))
        assert provider.message().body == second
        provider.send(answer(b"{}"))
        assert [client.message().body, client.message().body] == [ANSWER, b"{}"]


def test_too_much_sent_ahead(worker: Worker, openai: Provider):
    """Who floods the gateway while it waits for a provider is cut off."""
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        with pytest.raises(ConnectionError):
            flood(client, b"x" * 60_000_000)
        assert provider.closed()


def test_a_client_that_leaves_in_the_middle_of_its_body(worker: Worker, openai: Provider):
    before = len(worker.all_records())
    with worker.ask(request("POST", CHAT_PATH, worker.auth, "Content-Length: 1000") + b"{"):
        pass
    assert worker.last_record(before).outcome == "aborted"
    assert openai.untouched()


def resident(worker: Worker) -> int:
    """Bytes of memory that the worker has in use."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def test_an_upload_streams_through(worker: Worker, openai: Provider):
    """No model reads a file: it is not held back, however large, and goes with our key."""
    size, piece = 20 * 1024 * 1024, b"x" * 65536
    with worker.ask(request("POST", FILES, worker.auth, f"Content-Length: {size}")) as client:
        client.send(piece)
        with openai.accept() as provider:
            head = provider.head()  # although most of the body has not been sent
            assert head.header("authorization") == f"Bearer {SECRETS['OPENAI_API_KEY']}"
            assert worker.key not in str(head)
            before = resident(worker)
            sender = threading.Thread(target=lambda: [client.send(piece) for _ in range(size // len(piece) - 1)])
            sender.start()
            most = before
            for _ in range(size // len(piece)):
                assert provider.exactly(len(piece)) == piece
                most = max(most, resident(worker))
            sender.join()
            assert most - before < 8 * 1024 * 1024
            provider.send(answer(b'{"id":"file-1"}'))
        reply = client.message()
    assert reply.json == {"id": "file-1"}
    assert worker.record(reply.id).operation == "files"


def test_an_upload_to_a_provider_that_does_not_read(worker: Worker, openai: Provider):
    """The client is held back too: what the gateway holds for it is bounded."""
    size = 50 * 1024 * 1024
    with worker.ask(request("POST", FILES, worker.auth, f"Content-Length: {size}")) as client, openai.accept() as provider:
        sent = flood(client, b"x" * size)
        assert sent < 30 * 1024 * 1024  # the kernel's buffers of both connections, mostly
        provider.reset()


def test_an_answer_before_the_upload_is_over(worker: Worker, openai: Provider):
    """A provider that has seen enough answers and closes: the client gets the whole answer."""
    with worker.ask(request("POST", FILES, worker.auth, CHUNKED) + chunk(b"x" * 1000)) as client, openai.accept() as provider:
        provider.head()
        provider.send(b"HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        reply = client.message()
        assert (reply.status, reply.body) == (413, b"{}")
        assert provider.rest()
        client.send(chunk(b"y" * 100_000) + b"0\r\n\r\n")
        good_call(client, worker, openai)
    assert worker.record(reply.id).status == 413


def test_an_upload_without_length_over_and_over(worker: Worker, openai: Provider):
    uploads = [request("POST", FILES, worker.auth, CHUNKED) + chunk(b"%d" % number) + b"0\r\n\r\n" for number in range(3)]
    with worker.ask(uploads[0]) as client, openai.accept() as provider:
        for number in range(3):
            assert provider.message().body == b"%d" % number
            provider.send(answer(b"{}"))
            assert client.message().status == 200
            client.send(b"".join(uploads[number + 1 : number + 2]))
