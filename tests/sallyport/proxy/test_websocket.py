"""The WebSocket layer by itself: whatever the pieces in which bytes come, the messages are the same, and none is kept."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.test import taddons, tflow

from addons.context import Call
from addons.sockets import Socket
from sallyport.providers.wire.openai_responses_socket import OpenAIResponsesSocket
from sallyport.proxy.hooks import SocketEndHook, SocketMessageHook
from sallyport.proxy.websocket import GatewayWebsocketLayer
from sallyport.store.snapshot import Snapshot
from sallyport.tracing.record import CallRecord
from tests.sallyport.proxy.frames import DEFLATE, MORE, PING, TEXT, deflate, encode

LIMIT = 100_000
FORMAT = OpenAIResponsesSocket()


class Driven:
    """A layer whose hooks `judge` answers; keeps what it said and what it sent."""

    def __init__(self, extension: str = "", judge: Callable[[SocketMessageHook], None] = lambda _: None) -> None:
        flow = tflow.tflow()
        self.context = Context(flow.client_conn, Options())
        self.context.server = flow.server_conn
        socket = Socket(Call(CallRecord("id", 0.0), Snapshot()), FORMAT, FORMAT.open("/v1/responses"))
        self.layer = GatewayWebsocketLayer(self.context, socket, extension, LIMIT)
        self.judge = judge
        self.heard: list[bytes] = []
        self.to_client, self.to_provider = bytearray(), bytearray()
        self.ends: list[str] = []
        self._run(events.Start())

    def from_client(self, data: bytes) -> None:
        self._run(events.DataReceived(self.context.client, data))

    def _run(self, event: events.Event) -> None:
        waiting = [event]
        while waiting:
            for command in self.layer.handle_event(waiting.pop(0)):
                if isinstance(command, SocketMessageHook):
                    self.judge(command)
                    self.heard.append(command.message.content)
                    waiting.append(events.HookCompleted(command, None))
                elif isinstance(command, SocketEndHook):
                    self.ends.append(command.reason)
                    waiting.append(events.HookCompleted(command, None))
                elif isinstance(command, commands.SendData):
                    to_client = command.connection is self.context.client
                    (self.to_client if to_client else self.to_provider).extend(command.data)


@pytest.fixture(scope="module", autouse=True)
def _context() -> Iterable[None]:
    with taddons.context():
        yield


def frames_of(message: bytes, cuts: Iterable[int], *, compressed: bool) -> bytes:
    """A message in frames, with a ping between each two."""
    content = deflate(message) if compressed else message
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    pieces = list(pairwise(places)) or [(0, 0)]
    ping = encode(b"?", PING, masked=True)
    encoded: list[bytes] = []
    for start, end in pieces:
        kind, first = MORE if start else TEXT, not start
        encoded.append(encode(content[start:end], kind, fin=end == len(content), masked=True, compressed=compressed and first))
    return ping.join(encoded)


MESSAGES = st.lists(st.text(max_size=60).map(str.encode), min_size=1, max_size=3)
CUTS = st.lists(st.integers(0, 2000), max_size=4)


@pytest.mark.parametrize("compressed", [False, True])
@given(messages=MESSAGES, frame_cuts=CUTS, cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_any_split(messages: list[bytes], frame_cuts: list[int], cuts: list[int], compressed: bool):
    extension = f"{DEFLATE}; client_no_context_takeover" if compressed else ""
    stream = b"".join(frames_of(message, frame_cuts, compressed=compressed) for message in messages)
    driven = Driven(extension)
    for start, end in pairwise(sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})):
        driven.from_client(stream[start:end])
    assert driven.heard == messages
    assert driven.ends == []


@given(garbage=st.binary(max_size=200), cuts=CUTS)
def test_garbage_ends_it_at_worst(garbage: bytes, cuts: list[int]):
    driven = Driven(DEFLATE)
    for start, end in pairwise(sorted({0, len(garbage), *(cut % (len(garbage) + 1) for cut in cuts)})):
        driven.from_client(garbage[start:end])
    assert len(driven.ends) <= 1


def test_a_long_session_keeps_nothing():
    driven = Driven(judge=lambda hook: None)
    message = encode(b'{"type":"input_audio_buffer.append","audio":"' + b"A" * 20_000 + b'"}', masked=True)

    def talk(times: int) -> None:
        for _ in range(times):
            driven.from_client(message)
            driven.heard.clear()
            driven.to_provider.clear()

    talk(5)
    tracemalloc.start()
    talk(50)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 10 * len(message)


def test_a_message_that_an_addon_changes_leaves_changed():
    def shorten(hook: SocketMessageHook) -> None:
        hook.message.content = b"{}"

    driven = Driven(judge=shorten)
    driven.from_client(frames_of(b'{"a": 1}', [3], compressed=False))
    assert driven.to_provider[-2 - 4 - 2 :][:2] == b"\x81\x82"  # one final text frame of two masked bytes


def test_what_is_refused_is_not_passed_on():
    def refuse(hook: SocketMessageHook) -> None:
        hook.message.refused = True
        hook.message.to_client.append(b'{"no":1}')

    driven = Driven(judge=refuse)
    driven.from_client(encode(b'{"a": 1}', masked=True))
    assert driven.to_client == b'\x81\x08{"no":1}'
    assert driven.to_provider == b""
