"""One client connection and the upstream connections made for it.

mitmproxy's handler with our hook dispatch, and with upstream connections that are judged, bounded in time, and made to the very
address that was judged.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, override

from mitmproxy.connection import Connection, ConnectionState
from mitmproxy.proxy import commands, events, mode_specs, server_hooks
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.server import ConnectionIO

from addons.settle import NOT_ALLOWED, TIMED_OUT
from sallyport.destinations import Destinations, ForbiddenDestination
from sallyport.providers import provider_for_host
from sallyport.proxy import silence
from sallyport.proxy.backlog import room
from sallyport.proxy.chaining import ProxyChain
from sallyport.proxy.coalescing import CoalescingWriter
from sallyport.proxy.hooks import HookTable
from sallyport.proxy.patience import ClientReader, Phase, phase_of
from sallyport.settings import Settings

if TYPE_CHECKING:
    from mitmproxy.master import Master


@dataclass(frozen=True, slots=True)
class ConnectionParts:
    """What every connection of a worker shares."""

    settings: Settings
    hooks: HookTable
    destinations: Destinations
    fixed: frozenset[tuple[str, int]]
    """Destinations the operator chose (`--upstream`): never judged."""
    chain: ProxyChain | None = None
    """The company's proxy, where there is one."""


class GatewayConnection(ProxyConnectionHandler):
    def __init__(
        self,
        master: Master,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        mode: mode_specs.ProxyMode,
        parts: ConnectionParts,
    ) -> None:
        super().__init__(master, reader, _coalescing(writer), master.options, mode)
        self._parts = parts
        if self.client.transport_protocol == "tcp":
            self.timeout_watchdog.timeout = parts.settings.idle_timeout

    @override
    async def handle_hook(self, hook: commands.StartHook) -> None:
        with self.timeout_watchdog.disarm():
            await self._parts.hooks.run(hook)

    @override
    async def on_timeout(self) -> None:
        """Nothing has passed in either direction for the idle limit."""
        if self._may_be_silent() or any(silence.allowed(connection) for connection in self.transports):
            self.timeout_watchdog.register_activity()
            await self.timeout_watchdog.watch()
        else:
            await super().on_timeout()

    def _may_be_silent(self) -> bool:
        """It is our turn, or the client's in a bounded time."""
        phase, transport = phase_of(self.client), self.transports.get(self.client)
        bounded = transport and isinstance(transport.reader, ClientReader) and not transport.reader.unbounded
        return phase is Phase.BUSY or (phase is not Phase.IDLE and bool(bounded))

    @override
    async def open_connection(self, command: commands.OpenConnection) -> None:
        connection = command.connection
        hook_data = server_hooks.ServerConnectionHookData(client=self.client, server=connection)
        try:
            if not connection.address:
                raise OSError("no destination is known")
            async with self.max_conns[connection.address]:
                reader, writer = await self._dial(*connection.address[:2])
        except (OSError, TimeoutError, ForbiddenDestination, UnicodeError) as error:
            connection.error = _describe(error)
            await self.server_event(events.OpenConnectionCompleted(command, connection.error))
            return
        except asyncio.CancelledError:
            connection.error = "connection cancelled"
            await self.server_event(events.OpenConnectionCompleted(command, connection.error))
            raise
        connection.timestamp_start = connection.timestamp_tcp_setup = time.time()
        connection.state = ConnectionState.OPEN
        connection.peername = writer.get_extra_info("peername")
        connection.sockname = writer.get_extra_info("sockname")
        self.transports[connection] = ConnectionIO(handler=asyncio.current_task(), reader=reader, writer=_coalescing(writer))
        try:
            await self.handle_hook(server_hooks.ServerConnectedHook(hook_data))
            await self.server_event(events.OpenConnectionCompleted(command, None))
            await self.handle_connection(connection)
        finally:
            writer.close()  # closed already, but where a cancellation came before its handling began
            connection.timestamp_end = time.time()
            await self.handle_hook(server_hooks.ServerDisconnectedHook(hook_data))

    async def _dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Providers and the operator's upstreams by name; anything else by an address that has been judged.

        Behind the company's proxy names are resolved by it, so that it judges what they stand for.
        """
        parts = self._parts
        chosen = (host, port) in parts.fixed or provider_for_host(host) is not None
        async with asyncio.timeout(parts.settings.connect_timeout):
            if parts.chain and parts.chain.carries(host):
                return await parts.chain.connect(host if chosen else parts.destinations.unresolved(host, port), port)
            if chosen:
                return await dial_by_name(host, port)
            failure = OSError(f"{host} has no address")
            for address in await parts.destinations.resolve(host, port):
                try:
                    return await asyncio.open_connection(address, port)
                except OSError as error:
                    failure = error
            raise failure

    @override
    async def handle_connection(self, connection: Connection) -> None:
        """A provider that falls silent in the middle of a call is given up; a client, in the middle of a request."""
        transport = self.transports[connection]
        if type(transport.reader) is asyncio.StreamReader:
            settings = self._parts.settings
            transport.reader = (
                ClientReader(transport.reader, self.client, settings)
                if connection is self.client
                else _ProviderReader(transport, connection, settings)
            )
        try:
            await super().handle_connection(connection)
        finally:
            if connection in self.transports:  # cancelled while it waited for its turn: mitmproxy would tell nobody, nor close
                connection.state = ConnectionState.CLOSED
                await self.server_event(events.ConnectionClosed(connection))
                if transport.writer:
                    transport.writer.close()
                self.transports.pop(connection, None)


def _coalescing(writer: asyncio.StreamWriter) -> asyncio.StreamWriter:
    """mitmproxy's own streams (WireGuard, local capture), whatever their declared type, are left as they are."""
    return cast(asyncio.StreamWriter, CoalescingWriter(writer)) if type(writer) is asyncio.StreamWriter else writer


class _ProviderReader(asyncio.StreamReader):
    """Reads with a bound on silence, which what we send breaks too. What ends the connection before its time is left on it."""

    def __init__(self, transport: ConnectionIO, connection: Connection, settings: Settings) -> None:
        self._inner = cast(asyncio.StreamReader, transport.reader)
        self._writer = cast(CoalescingWriter, transport.writer)
        self._connection = connection
        self._settings = settings

    @override
    async def read(self, n: int = -1) -> bytes:
        await room(self._connection)
        silent_since = asyncio.get_running_loop().time()
        while True:
            try:
                async with asyncio.timeout_at(silent_since + self._patience):
                    return await self._inner.read(n)
            except TimeoutError:
                if self._writer.written > silent_since:
                    silent_since = self._writer.written
                elif silence.allowed(self._connection):
                    silent_since = asyncio.get_running_loop().time()
                else:
                    self._connection.error = TIMED_OUT
                    return b""
            except OSError as error:
                self._connection.error = str(error)
                raise

    @property
    def _patience(self) -> float:
        handshaking = self._connection.tls and not self._connection.tls_established
        return self._settings.connect_timeout if handshaking else self._settings.response_timeout


async def dial_by_name(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """All its addresses by turns, and where none can be reached once more at once: nothing was sent."""
    try:
        return await asyncio.open_connection(host, port)
    except OSError:
        return await asyncio.open_connection(host, port)


def _describe(error: BaseException) -> str:
    if isinstance(error, ForbiddenDestination):
        return f"{NOT_ALLOWED}: {error}"
    if isinstance(error, TimeoutError):
        return TIMED_OUT
    return str(error) or type(error).__name__
