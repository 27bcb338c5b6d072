"""A governed WebSocket: whole messages go through the addons, and leave as they came unless one of them changed it.

Instead of mitmproxy's layer, which keeps every message for ever, has no bounds, and calls a lost connection a normal end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import wsproto.events
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.websocket import WebsocketConnection
from wsproto import ConnectionState, ConnectionType
from wsproto.frame_protocol import CloseReason

from addons.settle import CLIENT_LEFT
from addons.sockets import Socket, SocketMessage
from sallyport.proxy import farewell, silence
from sallyport.proxy.deflate import BoundedDeflate
from sallyport.proxy.hooks import SocketAnsweredHook, SocketEndHook, SocketMessageHook

_FAREWELL_SECONDS = 5.0
"""How long the other side may take to read our closing and to answer it."""
_LOST = "the provider's connection was lost"
_BROKEN = "the provider broke the WebSocket protocol"
_STOPPING = "the gateway is stopping"

_Close = wsproto.events.CloseConnection


@dataclass(slots=True)
class _Incoming:
    """A message as it comes in, piece by piece."""

    pieces: list[bytes] = field(default_factory=list[bytes])
    frames: list[int] = field(default_factory=list[int])
    """How many pieces there were at the end of each frame."""
    size: int = 0

    def add(self, event: wsproto.events.Message) -> None:
        piece = event.data.encode() if isinstance(event.data, str) else bytes(event.data)
        self.pieces.append(piece)
        self.size += len(piece)
        if event.frame_finished:
            self.frames.append(len(self.pieces))

    def as_frames(self) -> list[bytes]:
        starts = [0, *self.frames[:-1]]
        return [b"".join(self.pieces[start:end]) for start, end in zip(starts, self.frames, strict=True)]


class GatewayWebsocketLayer(layer.Layer):
    def __init__(self, context: Context, socket: Socket, accepted: str, limit: int) -> None:
        """`accepted`: the extensions of the provider's handshake. `limit`: bytes of a message, decompressed.

        Raises ValueError for an extension that can't be read.
        """
        super().__init__(context)
        self._socket = socket
        self._limit = limit
        self._client = WebsocketConnection(ConnectionType.SERVER, _extensions(accepted, limit), conn=context.client)
        self._provider = WebsocketConnection(ConnectionType.CLIENT, _extensions(accepted, limit), conn=context.server)
        self._incoming = {True: _Incoming(), False: _Incoming()}
        """By whether the client sends it."""
        self._stopping = False

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            socket = self._socket  # not `self`, which would keep the connection that it is kept for
            silence.allow(self.context.server, lambda: not socket.turns)
            self._handle_event = self._relay
            yield farewell.wake_at_the_end(self.context.client)

    def _relay(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Wakeup):
            self._stopping = True
            yield from self._leave_if_quiet()
        if not isinstance(event, events.ConnectionEvent):
            return
        from_client = event.connection == self.context.client
        source, target = (self._client, self._provider) if from_client else (self._provider, self._client)
        if not isinstance(event, events.DataReceived):
            source.receive_data(None)
            reason = CLIENT_LEFT if from_client else self.context.server.error or _LOST
            closing = _Close(CloseReason.GOING_AWAY) if from_client else _Close(CloseReason.INTERNAL_ERROR, reason)
            yield from self._end(reason, closing, closing)
            return
        source.receive_data(event.data)
        for heard in source.events():
            if isinstance(heard, wsproto.events.Message):
                yield from self._hear(heard, from_client=from_client)
            elif isinstance(heard, wsproto.events.Ping | wsproto.events.Pong):
                yield target.send2(heard)
            elif isinstance(heard, _Close):
                yield from self._pass_on(heard, from_client=from_client)
            if self._handle_event != self._relay:
                return

    def _hear(self, event: wsproto.events.Message, *, from_client: bool) -> layer.CommandGenerator[None]:
        incoming = self._incoming[from_client]
        incoming.add(event)
        if incoming.size > self._limit:
            too_big = _Close(CloseReason.MESSAGE_TOO_BIG, f"a message is larger than {self._limit} bytes")
            yield from self._end(CLIENT_LEFT if from_client else _LOST, too_big, too_big)
        elif event.message_finished:
            self._incoming[from_client] = _Incoming()
            yield from self._judge(incoming, isinstance(event.data, str), from_client=from_client)

    def _judge(self, incoming: _Incoming, is_text: bool, *, from_client: bool) -> layer.CommandGenerator[None]:
        content = b"".join(incoming.pieces)
        message = SocketMessage(self._socket, content, from_client)
        yield SocketMessageHook(message)
        if not message.refused:
            target = self._provider if from_client else self._client
            for ahead in message.ahead:
                yield from _say(self._client, [ahead], is_text=is_text)
            frames = incoming.as_frames() if message.content == content else [message.content]
            yield from _say(target, frames, is_text=is_text)
        for own in message.to_provider:
            yield from _say(self._provider, [own], is_text=True)
        for own in message.to_client:
            yield from _say(self._client, [own], is_text=True)
        if message.settling:
            yield SocketAnsweredHook(message)
        if message.close:
            code, reason = message.close
            yield from self._end(CLIENT_LEFT, _Close(code, reason), _Close(CloseReason.GOING_AWAY))
        elif self._stopping:
            yield from self._leave_if_quiet()

    def _leave_if_quiet(self) -> layer.CommandGenerator[None]:
        """Turns in flight finish before."""
        if not self._socket.turns:
            yield from self._end(_STOPPING, _Close(CloseReason.GOING_AWAY, _STOPPING), _Close(CloseReason.GOING_AWAY))

    def _pass_on(self, close: _Close, *, from_client: bool) -> layer.CommandGenerator[None]:
        """The closing of one side, or what the library says of a side that broke the protocol."""
        reason = CLIENT_LEFT if from_client else _LOST
        source = self._client if from_client else self._provider
        if source.state is ConnectionState.REMOTE_CLOSING:
            yield from self._end(reason, close, close)
        elif from_client:
            yield from self._end(reason, close, _Close(CloseReason.GOING_AWAY))
        else:
            yield from self._end(reason, _Close(CloseReason.INTERNAL_ERROR, _BROKEN), close)

    def _end(self, reason: str, to_client: _Close, to_provider: _Close) -> layer.CommandGenerator[None]:
        """Say farewell to who is still there, and wait for the answer: closing with bytes unread would take it back."""
        self._handle_event = self._linger
        yield SocketEndHook(self._socket, reason)
        for end, closing in ((self._provider, to_provider), (self._client, to_client)):
            if end.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
                yield end.send2(closing)
            if end.state is ConnectionState.CLOSED:
                yield commands.CloseConnection(end.conn)
        yield commands.RequestWakeup(_FAREWELL_SECONDS)

    def _linger(self, event: events.Event) -> layer.CommandGenerator[None]:
        for end in (self._client, self._provider):
            if isinstance(event, events.Wakeup):
                yield commands.CloseConnection(end.conn)
            elif isinstance(event, events.ConnectionEvent) and event.connection == end.conn:
                yield from _hear_out(end, event)


def _hear_out(end: WebsocketConnection, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
    """Whatever is still said is for nobody; the connection is closed once the other side has answered."""
    if end.state is not ConnectionState.CLOSED:
        end.receive_data(event.data if isinstance(event, events.DataReceived) else None)
        for _ in end.events():
            pass
    if end.state is ConnectionState.CLOSED:
        yield commands.CloseConnection(end.conn)


def _say(end: WebsocketConnection, frames: Iterable[bytes], *, is_text: bool) -> layer.CommandGenerator[None]:
    *first, last = frames
    for frame in first:
        yield end.send2(_event(frame, is_text, finished=False))
    yield end.send2(_event(last, is_text, finished=True))


def _event(data: bytes, is_text: bool, *, finished: bool) -> wsproto.events.Message:
    if is_text:
        return wsproto.events.TextMessage(data.decode(), message_finished=finished)
    return wsproto.events.BytesMessage(data, message_finished=finished)


def _extensions(accepted: str, limit: int) -> list[BoundedDeflate]:
    names = [name.strip() for name in accepted.split(",") if name.strip()]
    if any(name.partition(";")[0].strip() != BoundedDeflate.name for name in names) or len(names) > 1:
        raise ValueError(f"extensions that nobody asked for: {accepted[:100]!r}")
    return [BoundedDeflate(name, limit) for name in names]
