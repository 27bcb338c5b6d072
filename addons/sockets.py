"""An open WebSocket of a caller, and a message that passes on it: what the addons' `socket_message` hooks work on."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from mitmproxy import http

from addons.context import Call, call_of
from addons.restored_events import RestoredEvents
from sallyport.ids import new_id
from sallyport.providers.sockets import Conversation, SocketFormat, Turn
from sallyport.redaction.restore import Restorer
from sallyport.store.snapshot import Snapshot


@dataclass(slots=True, eq=False)
class Socket:
    """One governed connection. Each turn of its conversation is a call; the handshake was one too, and says who calls."""

    handshake: Call
    format: SocketFormat
    conversation: Conversation
    turns: dict[Turn, Call] = field(default_factory=dict[Turn, Call])
    """In flight, oldest first."""
    restorer: Restorer = field(default_factory=Restorer)
    """What the provider's messages get back: values that were taken out of the client's."""
    restored: RestoredEvents[None] | None = None
    draft: Call | None = None
    """The next turn's call: what is said before it (items, instructions) is noted there."""

    def next_call(self, snapshot: Snapshot) -> Call:
        """The call that what comes now belongs to, decided by the snapshot in force now."""
        call = self.draft = self.draft or self._new_call()
        call.snapshot = snapshot
        return call

    def begin(self, turn: Turn, call: Call) -> None:
        self.draft = None
        self.turns[turn] = call
        call.meter = turn
        call.held_tokens = turn.held_tokens
        call.record.started_at, call.started = time.time(), time.perf_counter()
        call.record.model = turn.asked_model and call.without_key(turn.asked_model)

    def _new_call(self) -> Call:
        operation = self.format.turn
        record = self.handshake.record.another(new_id(), time.time(), operation=operation.name, stream=True)
        return self.handshake.another(record, operation=operation)


@dataclass(slots=True, eq=False)
class SocketMessage:
    """One whole message. It passes on as `content` when all addons have seen it, unless it is `refused`."""

    socket: Socket
    content: bytes
    from_client: bool
    call: Call | None = None
    """The call it belongs to."""
    turn: Turn | None = None
    starts: bool = False
    """It is the first message of its turn: the call is judged now."""
    refused: bool = False
    """It is not passed on."""
    ahead: list[bytes] = field(default_factory=list[bytes])
    """What goes to the client before it: the ends of texts that were held back."""
    to_client: list[bytes] = field(default_factory=list[bytes])
    """What the gateway itself says, text."""
    to_provider: list[bytes] = field(default_factory=list[bytes])
    settling: asyncio.Future[None] | None = None
    """The settlement of its call, which may outlast the wait for it."""
    close: tuple[int, str] | None = None
    """End the connection with this code and reason, when all that is to be said is said."""

    @property
    def asks(self) -> bool:
        """A turn is to be let through or refused; what a provider made without being asked can only be paid."""
        return self.starts and not self.refused and self.turn is not None and not self.turn.complete


def open_socket(flow: http.HTTPFlow) -> Socket | None:
    """The socket that this handshake, just granted, opens; None where nobody governs what passes on it."""
    call = call_of(flow)
    protocol = call.operation.socket if call and call.operation else None
    if call is None or protocol is None:
        return None
    prefix = call.upstream.prefix if call.upstream else ""
    return Socket(call, protocol, protocol.open(flow.request.path.removeprefix(prefix)))
