"""Fallback chains on the wire: what of a failed attempt reaches whom, what it costs, and what is recorded of it."""

from __future__ import annotations

import pytest

from sallyport.tracing.record import CallRecord
from tests.sallyport.proxy.gateway import ANSWER, CHAT, SECRETS, Worker
from tests.sallyport.proxy.outages import DEAREST, Outages
from tests.sallyport.proxy.wire import Message, answer, chunk, eventually, request

OVERLOADED = b'{"error":{"message":"the first is overloaded","type":"server_error"}}'
STREAM = b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}'
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
HELLO = b'data: {"model":"gpt-4o","choices":[{"delta":{"content":"hello"}}]}\n\n'
USAGE = b'data: {"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}\n\n'
DONE = b"data: [DONE]\n\n"


def attempts(worker: Worker, reply: Message) -> list[CallRecord]:
    """The records of all attempts at a call that was answered so, in order; each names the first."""
    last = worker.record(reply.id)
    assert reply.header("x-gateway-attempts") == (str(last.attempt) if last.attempt > 1 else None)
    found = eventually(lambda: found if len(found := _attempts(worker, last)) == last.attempt else [], f"{last.attempt} records")
    assert [record.attempt for record in found] == list(range(1, last.attempt + 1))
    eventually(lambda: worker.reserved() == 0, "no reservation is left")
    return found


def _attempts(worker: Worker, last: CallRecord) -> list[CallRecord]:
    first = last.attempt_of or last.id
    return sorted((r for r in worker.all_records() if first in (r.id, r.attempt_of)), key=lambda record: record.attempt)


