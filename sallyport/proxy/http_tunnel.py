"""CONNECT: a tunnel elsewhere is opened before we say so, and passes bytes and the ends of both directions untouched."""

from __future__ import annotations

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import HttpStream, RequestData, RequestEndOfMessage

from addons.refusal import Refusal, refuse
from addons.settle import NOT_ALLOWED, TIMED_OUT
from sallyport.providers import provider_for_host


class TunnelStream(HttpStream):
    def handle_connect_regular(self) -> layer.CommandGenerator[None]:
        """A tunnel elsewhere is opened before we say so; a provider is dialled only when a call is let through."""
        host = self.flow.request.host
        if not self.flow.response and provider_for_host(host) is None:
            error = yield commands.OpenConnection(self.context.server)
            if error:
                refuse(self.flow, tunnel_refusal(host, str(error)))
        yield from self.handle_connect_finish()

    def passthrough(self, event: events.Event) -> layer.CommandGenerator[None]:
        """In a tunnel each side may end its own direction, and the other goes on; mitmproxy closes both."""
        if self.child_layer is None or (self.flow.response and self.flow.response.status_code == 101):
            yield from super().passthrough(event)
            return
        if isinstance(event, RequestData):
            event = events.DataReceived(self.context.client, event.data)
        elif isinstance(event, RequestEndOfMessage):
            event = events.ConnectionClosed(self.context.client)
        yield from self.child_layer.handle_event(event)


def tunnel_refusal(host: str, error: str) -> Refusal:
    if NOT_ALLOWED in error:
        return Refusal(403, "destination_forbidden", f"{error}. An administrator can allow it with --allow-destination.")
    if TIMED_OUT in error:
        return Refusal(504, "destination_timeout", f"{host} did not answer in time", retry_after=1)
    return Refusal(502, "destination_unreachable", f"{host} could not be reached: {error}", retry_after=1)
