"""WebSockets on the wire, frame by frame: what passes, how it ends, and that each turn is a call."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sallyport.tracing.record import CallRecord
from tests.sallyport.proxy.frames import BINARY, CLOSE, DEFLATE, MORE, PING, PONG, TEXT, Frame, Peer, ask, connect, deflate, grant
from tests.sallyport.proxy.gateway import SECRETS, Worker, clean
from tests.sallyport.proxy.wire import Provider, eventually

RESPONSES = "/openai/v1/responses"
CREATE = {"type": "response.create", "model": "gpt-4o-mini", "input": "hi"}
CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-4o-mini"}}
DELTA = {"type": "response.output_text.delta", "delta": "Hello, you"}
USAGE = {"input_tokens": 9, "output_tokens": 3}
COMPLETED = {"type": "response.completed", "response": {"id": "resp_1", "model": "gpt-4o-mini", "usage": USAGE}}


@pytest.fixture
def ends(worker: Worker, openai: Provider) -> Iterator[tuple[Peer, Peer]]:
    client, provider = connect(worker, openai, RESPONSES)
    yield client, provider
    client.wire.close()
    provider.wire.close()


def turns(worker: Worker) -> list[CallRecord]:
    return [record for record in worker.all_records() if record.operation == "responses"]


def the_turn(worker: Worker) -> CallRecord:
    found = eventually(lambda: turns(worker), "the record of a turn")
    assert len(found) == 1
    return found[0]


def take_turn(client: Peer, provider: Peer) -> None:
    said = client.say(CREATE)
    assert provider.content() == said
    for event in (CREATED, DELTA, COMPLETED):
        said = provider.say(event)
        assert client.content() == said


@pytest.mark.parametrize("extension", ["", DEFLATE, f"{DEFLATE}; client_no_context_takeover; server_no_context_takeover"])
def test_every_turn_is_a_call(worker: Worker, openai: Provider, extension: str):
    client, provider = connect(worker, openai, RESPONSES, extension=extension)
    with client.wire, provider.wire:
        for number in (1, 2):
            take_turn(client, provider)
            assert len(turns(worker)) == number  # whoever has seen the end of a turn can see its cost
        assert worker.reserved() == 0
    ids = {record.id for record in worker.all_records()}
    assert len(ids) == 3  # the handshake is one too
    for record in turns(worker):
        assert (record.outcome, record.status, record.model) == ("success", 200, "gpt-4o-mini")
        assert (record.input_tokens, record.output_tokens, record.estimated, record.stream) == (9, 3, False, True)
        assert record.cost_nano == 9 * 150 + 3 * 600
        assert (record.way_in, record.workspace_id) == ("base_url", "default")


def test_the_handshake_carries_our_key_and_none_of_the_callers(worker: Worker, openai: Provider):
    offer = f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{worker.key}, openai-beta.realtime-v1"
    extensions = "Sec-WebSocket-Extensions: x-odd, permessage-deflate; client_max_window_bits"
    with ask(worker, RESPONSES, offer, extensions), openai.accept() as provider:
        asked = grant(provider)
    assert asked.header("authorization") == f"Bearer {SECRETS['OPENAI_API_KEY']}"
    assert asked.header("sec-websocket-protocol") == "realtime, openai-beta.realtime-v1"
    assert asked.header("sec-websocket-extensions") == "permessage-deflate; client_max_window_bits"  # no other can be read
    assert not any(worker.key in value for _, value in asked.fields)


def test_fragments_stay_as_they_came_and_pings_pass_between_them(ends: tuple[Peer, Peer], worker: Worker):
    client, provider = ends
    whole = b'{"type":"response.create","model":"gpt-4o-mini","input":"gr\xc3\xbc\xc3\x9fe"}'
    parts = [whole[:20], whole[20:-7], whole[-7:]]  # between characters; in one, it moves to the end of the character before
    client.send(parts[0], fin=False)
    client.send(b"are you there", PING)
    assert provider.frame() == Frame(PING, b"are you there")
    provider.send(b"are you there", PONG)
    assert client.frame() == Frame(PONG, b"are you there")
    client.send(parts[1], MORE, fin=False)
    client.send(parts[2], MORE)
    got = [provider.frame() for _ in parts]
    assert [frame.payload for frame in got] == parts
    assert [(frame.opcode, frame.fin) for frame in got] == [(TEXT, False), (MORE, False), (MORE, True)]


def test_a_ping_within_a_compressed_message(worker: Worker, openai: Provider):
    client, provider = connect(worker, openai, RESPONSES, extension=DEFLATE)
    with client.wire, provider.wire:
        squeezed = deflate(b'{"type":"response.create","input":"' + b"so long " * 100 + b'"}')
        client.send(squeezed[:10], fin=False, compressed=True)
        client.send(b"", PING)
        client.send(squeezed[10:], MORE)
        assert provider.frame() == Frame(PING, b"")
        assert provider.hear()["input"] == "so long " * 100


def test_a_binary_message_is_read_and_stays_binary(ends: tuple[Peer, Peer]):
    client, provider = ends
    client.send(b'{"type":"response.create","input":"hi"}', BINARY)
    assert provider.frame() == Frame(BINARY, b'{"type":"response.create","input":"hi"}')


@pytest.mark.parametrize("by_client", [True, False])
@pytest.mark.parametrize(("payload", "code"), [(struct.pack("!H", 4001) + b"bye", 4001), (b"", 1005)])
def test_a_closing_is_passed_on_and_answered(ends: tuple[Peer, Peer], by_client: bool, payload: bytes, code: int):
    one, other = ends if by_client else ends[::-1]
    one.send(payload, CLOSE)
    assert other.frame().close == (code, payload[2:].decode())
    assert one.frame().close == (code, payload[2:].decode())
    other.send(payload, CLOSE)
    assert one.wire.closed()
    assert other.wire.closed()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ((b"\xff\xfe", TEXT), 1007),
        ((b'{"type":"' + b"x" * 300_000, TEXT), 1009),
        ((b"hi", 3), 1002),  # no such kind of frame
        ((b"hi", MORE), 1002),
    ],
)
def test_what_breaks_the_protocol_closes_it(ends: tuple[Peer, Peer], worker: Worker, frame: tuple[bytes, int], code: int):
    client, provider = ends
    client.send(*frame)
    assert client.frame().close[0] == code
    assert provider.frame().close[0] in (code, 1001)
    provider.close(1000)
    client.close(1000)
    assert client.wire.closed()


def test_a_small_message_that_becomes_a_huge_one(worker: Worker, openai: Provider):
    client, provider = connect(worker, openai, RESPONSES, extension=DEFLATE)
    with client.wire, provider.wire:
        client.send(deflate(b" " * 50_000_000), compressed=True)
        assert client.frame().close[0] == 1009


def test_a_provider_that_dies_within_a_turn(ends: tuple[Peer, Peer], worker: Worker):
    client, provider = ends
    client.say(CREATE)
    provider.content()
    for event in (CREATED, DELTA):
        provider.say(event)
        client.content()
    provider.wire.close()
    assert client.frame().close == (1011, "the provider's connection was lost")  # never a normal end: clients would ask again
    record = the_turn(worker)
    assert (record.outcome, record.reason, record.estimated) == ("error", "upstream_disconnected", True)
    assert record.output_tokens == 3  # ten characters
    assert record.cost_nano > 0
    assert worker.reserved() == 0


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_leaves_within_a_turn_pays_for_what_was_streamed(ends: tuple[Peer, Peer], worker: Worker, how: str):
    client, provider = ends
    client.say(CREATE)
    provider.content()
    for event in (CREATED, DELTA):
        provider.say(event)
        client.content()
    if how == "close":
        client.close(1000)
    else:
        client.wire.reset()
    assert provider.frame().close[0] in (1000, 1001)
    record = the_turn(worker)
    assert (record.outcome, record.reason, record.estimated, record.output_tokens) == (
        "aborted",
        "client_disconnected",
        True,
        3,
    )
    assert worker.reserved() == 0


@pytest.mark.hasty
def test_a_silent_provider_is_given_up_within_a_turn(ends: tuple[Peer, Peer], worker: Worker):
    client, provider = ends
    client.say(CREATE)
    provider.content()
    assert client.frame().close == (1011, "the provider was silent too long")
    assert the_turn(worker).outcome == "error"


@pytest.mark.hasty
def test_a_quiet_session_lasts(ends: tuple[Peer, Peer], worker: Worker):
    client, provider = ends
    take_turn(client, provider)
    assert client.wire.silent(worker.settings.response_timeout * 1.5)
    take_turn(client, provider)


def test_a_provider_that_refuses_the_handshake_answers_it(worker: Worker, openai: Provider):
    with ask(worker, RESPONSES, worker.auth) as client, openai.accept() as provider:
        provider.head()
        provider.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        reply = client.message()
    assert (reply.status, reply.body) == (403, b"no")
    assert worker.record(reply.id).outcome == "error"


@pytest.mark.parametrize("answer", [b"Upgrade: other", b"Upgrade: websocket\r\nSec-WebSocket-Extensions: x-odd"])
def test_what_nobody_could_read_is_not_passed(worker: Worker, openai: Provider, answer: bytes):
    with ask(worker, RESPONSES, worker.auth) as client, openai.accept() as provider:
        provider.head()
        provider.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n" + answer + b"\r\n\r\n\x81\x02{}")
        assert b"\x81" not in client.rest()


@pytest.mark.parametrize("fields", [("Sec-WebSocket-Version: 8",), ("Upgrade: h2c, websocket",)])
def test_a_handshake_that_is_none(worker: Worker, openai: Provider, fields: tuple[str, ...]):
    with worker.ask(b"GET /openai/v1/responses HTTP/1.1\r\nHost: gateway\r\n") as client:
        lines = ["Connection: Upgrade", "Upgrade: websocket", worker.auth]
        names = {field.partition(":")[0] for field in fields}
        kept = [line for line in lines if line.partition(":")[0] not in names]
        client.send("\r\n".join([*kept, *fields, "", ""]).encode())
        reply = client.message()
    assert (reply.status, "handshake" in reply.error) == (400, True)
    assert openai.untouched()


def test_a_path_that_no_model_answers_on_passes_as_sent(worker: Worker, openai: Provider):
    client = ask(worker, "/openai/v1/of/another/kind", f"X-Gateway-Key: {worker.key}", "Authorization: Bearer own", "X-Y: z")
    with client, openai.accept() as provider:
        asked = grant(provider)
        assert (asked.header("authorization"), asked.header("x-gateway-key")) == ("Bearer own", None)
        assert client.head().status == 101
        client.send(b"\x01\x02 whatever")
        assert provider.exactly(11) == b"\x01\x02 whatever"
        provider.send(b"\x81\x02ok")
        assert client.exactly(4) == b"\x81\x02ok"


@pytest.mark.parametrize(("agent", "status"), [("python", 401), ("codex_exec/0.169.0", 426)])
def test_who_is_refused_is_answered_as_its_client_needs(worker: Worker, openai: Provider, agent: str, status: int):
    with ask(worker, RESPONSES, "Authorization: Bearer sp_nobody", f"User-Agent: {agent}") as client:
        reply = client.message()
    assert (reply.status, "gateway key unknown" in reply.error) == (status, True)
    assert openai.untouched()


def test_a_message_that_is_no_json_is_refused_and_the_next_is_not(ends: tuple[Peer, Peer], worker: Worker):
    client, provider = ends
    client.say(b"hello?")
    told = client.hear()
    assert (told["type"], told["status"], "JSON" in told["error"]["message"]) == ("error", 400, True)
    take_turn(client, provider)


def test_a_key_that_stands_twice_is_sent_as_it_was_read(ends: tuple[Peer, Peer]):
    client, provider = ends
    client.say(b'{"type":"response.create","model":"gpt-4o-mini","input":"a","input":"b"}')
    assert provider.content() == b'{"type":"response.create","model":"gpt-4o-mini","input":"b"}'


def test_the_gateways_own_key_is_taken_out_of_what_is_said(ends: tuple[Peer, Peer], worker: Worker):
    client, provider = ends
    client.say({**CREATE, "input": f"my key is {worker.key}"})
    assert worker.key not in provider.hear()["input"]


Start = Callable[..., Worker]


def test_a_turn_in_flight_finishes_when_the_worker_stops(start_worker: Any):
    worker = start_worker(drain_seconds=10)
    clean(worker)
    client, provider = connect(worker, worker.installation.openai, RESPONSES)
    with client.wire, provider.wire:
        client.say(CREATE)
        provider.content()
        worker.terminate()
        for event in (CREATED, DELTA, COMPLETED):
            provider.say(event)
            assert client.hear() == event
        assert client.frame().close == (1001, "the gateway is stopping")
        client.close(1001)
        assert provider.frame().close[0] == 1001
        provider.close(1001)
        assert worker.wait() == 0
    record = the_turn(worker)
    assert (record.outcome, record.estimated) == ("success", False)


def test_a_quiet_session_is_closed_in_form_when_the_worker_stops(start_worker: Any):
    worker = start_worker(drain_seconds=10)
    clean(worker)
    client, provider = connect(worker, worker.installation.openai, RESPONSES)
    with client.wire, provider.wire:
        worker.terminate()
        for end in (client, provider):
            assert end.frame().close[0] == 1001
            end.close(1001)
            assert end.wire.closed()
        assert worker.wait() == 0
    assert len(worker.all_records()) == 1  # the handshake


def test_unknown_paths_are_refused_where_the_operator_says_so(start_worker: Any):
    worker = start_worker(unknown_paths="refuse")
    with ask(worker, "/openai/v1/of/another/kind", worker.auth) as client:
        assert client.message().status == 404


def test_the_codec_of_the_tests_is_zlibs():
    assert zlib.decompressobj(-15).decompress(deflate(b"hello") + b"\x00\x00\xff\xff") == b"hello"