def outcome(record: CallRecord) -> tuple[str | None, str | None, str, int | None, str | None]:
    return record.provider, record.model, record.outcome, record.status, record.reason


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Internal Server Error", "529 Overloaded"])
def test_the_next_model_of_the_same_provider(out: Outages, status: str):
    worker = out.workers["models"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        first = provider.message()
        provider.send(answer(OVERLOADED, "Retry-After: 7", "X-Of: the first", status=status))
        second = provider.message()  # on the same connection: its answer was whole
        provider.send(answer(ANSWER))
        reply = client.message()
        assert (reply.status, reply.body) == (200, ANSWER)
        assert (reply.header("x-of"), reply.header("retry-after")) == (None, None)
        assert reply.header("x-gateway-served-by") == "openai/gpt-4o"
        assert first.body == CHAT
        assert second.json == first.json | {"model": "gpt-4o"}
        of_both = [{name.lower(): value for name, value in got.fields if name != "Content-Length"} for got in (first, second)]
        assert of_both[0] == of_both[1]
    one, two = attempts(worker, reply)
    assert outcome(one) == ("openai", "gpt-4o-mini", "error", int(status[:3]), "provider_error")
    assert outcome(two) == ("openai", "gpt-4o", "success", 200, None)
    assert (one.cost_nano, two.attempt_of) == (0, one.id)
    assert two.cost_nano == 9 * 2500 + 3 * 10_000  # of gpt-4o, at $2.50 and $10 per million
    assert (two.api_key_id, two.workspace_id) == (one.api_key_id, one.workspace_id)


def test_another_provider(out: Outages):
    """It gets its own key, path and host, and nothing of the first one's; a target that is gone is passed over."""
    worker = out.workers["elsewhere"]
    with (
        worker.ask(worker.chat("X-Api-Key: mine", "Api-Key: mine too", "OpenAI-Organization: mine")) as client,
        out["openai"].accept() as provider,
    ):
        provider.message()
        provider.send(answer(OVERLOADED, status="503 Service Unavailable"))
        with out["fireworks"].accept() as other:
            got = other.message()
            other.send(answer(ANSWER))
            reply = client.message()
    assert got.start == "POST /inference/v1/chat/completions HTTP/1.1"
    assert got.header("authorization") == f"Bearer {SECRETS['FIREWORKS_API_KEY']}"
    assert got.header("host") == f"127.0.0.1:{out['fireworks'].port}"
    assert got.json["model"] == DEAREST
    assert SECRETS["OPENAI_API_KEY"] not in str(got)
    assert "mine" not in str(got)
    assert reply.body == ANSWER
    assert reply.header("x-gateway-served-by") == f"fireworks/{DEAREST}"
    one, two, three = attempts(worker, reply)
    assert outcome(one) == ("openai", "gpt-4o-mini", "error", 503, "provider_error")
    assert outcome(two) == ("baseten", "gone", "error", None, "upstream_unreachable")
    assert outcome(three) == ("fireworks", DEAREST, "success", 200, None)
    assert (three.path, three.attempt_of) == ("/inference/v1/chat/completions", one.id)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Ty", b"garbage\r\n\r\n"], ids=["nothing", "half", "garbage"])
def test_a_connection_that_is_lost_before_its_answer(out: Outages, said: bytes):
    worker = out.workers["models"]
    with worker.ask(worker.chat()) as client:
        with out["openai"].accept() as provider:
            provider.message()
            provider.send(said)
        with out["openai"].accept() as provider:
            assert provider.message().json["model"] == "gpt-4o"
            provider.send(answer(ANSWER))
            reply = client.message()
    assert reply.body == ANSWER
    one, two = attempts(worker, reply)
    assert outcome(one) == ("openai", "gpt-4o-mini", "error", None, "upstream_unreachable")
    assert (one.cost_nano, two.outcome) == (0, "success")


def test_an_error_that_does_not_end_is_broken_off(out: Outages):
    """What it still says reaches nobody."""
    worker = out.workers["models"]
    head = b"HTTP/1.1 500 Oh no\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with worker.ask(worker.chat(body=STREAM)) as client, out["openai"].accept() as provider:
        provider.message()
        provider.send(head + chunk(OVERLOADED))
        with out["openai"].accept() as other:
            assert other.message().json["stream_options"] == {"include_usage": True}
            assert provider.closed()
            other.send(SSE + chunk(HELLO))
            assert client.head().status == 200
            assert client.chunk() == HELLO
            other.send(chunk(USAGE + DONE) + b"0\r\n\r\n")
            assert client.chunk() == DONE  # the usage was asked for by the gateway
            assert client.chunk() == b""


def test_a_first_byte_that_is_late(out: Outages):
    """The provider may yet be at work on it: what it would cost is charged, and marked as an estimate."""
    worker = out.workers["hurried"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as late:
        late.message()
        with out["openai"].accept() as provider:
            assert late.closed()
            provider.message()
            provider.send(answer(ANSWER))
            reply = client.message()
    assert reply.body == ANSWER
    one, two = attempts(worker, reply)
    assert outcome(one) == ("openai", "gpt-4o-mini", "error", None, "first_byte_timeout")
    assert (one.estimated, two.estimated) == (True, False)
    assert one.cost_nano > 0


def test_the_last_is_waited_for(out: Outages):
    """And when it fails, its own failure is what the client gets."""
    worker = out.workers["hurried"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as late:
        late.message()
        with out["openai"].accept() as last:
            last.message()
            reply = client.message()
            assert last.closed()
    assert (reply.status, reply.json["error"]["type"]) == (504, "server_error")
    one, two = attempts(worker, reply)
    assert one.reason == "first_byte_timeout"
    assert outcome(two) == ("openai", "gpt-4o", "error", 504, "upstream_timeout")


def test_what_is_in_time_is_not_given_up(out: Outages):
    worker = out.workers["hurried"]
    with worker.ask(worker.chat(body=STREAM)) as client, out["openai"].accept() as provider:
        provider.message()
        provider.send(SSE + chunk(HELLO))
        head = client.head()
        assert client.chunk() == HELLO
        assert client.silent(0.5)
        provider.send(chunk(USAGE + DONE) + b"0\r\n\r\n")
        assert client.chunk() == DONE
    assert [outcome(record)[2] for record in attempts(worker, head)] == ["success"]


def test_the_last_answer_is_the_clients(out: Outages):
    worker = out.workers["models"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        for number in (1, 2, 3):
            assert provider.message().json["model"] == ("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini")[number - 1]
            provider.send(answer(b'{"error":{"message":"%d"}}' % number, f"Retry-After: {number}", status="429 Slow"))
        reply = client.message()
    assert (reply.status, reply.error, reply.header("retry-after")) == (429, "3", "3")
    assert [record.status for record in attempts(worker, reply)] == [429, 429, 429]


@pytest.mark.parametrize("end", ["400 Bad Request", "429 Too Many Requests", "close"])
def test_what_a_chain_does_not_name_passes(out: Outages, end: str):
    worker = out.workers["picky"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        provider.message()
        provider.close() if end == "close" else provider.send(answer(OVERLOADED, status=end))
        reply = client.message()
        assert out["openai"].untouched()
    assert reply.status == (502 if end == "close" else int(end[:3]))
    assert len(attempts(worker, reply)) == 1


def test_what_a_caller_may_not_use_is_passed_over(out: Outages):
    """One target's model is barred, the next one's provider has no secret."""
    worker = out.workers["barred"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        provider.message()
        provider.send(answer(OVERLOADED, status="503 Service Unavailable"))
        assert provider.message().json["model"] == "gpt-4o"
        provider.send(answer(ANSWER))
        reply = client.message()
    assert out["fireworks"].untouched()
    assert [record.model for record in attempts(worker, reply)] == ["gpt-4o-mini", "gpt-4o"]


def test_each_attempt_is_admitted_anew(out: Outages):
    """What the first one used up refuses the second, and nothing more is sent."""
    worker = out.workers["capped"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        provider.message()
        reply = client.message()
        assert provider.closed()
        assert out["openai"].untouched()
    assert reply.status == 402
    assert "capped's" in reply.error
    one, two = attempts(worker, reply)
    assert (one.reason, two.outcome, two.reason, two.cost_nano) == ("first_byte_timeout", "blocked", "spend_limit", 0)


def test_a_call_is_one_request_however_many_attempts_it_takes(out: Outages):
    worker = out.workers["paced"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        provider.message()
        provider.send(answer(OVERLOADED, status="503 Service Unavailable"))
        provider.message()
        provider.send(answer(ANSWER))
        reply = client.message()
        client.send(worker.chat())
        assert (reply.status, client.message().status) == (200, 429)
    assert [policy.name for policy in attempts(worker, reply)[1].matched] == ["paced's"]


def test_an_answer_that_began_is_not_replaced(out: Outages):
    worker = out.workers["models"]
    with worker.ask(worker.chat(body=STREAM)) as client, out["openai"].accept() as provider:
        provider.message()
        provider.send(SSE + chunk(HELLO))
        head = client.head()
        assert client.chunk() == HELLO
        provider.close()
        assert client.closed()
        assert out["openai"].untouched()
    assert [record.reason for record in attempts(worker, head)] == ["upstream_disconnected"]


def test_a_client_that_leaves_between_two_attempts(out: Outages):
    worker = out.workers["models"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        provider.message()
        provider.send(answer(OVERLOADED, status="503 Service Unavailable"))
        provider.message()
        client.close()
        assert provider.closed()
    found = eventually(lambda: found if len(found := worker.all_records()) == 2 else [], "two records")
    assert [(record.outcome, record.reason) for record in found] == [
        ("error", "provider_error"),
        ("aborted", "client_disconnected"),
    ]
    eventually(lambda: worker.reserved() == 0, "no reservation is left")


def test_a_model_that_stands_in_the_path(out: Outages):
    worker = out.workers["models"]
    target = "/gemini/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse"
    contents = b'{"contents":[{"parts":[{"text":"hi"}]}]}'
    with worker.ask(request("POST", target, worker.auth, body=contents)) as client, out["gemini"].accept() as provider:
        provider.message()
        provider.send(answer(b"{}", status="503 Service Unavailable"))
        got = provider.message()
        provider.send(answer(b"{}"))
        assert client.message().header("x-gateway-served-by") == "gemini/gemini-2.5-flash"
    assert got.start == "POST /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse HTTP/1.1"
    assert got.json == {"contents": [{"parts": [{"text": "hi"}]}]}


def test_what_is_no_models_business_passes(out: Outages):
    worker = out.workers["models"]
    with worker.ask(request("GET", "/openai/v1/models", worker.auth)) as client, out["openai"].accept() as provider:
        provider.message()
        provider.send(answer(OVERLOADED, status="503 Service Unavailable"))
        assert client.message().status == 503


def test_a_call_after_another(out: Outages):
    """The client's connection, and the provider's, serve on."""
    worker = out.workers["models"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        for _ in range(3):
            provider.message()
            provider.send(answer(OVERLOADED, status="500 Oh no"))
            provider.message()
            provider.send(answer(ANSWER))
            assert client.message().body == ANSWER
            client.send(worker.chat())
        provider.message()
        provider.send(answer(ANSWER))
        assert client.message().body == ANSWER
