"""Back-pressure stream by stream where both sides speak HTTP/2: what one side can't pass on, the other is not let send more of.

mitmproxy opens windows of 2 GiB, acknowledges all that comes at once, and buffers without bound what the other side can't take.
Here a stream's window is small, and is not opened again while the other side is full. HTTP/1 has no streams: see `backlog`.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import override

import h2.events
from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import ReceiveHttp
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._http2 import Http2Connection, StreamState

_WINDOW = 1024 * 1024
"""Bytes of a stream that may be on their way to us. Ten times that a second, at 100 ms to the provider."""
_ENOUGH = 16
"""Frames held for one stream, of 16 KiB at most unless the peer asks for more: so many keep it busy."""

_paced: weakref.WeakKeyDictionary[Connection, weakref.ref[PacedHttp2]] = weakref.WeakKeyDictionary()


@dataclass
class Wait(HttpEvent):
    """Sent to the side that a stream's data comes from: the other one is full."""


@dataclass
class Room(HttpEvent):
    """Received from the side that was full, and sent to the one that waits."""

    at: Connection
    """Where there is room."""


def paced(connection: Connection) -> PacedHttp2 | None:
    """The HTTP/2 layer of a connection; None where it speaks HTTP/1."""
    found = _paced.get(connection)
    return found and found()


class PacedHttp2(Http2Connection):
    """`stream_id`s here are those of the client's connection, but where `_ours` is said."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)  # pyright: ignore[reportCallIssue] - the mixed-in side's own
        self.h2_conn.local_settings.initial_window_size = _WINDOW
        self.h2_conn.local_settings.acknowledge()  # else the library sends the settings of before
        self._held: dict[int, int] = {}
        """Our streams that wait → bytes that came and are not acknowledged."""
        self._full: set[int] = set()
        """Streams whose other side was told to wait."""
        _paced[self.conn] = weakref.ref(self)

    def _ours(self, stream_id: int) -> int:
        return stream_id

    def held(self, stream_id: int) -> int:
        """Frames that wait for room in this stream."""
        return len(self.h2_conn.stream_buffers.get(self._ours(stream_id), ()))

    def full(self, stream_id: int) -> bool:
        """Whether no more should come for this stream; a `Room` says when it may again."""
        if self.held(stream_id) <= _ENOUGH:
            return False
        self._full.add(stream_id)
        return True

    @override
    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, Wait):
            if not self.is_closed(ours := self._ours(event.stream_id)):
                self._held.setdefault(ours, 0)
        elif isinstance(event, Room):
            if (ours := self._ours(event.stream_id)) in self._held:
                yield from self._acknowledge(ours)
        else:
            yield from super()._handle_event(event)
            yield from self._settle()

    def _settle(self) -> layer.CommandGenerator[None]:
        for ours in [ours for ours in self._held if self.is_closed(ours)]:
            yield from self._acknowledge(ours)  # the connection's own window counts it
        for stream_id in list(self._full):
            if self.held(stream_id) <= _ENOUGH:
                self._full.discard(stream_id)
                yield ReceiveHttp(Room(stream_id, self.conn))

    @override
    def handle_h2_event(self, event: h2.events.Event) -> layer.CommandGenerator[bool]:
        if not isinstance(event, h2.events.DataReceived) or self.streams.get(event.stream_id) is not StreamState.HEADERS_RECEIVED:
            return (yield from super().handle_h2_event(event))
        if event.data:
            yield ReceiveHttp(self.ReceiveData(event.stream_id, event.data))
        if event.stream_id in self._held:
            self._held[event.stream_id] += event.flow_controlled_length
        else:
            self.h2_conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        return False

    def _acknowledge(self, ours: int) -> layer.CommandGenerator[None]:
        self.h2_conn.acknowledge_received_data(self._held.pop(ours, 0), ours)
        if data := self.h2_conn.data_to_send():
            yield commands.SendData(self.conn, data)
