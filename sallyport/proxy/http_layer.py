"""mitmproxy's HTTP layer, with our stream and our connections in it."""

from __future__ import annotations

from mitmproxy.proxy import events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import http as mitmproxy_http
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode

from sallyport.proxy.http2_client import GatewayHttp2Client
from sallyport.proxy.http2_server import GatewayHttp2Server
from sallyport.proxy.http_client import GatewayHttp1Client
from sallyport.proxy.http_server import GatewayHttp1Server
from sallyport.proxy.http_stream import GatewayHttpStream
from sallyport.settings import Settings

# HttpClient makes them by these names, once it is known which is spoken; there is no other way in
mitmproxy_http.Http1Client = GatewayHttp1Client
mitmproxy_http.Http2Client = GatewayHttp2Client


class GatewayHttpLayer(HttpLayer):
    def __init__(self, context: Context, mode: HTTPMode, settings: Settings) -> None:
        super().__init__(context, mode)
        self._settings = settings

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            over_http2 = self.context.client.alpn == b"h2"
            server = (
                GatewayHttp2Server(self.context.fork()) if over_http2 else GatewayHttp1Server(self.context.fork(), self._settings)
            )
            self.connections[self.context.client] = server
        yield from super()._handle_event(event)

    def make_stream(self, stream_id: int) -> layer.CommandGenerator[None]:
        self.streams[stream_id] = GatewayHttpStream(self.context.fork(), stream_id, self._settings)
        yield from self.event_to_child(self.streams[stream_id], events.Start())
