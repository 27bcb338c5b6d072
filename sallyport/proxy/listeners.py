"""Where a worker listens: the one regular port, shared by all workers through SO_REUSEPORT, and further mitmproxy modes."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, override

from mitmproxy import ctx, platform
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy import layer, layers, mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.events import Wakeup
from mitmproxy.proxy.mode_servers import AsyncioServerInstance, ServerInstance, WireGuardServerInstance

from sallyport.proxy import farewell
from sallyport.proxy.connection import ConnectionParts, GatewayConnection
from sallyport.proxy.connection_limits import ConnectionLimits
from sallyport.proxy.socks5 import GatewaySocks5

logger = logging.getLogger(__name__)

_BACKLOG = 1024


class ModeError(Exception):
    """A further mode can't be had; the message names it."""


class Listeners(Proxyserver):
    """mitmproxy's proxy server addon, for its options and its register of connections; the listening is ours."""

    name = "proxyserver"

    def __init__(self, parts: ConnectionParts, *, first_worker: bool) -> None:
        super().__init__()
        self._parts = parts
        self._limits = ConnectionLimits(parts.settings.max_connections_per_address)
        self._first_worker = first_worker
        self._regular = mode_specs.ProxyMode.parse("regular")
        self._server: asyncio.Server | None = None
        self._further: list[ServerInstance[Any]] = []
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails with what kept us from listening."""

    @override
    async def setup_servers(self) -> bool:
        try:
            await self._start_all()
        except Exception as error:  # mitmproxy would log it and go on
            self.started.set_exception(error)
            return False
        self.started.set_result(None)
        return True

    async def _start_all(self) -> None:
        listen = self._parts.settings.listen
        sockets = [_shared_socket(entry) for entry in socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM)[:1]]
        self._server = await asyncio.start_server(self._accept_regular, sock=sockets[0], backlog=_BACKLOG)
        for spec in self._parts.settings.modes:
            await self._start_further(mode_specs.ProxyMode.parse(spec))

    async def _start_further(self, mode: mode_specs.ProxyMode) -> None:
        """TCP modes listen in every worker; those that can't share a port (WireGuard, local capture) only in the first."""
        shared = mode.transport_protocol == "tcp" and not isinstance(mode, mode_specs.LocalMode)
        if not shared and not self._first_worker:
            return
        if isinstance(mode, mode_specs.TransparentMode):
            platform.init_transparent_mode()
        instance: ServerInstance[Any] = ServerInstance.make(mode, self)
        if isinstance(instance, WireGuardServerInstance):  # it would log its client's private key
            instance.client_conf = lambda: "`wireguard` shows what its clients need"

        async def accept(reader: Any, writer: Any = None) -> None:
            await self._accept(reader, writer or reader, mode, instance)

        instance.handle_stream = accept
        if shared and isinstance(instance, AsyncioServerInstance):

            async def listen(host: str, port: int) -> list[asyncio.Server]:
                return [await asyncio.start_server(accept, host, port, reuse_port=True, backlog=_BACKLOG)]

            instance.listen = listen  # pyright: ignore[reportAttributeAccessIssue] - returns fewer kinds of servers
        try:
            await instance.start()
        except Exception as error:
            raise ModeError(f"--mode {mode.full_spec} can't start: {_in_one_line(error)}") from error
        self._further.append(instance)

    async def stop_accepting(self) -> None:
        if self._server:
            self._server.close()
        for instance in self._further:
            await instance.stop()

    async def say_farewell(self) -> None:
        """WebSockets close in form, each once no turn is in flight on it."""
        for connection in list(self.connections.values()):
            if wakeup := farewell.wakeup_of(connection.client):
                await connection.server_event(Wakeup(wakeup))

    def close_connections(self) -> None:
        """Cut what is left: idle keep-alive connections, tunnels, and calls that outlast the drain."""
        for connection in list(self.connections.values()):
            transport = connection.transports.get(connection.client)
            if transport and transport.handler:
                transport.handler.cancel("the gateway is stopping")

    async def _accept_regular(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._accept(reader, writer, self._regular, None)

    async def _accept(self, reader: Any, writer: Any, mode: mode_specs.ProxyMode, instance: ServerInstance[Any] | None) -> None:
        with self._limits.hold(str(writer.get_extra_info("peername", ("",))[0])) as room:
            if room:
                await self._serve(reader, writer, mode, instance)
            else:
                writer.close()

    async def _serve(self, reader: Any, writer: Any, mode: mode_specs.ProxyMode, instance: ServerInstance[Any] | None) -> None:
        handler = GatewayConnection(ctx.master, reader, writer, mode, self._parts)
        context = handler.layer.context
        handler.layer = _top_layer(context, mode, instance)
        if isinstance(mode, mode_specs.TransparentMode):
            original = _original_destination(writer)
            if original is None or original == writer.get_extra_info("sockname")[:2]:  # not redirected: it would call itself
                writer.close()
                return
            context.client.sockname = context.server.address = original
        elif isinstance(mode, mode_specs.WireGuardMode | mode_specs.LocalMode | mode_specs.TunMode):
            context.server.address = writer.get_extra_info("remote_endpoint", context.client.sockname)
        with self.register_connection(context.client.id, handler):
            await handler.handle_client()

    @override
    def server_connect(self, data: Any) -> None:
        """Destinations are judged in `connection`, by address."""


def _in_one_line(error: Exception) -> str:
    """Without what a library in Rust adds for its own developers."""
    return " ".join(str(error).partition("Stack backtrace:")[0].split())


def _top_layer(context: Context, mode: mode_specs.ProxyMode, instance: ServerInstance[Any] | None) -> layer.Layer:
    if isinstance(mode, mode_specs.Socks5Mode):
        return GatewaySocks5(context)
    return instance.make_top_layer(context) if instance else layers.modes.HttpProxy(context)


def _shared_socket(entry: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, address = entry
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    listener.setblocking(False)
    return listener


def _original_destination(writer: asyncio.StreamWriter) -> tuple[str, int] | None:
    try:
        if platform.original_addr is None:
            raise OSError("not supported on this platform")
        return platform.original_addr(writer.get_extra_info("socket"))
    except Exception as error:
        logger.error("transparent mode: no original destination: %s", error)
        return None
