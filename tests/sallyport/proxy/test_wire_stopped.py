"""A strict cap that is used up within a stream: the client is told in form, and the provider is let go."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from policies.spend_cap import NAME
from sallyport.secret import Secret
from sallyport.store.models import Actor
from sallyport.store.opening import open_store
from tests.sallyport.proxy.gateway import SECRETS, Installation, Worker, clean
from tests.sallyport.proxy.http2 import http2_client
from tests.sallyport.proxy.test_wire_streams import DONE, HELLO, SSE, USAGE
from tests.sallyport.proxy.wire import Provider, Wire, answer, chunk

CUT = b'data: {"model":"gpt-4o-mini","choices":[{"index":7,'
LIMIT_NANO = 100_000
"""Of gpt-4o-mini, $0.60 per million: 160 tokens, less what was sent."""
BODY = b'{"model":"gpt-4o-mini","messages":[],"stream":true,"max_tokens":10,"stream_options":{"include_usage":true}}'
WORDS = b'data: {"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"%s"}}],"usage":null}\n\n' % (b"word " * 100)


def make_callers(installation: Installation, *, strict: bool) -> list[str]:
    """Keys of a workspace under a cap: one for each test, since who was refused once is remembered."""
    store, actor = open_store(installation.data.database, installation.data.master_key, {}, create=False), Actor("t", "127.0.0.1")
    workspace = store.create_workspace(actor, {"name": f"capped {strict}"}).id
    store.put_secret(actor, workspace, "OPENAI_API_KEY", Secret(SECRETS["OPENAI_API_KEY"]))
    config = {"window": "monthly", "limit_usd": LIMIT_NANO / 1e9, "strict": strict}
    matchers = [{"key": "workspace_id", "value": workspace}]
    store.create_policy(
        actor, {"name": "Pennies", "policy_type": NAME, "action": "block", "subject_matchers": matchers, "config": config}
    )
    keys = [store.create_key(actor, workspace_id=workspace, name=f"capped {number}").key.reveal() for number in range(9)]
    store.engine.dispose()
    return keys


@pytest.fixture(scope="module")
def callers(installation: Installation, start_worker: Any) -> dict[bool, list[Worker]]:
    keys = {strict: make_callers(installation, strict=strict) for strict in (True, False)}
    worker = start_worker()
    return {strict: [worker.as_caller(key) for key in made] for strict, made in keys.items()}


@pytest.fixture
def strict(callers: dict[bool, list[Worker]]) -> Worker:
    clean(callers[True][0])
    return callers[True].pop()


@pytest.fixture
def lenient(callers: dict[bool, list[Worker]]) -> Worker:
    clean(callers[False][0])
    return callers[False].pop()


def begin(worker: Worker, openai: Provider) -> tuple[Wire, Wire, str]:
    client = worker.ask(worker.chat(body=BODY))
    provider = openai.accept()
    provider.message()
    provider.send(SSE.encode())
    return client, provider, client.head().id


def texts(data: bytes) -> str:
    events = [orjson.loads(event[6:]) for event in data.split(b"\n\n") if event.startswith(b"data: {")]
    return "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])


def test_the_stream_ends_with_the_message_and_the_cost_is_the_cap(strict: Worker, installation: Installation):
    client, provider, call_id = begin(strict, installation.openai)
    with client, provider:
        provider.send(chunk(HELLO))
        assert client.chunk() == HELLO
        for _ in range(3):
            provider.send(chunk(WORDS))
        received = b"".join(iter(client.chunk, b""))
        assert provider.closed()
        client.send(strict.chat())  # the connection is as good as before
        assert client.message().status == 402
    assert received.startswith(WORDS)
    assert received.endswith(b"data: [DONE]\n\n")
    assert b'"usage":{' in received  # it had asked for it
    assert "\n\nrequest blocked by gateway policies: Pennies. The spend limit is used up until 20" in texts(received)
    record = strict.record(call_id)
    assert (record.outcome, record.reason, record.status, record.estimated) == ("blocked", "spend_limit", 200, True)
    assert record.cost_nano == LIMIT_NANO
    assert [policy.name for policy in record.violated] == ["Pennies"]
    assert [fired.action for fired in record.fired] == ["blocked"]
    assert strict.reserved() == 0


def test_an_event_whose_end_has_not_come_is_left_out(strict: Worker, installation: Installation):
    client, provider, call_id = begin(strict, installation.openai)
    with client, provider:
        provider.send(chunk(WORDS + WORDS + CUT))
        received = b"".join(iter(client.chunk, b""))
        assert provider.closed()
    assert received.startswith(WORDS + WORDS)
    assert CUT not in received
    assert "request blocked by gateway policies: Pennies" in texts(received)
    assert strict.record(call_id).outcome == "blocked"


def test_an_answer_that_is_ending_is_let_end(strict: Worker, installation: Installation):
    client, provider, call_id = begin(strict, installation.openai)
    with client, provider:
        last = WORDS.replace(b'"delta"', b'"finish_reason":"stop","delta"')
        provider.send(chunk(WORDS + last))
        provider.send(chunk(USAGE + DONE) + b"0\r\n\r\n")
        assert b"".join(iter(client.chunk, b"")) == WORDS + last + USAGE + DONE
    record = strict.record(call_id)
    assert (record.outcome, record.estimated) == ("success", False)


def test_a_document_is_passed_on_whole(strict: Worker, installation: Installation):
    """It has been made and will be billed."""
    body = b'{"choices":[{"message":{"content":"%s"}}]}' % (b"word " * 1000)
    asked = strict.chat(body=BODY.replace(b'"stream":true,"max', b'"max'))
    with strict.ask(asked) as client, installation.openai.accept() as provider:
        provider.message()
        provider.send(answer(body))
        reply = client.message()
    assert reply.body == body
    assert strict.record(reply.id).outcome == "success"


def test_another_cap_lets_a_running_stream_go_on(lenient: Worker, installation: Installation):
    client, provider, call_id = begin(lenient, installation.openai)
    with client, provider:
        for _ in range(5):
            provider.send(chunk(WORDS))
            assert client.chunk() == WORDS
        assert lenient.ask(lenient.chat()).message().status == 402  # but nothing new begins: its cost is known by now
        provider.send(chunk(USAGE + DONE) + b"0\r\n\r\n")
        assert b"".join(iter(client.chunk, b"")) == USAGE + DONE
    assert lenient.record(call_id).outcome == "success"


def test_over_http2(strict: Worker, installation: Installation):
    fields = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"api.openai.com")]
    with http2_client(strict, "api.openai.com") as client:
        stream = client.open([*fields, (b":path", b"/v1/chat/completions")], BODY)
        with installation.openai.accept() as provider:
            provider.message()
            provider.send(SSE.encode() + chunk(WORDS) + chunk(WORDS))
            status, _, body = client.answer(stream)
            assert provider.closed()
    assert status == 200
    assert body.endswith(b"data: [DONE]\n\n")
    assert "request blocked by gateway policies: Pennies" in texts(body)
