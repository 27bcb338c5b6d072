"""What a connection speaks after `101 Switching Protocols`: a WebSocket, and nothing else."""

from __future__ import annotations

from mitmproxy.proxy import commands, events, layer, layers
from mitmproxy.proxy.layers.http import ResponseEndOfMessage, SendHttp

from addons.sockets import open_socket
from sallyport.proxy import silence
from sallyport.proxy.http_tunnel import TunnelStream
from sallyport.proxy.websocket import GatewayWebsocketLayer
from sallyport.settings import Settings


class UpgradeStream(TunnelStream):
    _settings: Settings

    def flow_done(self) -> layer.CommandGenerator[None]:
        if self.flow.response is None or self.flow.response.status_code != 101:
            yield from super().flow_done()
            return
        self.child_layer = self._next_protocol(self.flow.response.headers.get("sec-websocket-extensions", ""))
        if self.child_layer is None:
            self.client_state = self.server_state = self.state_errored
            yield commands.CloseConnection(self.context.server)
            yield commands.CloseConnection(self.context.client)
            return
        self._handle_event = self.passthrough
        yield from self.child_layer.handle_event(events.Start())
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    def _next_protocol(self, extensions: str) -> layer.Layer | None:
        """None for what nobody could read. A WebSocket that no model answers on passes as it is."""
        if not self.flow.websocket:
            return None
        socket = open_socket(self.flow)
        if socket is None:
            silence.allow(self.context.server, lambda: True)
            return layers.TCPLayer(self.context, ignore=True)
        try:
            return GatewayWebsocketLayer(self.context, socket, extensions, self._settings.max_body_bytes)
        except ValueError:
            return None
