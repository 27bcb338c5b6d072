"""Which protocol comes next on a connection. Only TLS to a provider is ever opened; decided before any certificate is made."""

from __future__ import annotations

import re
from typing import override

from mitmproxy.addons.next_layer import NeedsMoreData, NextLayer
from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy import commands, events, layer, layers, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer, ServerTLSLayer
from mitmproxy.proxy.layers.http import HTTPMode

from sallyport.providers import provider_for_host
from sallyport.proxy import patience
from sallyport.proxy.http_layer import GatewayHttpLayer
from sallyport.proxy.patience import Phase
from sallyport.proxy.socks5 import GatewaySocks5
from sallyport.settings import Settings
from sallyport.tracing import rejections

_TLS_RECORD = b"\x16\x03"
"""How a TLS handshake begins."""
_MOST_UNDECIDED = 256 * 1024
"""Bytes without an end to a TLS hello or a head. OpenSSL's servers take half of that, so nothing they take passes unread."""


class Refused(layer.Layer):
    """Hangs up: there is no other way to say no to what is neither TLS of a provider's nor HTTP to us."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            rejections.count("not_http")
            yield commands.CloseConnection(self.context.client)


class GatewayNextLayer(NextLayer):
    name = "nextlayer"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @override
    def _next_layer(self, context: Context, data_client: bytes, data_server: bytes) -> layer.Layer | None:
        patience.tell(context.client, Phase.HEAD if data_client else Phase.IDLE)
        chosen = self._choose(context, data_client, data_server)  # raises NeedsMoreData
        patience.tell(context.client, Phase.IDLE)  # until the chosen layer says more
        return chosen

    def _choose(self, context: Context, data_client: bytes, data_server: bytes) -> layer.Layer | None:
        if context.client.transport_protocol == "udp":  # no QUIC: it falls back to TCP
            return layers.DNSLayer(context) if context.server.address and context.server.address[1] == 53 else Refused(context)
        if len(context.layers) == 1 and isinstance(context.layers[0], layers.modes.HttpProxy | layers.modes.HttpUpstreamProxy):
            return self._front(context, data_client)
        if isinstance(context.layers[-1], ClientTLSLayer):  # only providers' TLS is opened
            return GatewayHttpLayer(context, HTTPMode.transparent, self._settings)
        if len(data_client) > _MOST_UNDECIDED:
            return GatewayHttpLayer(context, HTTPMode.transparent, self._settings)  # which refuses it
        if data_client and _TLS_RECORD.startswith(data_client):
            raise NeedsMoreData
        hello = self._get_client_hello(context, data_client)  # raises NeedsMoreData while it is incomplete
        if hello is not None and self._is_provider(context, hello.sni):
            server_tls = ServerTLSLayer(context)
            server_tls.child_layer = ClientTLSLayer(context)
            return server_tls
        if hello is None and self._plain_http_to_provider(context, data_client, data_server):
            return GatewayHttpLayer(context, HTTPMode.transparent, self._settings)
        return layers.TCPLayer(context, ignore=True) if self._may_tunnel(context) else Refused(context)

    def _front(self, context: Context, data_client: bytes) -> layer.Layer:
        """Our own port: proxy requests and base paths, in clear and over TLS."""
        if _TLS_RECORD.startswith(data_client):
            raise NeedsMoreData
        stack = tunnel.LayerStack()
        if starts_like_tls_record(data_client):
            stack /= ClientTLSLayer(context)
        mode = HTTPMode.upstream if isinstance(context.layers[0], layers.modes.HttpUpstreamProxy) else HTTPMode.regular
        stack /= GatewayHttpLayer(context, mode, self._settings)
        return stack[0]

    def _may_tunnel(self, context: Context) -> bool:
        """After a CONNECT, or its like in SOCKS, that was judged already. Of redirected connections by setting."""
        match context.layers[0]:
            case layers.modes.HttpProxy() | layers.modes.HttpUpstreamProxy():
                return True
            case GatewaySocks5() as socks:
                return socks.may_tunnel
            case _:
                return self._settings.tunnel == "allow"

    def _is_provider(self, context: Context, sni: str | None) -> bool:
        address = context.server.address
        return bool((sni and provider_for_host(sni)) or (address and provider_for_host(address[0])))

    def _plain_http_to_provider(self, context: Context, data_client: bytes, data_server: bytes) -> bool:
        """By the destination's name; on a connection that has only an address, as when redirected to us, by the Host header.

        What is said to a provider's name and is neither TLS nor HTTP is not passed on either: nobody was identified for it.
        """
        if self._is_provider(context, None):
            return True
        if context.layers and isinstance(context.layers[0], layers.modes.TransparentProxy | GatewaySocks5):
            host = self._get_host_header(context, data_client, data_server)
            return bool(host and provider_for_host(re.sub(r":\d+$", "", host)))
        return False
