"""Several keys of one provider secret: a caller keeps its own, and a key that is turned away rests at once."""

from __future__ import annotations

from tests.sallyport.proxy.frames import Peer, ask, grant
from tests.sallyport.proxy.gateway import ANSWER
from tests.sallyport.proxy.outages import LABELS, Outages
from tests.sallyport.proxy.test_wire_fallbacks import attempts, outcome
from tests.sallyport.proxy.test_wire_websockets import take_turn
from tests.sallyport.proxy.wire import Message, Wire, answer, request

FILE = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]}'
LIMITED = b'{"error":{"message":"slow down","type":"rate_limit_error"}}'


def label(got: Message) -> str:
    """Of the key that a request came with."""
    return (got.header("authorization") or "").rpartition("-")[2]


def test_a_caller_keeps_its_key(out: Outages):
    worker = out.workers["pooled"]
    used: list[str] = []
    with worker.dial() as client:
        client.send(worker.chat())
        with out["openai"].accept() as provider:
            for _ in range(3):
                used.append(label(provider.message()))
                provider.send(answer(ANSWER))
                assert client.message().status == 200
                client.send(worker.chat())
            used.append(label(provider.message()))
            provider.send(answer(ANSWER))
            reply = client.message()
    assert used[0] in LABELS
    assert used == used[:1] * 4
    (record,) = attempts(worker, reply)
    assert record.provider_key == used[0]


def test_a_key_that_is_limited_rests(out: Outages):
    """The call goes on with another one, the same to the byte; the next calls begin there. Then the chain is next."""
    worker = out.workers["limited"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        first = provider.message()
        provider.send(answer(LIMITED, "Retry-After: 60", status="429 Too Many Requests"))
        second = provider.message()
        provider.send(answer(ANSWER))
        reply = client.message()
        assert (reply.status, first.body) == (200, second.body)
        assert reply.header("x-gateway-served-by") == "openai/gpt-4o-mini"
        client.send(worker.chat())
        third = provider.message()
        provider.send(answer(LIMITED, status="429 Too Many Requests"))
        fourth = provider.message()
        provider.send(answer(LIMITED, status="429 Too Many Requests"))
        last = provider.message()
        provider.send(answer(ANSWER))
        final = client.message()
    assert label(second) == label(third)
    assert {label(first), label(second), label(fourth)} == set(LABELS)
    assert label(last) in LABELS
    assert [got.json["model"] for got in (first, fourth, last)] == ["gpt-4o-mini", "gpt-4o-mini", "gpt-4o"]
    one, two = attempts(worker, reply)
    assert outcome(one) == ("openai", "gpt-4o-mini", "error", 429, "provider_error")
    assert (one.cost_nano, one.provider_key, two.provider_key) == (0, label(first), label(second))
    assert [record.status for record in attempts(worker, final)] == [429, 429, 200]


def test_keys_that_are_all_refused(out: Outages):
    """Each is tried once, and the provider's last word is the caller's. While all rest, one of them is asked once a call."""
    worker = out.workers["refused"]
    with worker.ask(worker.chat()) as client, out["openai"].accept() as provider:
        used = {label(got) for got in (_refuse(provider, number) for number in range(3))}
        reply = client.message()
        assert (reply.status, reply.error) == (401, "no 2")
        client.send(worker.chat())
        _refuse(provider, 3)
        assert client.message().error == "no 3"
    assert used == set(LABELS)
    assert len(attempts(worker, reply)) == 3


def test_what_one_account_keeps_is_asked_of_no_other(out: Outages):
    """Neither another key's nor another provider's knows the file: they would answer that it is not there."""
    worker = out.workers["bound"]
    with worker.ask(worker.chat(body=FILE)) as client, out["openai"].accept() as provider:
        used: list[str] = []
        for _ in range(2):
            used.append(label(provider.message()))
            provider.send(answer(LIMITED, "Retry-After: 60", status="429 Too Many Requests"))
            assert client.message().status == 429
            client.send(worker.chat(body=FILE))
        used.append(label(provider.message()))
        provider.send(answer(ANSWER))
        assert client.message().status == 200
        client.send(worker.chat())
        other = label(provider.message())
        provider.send(answer(ANSWER))
        assert client.message().status == 200
    assert len(set(used)) == 1
    assert other not in used
    assert out["fireworks"].untouched()


def _refuse(provider: Wire, number: int) -> Message:
    got = provider.message()
    provider.send(answer(b'{"error":{"message":"no %d"}}' % number, status="401 Unauthorized"))
    return got


def test_reading_goes_on_with_another_key_too(out: Outages):
    worker = out.workers["reading"]
    with worker.ask(request("GET", "/openai/v1/models", worker.auth)) as client, out["openai"].accept() as provider:
        first = provider.message()
        provider.send(answer(LIMITED, status="401 Unauthorized"))
        second = provider.message()
        provider.send(answer(b"{}"))
        assert client.message().body == b"{}"
    assert label(first) != label(second)


def test_a_websocket_is_opened_with_another_key(out: Outages):
    """Turned away at the handshake; its turns are calls as ever."""
    worker = out.workers["socket"]
    with ask(worker, "/openai/v1/responses", worker.auth) as client, out["openai"].accept() as provider:
        first = provider.head()
        provider.send(answer(LIMITED, status="429 Too Many Requests"))
        second = grant(provider)
        assert client.head().status == 101
        assert label(first) != label(second)
        take_turn(Peer(client, client=True), Peer(provider, client=False))


def test_keys_are_in_no_record(out: Outages):
    for record in out.workers["pooled"].all_records():
        assert b"sk-" not in record.to_json()
