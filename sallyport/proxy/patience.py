"""How long a client is waited for: it has to bring what it has begun (a TLS handshake, a head, a body), or is let go.

Only time that we spend waiting for it counts: an upload that its provider takes slowly is not the client's doing. A connection on
which nothing is begun may be idle (`GatewayConnection.on_timeout`), and one that waits for us may wait.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from enum import Enum
from typing import override

from mitmproxy.connection import Client

from sallyport.proxy.backlog import room
from sallyport.settings import Settings
from sallyport.tracing import rejections

TOO_SLOW = "the client is too slow"
"""The error of a client's connection on which we stopped to wait."""
_PROGRESS = 4096
"""Bytes that begin the time for a body anew."""


class Phase(Enum):
    """What a client's connection is in the middle of."""

    IDLE = "idle"
    HEAD = "head"
    """A handshake or a head has begun, and is not complete."""
    BODY = "body"
    """A request's body is not complete, and no answer is on its way."""
    BUSY = "busy"
    """It is our turn."""


_phases: weakref.WeakKeyDictionary[Client, Phase | weakref.WeakMethod[Callable[[], Phase]]] = weakref.WeakKeyDictionary()


def tell(client: Client, phase: Phase | Callable[[], Phase]) -> None:
    """From now on the client is in the middle of `phase`, or of what this method of a layer says: it reads the protocol."""
    _phases[client] = phase if isinstance(phase, Phase) else weakref.WeakMethod(phase)


def phase_of(client: Client) -> Phase:
    if client.tls and not client.tls_established:
        return Phase.HEAD
    found = _phases.get(client, Phase.IDLE)
    if isinstance(found, Phase):
        return found
    phase = found()
    return phase() if phase else Phase.BUSY


class ClientReader(asyncio.StreamReader):
    """Reads from a client with that bound; what is too slow ends as if the client had ended it, with `TOO_SLOW` as its error."""

    def __init__(self, inner: asyncio.StreamReader, client: Client, settings: Settings) -> None:
        self._inner = inner
        self._client = client
        self._limits = {Phase.HEAD: settings.head_timeout, Phase.BODY: settings.body_timeout}
        self.unbounded = False
        """It waits for as long as it takes."""
        self._phase = Phase.IDLE
        self._left = 0.0
        self._brought = 0

    @override
    async def read(self, n: int = -1) -> bytes:
        await room(self._client)
        while True:
            phase = phase_of(self._client)
            if phase not in self._limits:
                self._phase, self.unbounded = phase, True
                data = await self._inner.read(n)
                self.unbounded = False
                return data
            if phase is not self._phase or (phase is Phase.BODY and self._brought >= _PROGRESS):
                self._phase, self._left, self._brought = phase, self._limits[phase], 0
            try:
                return await self._read_within(n)
            except TimeoutError:
                if phase_of(self._client) is phase:  # else it has become our turn meanwhile
                    return self._give_up()

    async def _read_within(self, n: int) -> bytes:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(self._left):
            data = await self._inner.read(n)
        self._left -= loop.time() - began
        self._brought += len(data)
        return data

    def _give_up(self) -> bytes:
        self._client.error = TOO_SLOW
        if not self._client.tls or self._client.tls_established:  # else counted as a handshake that failed
            rejections.count(f"slow_{self._phase.value}")
        return b""
