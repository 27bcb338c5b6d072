"""What no policy changed arrives as it was sent, byte for byte, both ways; compressed answers are metered all the same."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import orjson
import pytest
import zstandard

from tests.sallyport.proxy.gateway import ANSWER, CHAT, SECRETS, Worker
from tests.sallyport.proxy.test_wire_streams import DONE, HELLO, STREAM, UNASKED, USAGE
from tests.sallyport.proxy.wire import Provider, answer, request

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
SYSTEM = b'[ {"text" : "x-anthropic-billing-header: cc_version=2.1.197;\\u00e9\\/", "type":"text"} ]'
BODY = b'{ "model" : "claude-sonnet-5","max_tokens":1.0e2,"new_field":{"deep":[1.50, null ]},"system":%s,"messages":[' % SYSTEM


def claude(worker: Worker, text: bytes) -> bytes:
    return b'%s{"role":"user","content":"%s"}] }\n' % (BODY, text)


def test_the_order_and_the_case_of_a_requests_headers(worker: Worker, openai: Provider):
    fields = (
        "X-Stainless-Lang: python", "User-Agent: OpenAI/Python 3.54.0", worker.auth, "accept: application/json",
        "X-Multi: one", "x-multi: two", "Anthropic-Beta: a,b , c", "CONTENT-TYPE: application/json",
        "accept-ENCODING: gzip, zstd",
    )  # fmt: skip
    asked = request("POST", "/openai/v1/chat/completions?a=%2f%2F&&b", *fields, body=CHAT)
    with worker.ask(asked) as client, openai.accept() as provider:
        got = provider.message()
        provider.send(answer(ANSWER))
        client.message()
    sent = [field.partition(": ") for field in fields]
    key = f"Bearer {SECRETS['OPENAI_API_KEY']}"
    expected = [(name, key if name == "Authorization" else value) for name, _, value in sent]
    assert got.start == "POST /v1/chat/completions?a=%2f%2F&&b HTTP/1.1"
    assert list(got.fields) == [("Host", f"127.0.0.1:{openai.port}"), *expected, ("Content-Length", str(len(CHAT)))]
    assert got.body == CHAT


def test_the_order_and_the_case_of_an_answers_headers(worker: Worker, openai: Provider):
    fields = (
        "OpenAI-Processing-Ms: 7",
        "Set-Cookie: a=1",
        "x-ratelimit-limit: 5",
        "set-cookie: b=2; Path=/",
        "X-Odd:  two  spaces",
    )
    with worker.ask(worker.chat()) as client, openai.accept() as provider:
        provider.message()
        provider.send(answer(ANSWER, *fields))
        reply = client.message()
    names = [(name, value) for name, value in reply.fields if not name.startswith(("x-gateway", "x-langsmith"))]
    sent = [(name, value.strip()) for name, _, value in (field.partition(":") for field in fields)]
    assert names == [("Content-Type", "application/json"), *sent, ("Content-Length", str(len(ANSWER)))]


@pytest.mark.parametrize("status", ["400 Bad Request", "429 Too Many", "529 Overloaded"])
def test_an_error_as_the_provider_wrote_it(worker: Worker, openai: Provider, status: str):
    body = b' {"error" : {"message":"caf\\u00e9", "code":null }}\r\n'
    with worker.ask(worker.chat(body=STREAM)) as client, openai.accept() as provider:
        provider.message()
        provider.send(answer(body, "Retry-After: 7", status=status))
        reply = client.message()
    assert (reply.start, reply.body, reply.header("retry-after")) == (f"HTTP/1.1 {status}", body, "7")


def test_a_body_of_which_a_key_is_taken_out_stays_as_it_was_beside_it(worker: Worker, openai: Provider):
    """As a guard does it. Claude Code's first system block says what it is: none of its bytes may change."""
    body = claude(worker, b"use \\u00e9 " + worker.key.encode())
    with worker.ask(request("POST", "/openai/v1/responses", worker.auth, body=body)) as client, openai.accept() as provider:
        got = provider.message().body
        provider.send(answer(b"{}"))
        client.message()
    assert got.startswith(BODY)
    assert got.endswith(b'"}] }\n')
    assert SYSTEM in got
    said = orjson.loads(got)["messages"][0]["content"]
    assert said.startswith("use é [SAFE_TO_USE:GATEWAY_KEY_")
    assert worker.key.encode() not in got


def test_asking_for_the_usage_leaves_the_rest_of_the_body_alone(worker: Worker, openai: Provider):
    body = b'{ "model":"gpt-4o-mini", "messages" : [],"temperature":0.70,\n "stream":true }\n'
    with worker.ask(worker.chat(body=body)) as client, openai.accept() as provider:
        got = provider.message()
        provider.send(answer(b"{}"))
        client.message()
    assert got.body == body[:-2] + b',"stream_options":{"include_usage":true}}\n'
    assert got.header("content-length") == str(len(got.body))


@pytest.mark.parametrize("coding", COMPRESS)
@pytest.mark.parametrize("events", [False, True])
def test_a_compressed_answer_is_metered_and_arrives_as_it_was_sent(worker: Worker, openai: Provider, coding: str, events: bool):
    packed = COMPRESS[coding](HELLO + USAGE + DONE if events else ANSWER)
    fields = [f"Content-Encoding: {coding}", *(["Content-Type: text/event-stream"] if events else [])]
    head = answer(packed, *fields).replace(
        b"Content-Type: application/json\r\n", b"" if events else b"Content-Type: text/json\r\n"
    )
    with worker.ask(worker.chat(f"Accept-Encoding: {coding}", body=STREAM)) as client, openai.accept() as provider:
        assert provider.message().header("accept-encoding") == coding
        provider.send(head)
        reply = client.message()
    assert (reply.body, reply.header("content-encoding")) == (packed, coding)
    record = worker.record(reply.id)
    assert (record.outcome, record.input_tokens, record.output_tokens, record.estimated) == ("success", 9, 3, False)


@pytest.mark.parametrize("coding", COMPRESS)
def test_a_compressed_stream_of_which_an_event_is_taken_out_arrives_plain(worker: Worker, openai: Provider, coding: str):
    packed = COMPRESS[coding](HELLO + USAGE + DONE)
    head = answer(packed, f"Content-Encoding: {coding}").replace(b"application/json", b"text/event-stream")
    with worker.ask(worker.chat(f"Accept-Encoding: {coding}", body=UNASKED)) as client, openai.accept() as provider:
        provider.message()
        provider.send(head)
        reply = client.message()
    assert (reply.body, reply.header("content-encoding")) == (HELLO + DONE, None)
    assert worker.record(reply.id).input_tokens == 9


def test_a_coding_that_can_not_be_read_is_not_asked_for(worker: Worker, openai: Provider):
    with worker.ask(worker.chat("Accept-Encoding: gzip, compress")) as client, openai.accept() as provider:
        assert provider.message().header("accept-encoding") == "identity"
        provider.send(answer(ANSWER, "Content-Encoding: compress"))  # sent all the same
        reply = client.message()
    assert reply.body == ANSWER
    assert worker.record(reply.id).estimated
