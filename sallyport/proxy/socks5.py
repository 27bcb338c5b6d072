"""SOCKS5 (RFC 1928), with the gateway key as its password (RFC 1929); without one a caller may be known otherwise, or inside.

Credentials are never refused here: no SDK shows why a SOCKS handshake failed. Calls to a provider are judged inside; what leads
elsewhere is judged by whom it is for, and connected before that is said.
"""

from __future__ import annotations

from dataclasses import dataclass

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import modes

from addons.identify import Tunnel
from sallyport.addresses import is_address
from sallyport.providers import provider_for_host
from sallyport.proxy import patience
from sallyport.proxy.patience import Phase
from sallyport.tracing import rejections


@dataclass
class TunnelRequestedHook(commands.StartHook):
    """A client that is not asked for a key in HTTP wants a tunnel to a host that is no provider's."""

    data: Tunnel


class GatewaySocks5(modes.Socks5Proxy):
    may_tunnel = False
    """What is no call to a provider may be passed on."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        patience.tell(context.client, self._phase)

    def _phase(self) -> Phase:
        return Phase.HEAD if self.buf else Phase.IDLE

    def socks_err(self, message: str, reply_code: int | None = None) -> layer.CommandGenerator[None]:
        rejections.count("malformed")
        yield from super().socks_err(message, reply_code)

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.ConnectionClosed):
            self.buf = b""  # mitmproxy would log what is left, and a password may stand there
        yield from super()._handle_event(event)

    def state_greet(self) -> layer.CommandGenerator[None]:
        """Take a password from whoever offers one; mitmproxy asks for one of everybody, or of nobody."""
        offered = self.buf[2 : 2 + self.buf[1]] if len(self.buf) >= 2 else b""
        asks = (
            self.buf[:1] == b"\x05"
            and len(offered) == self.buf[1]
            and modes.SOCKS5_METHOD_USER_PASSWORD_AUTHENTICATION in offered
        )
        if not asks:
            yield from super().state_greet()
            return
        self.buf = self.buf[2 + len(offered) :]
        self.state = self.state_auth
        yield commands.SendData(
            self.context.client, bytes([modes.SOCKS5_VERSION, modes.SOCKS5_METHOD_USER_PASSWORD_AUTHENTICATION])
        )
        yield from self.state()

    state = state_greet

    def finish_start(self) -> layer.CommandGenerator[str | None]:
        """The destination is known, and not yet granted."""
        server = self.context.server
        host = server.address[0] if server.address else ""
        if provider_for_host(host) is None:
            tunnel = Tunnel(self.context.client)
            yield TunnelRequestedHook(tunnel)
            self.may_tunnel = tunnel.allowed
            if tunnel.allowed:
                error = yield commands.OpenConnection(server)
            else:  # an address may still be a provider's, as the name in its TLS will tell
                error = None if is_address(host) else "not allowed"
            if error:
                self._handle_event = self.done  # pyright: ignore[reportAttributeAccessIssue] - as mitmproxy does
                return error
        return (yield from super().finish_start())
