"""Which provider? By host (interception) or by base path (`/openai/…`); everything else is none of our business.

Hosts that are no provider's are tunnelled undecrypted for identified callers, or refused, by setting; where a tunnel may lead is
judged in `destinations`. This addon makes the call context and points the request at the provider; it reads no credentials.
"""

from __future__ import annotations

import posixpath
import re
import time
from urllib.parse import unquote

from mitmproxy import http
from mitmproxy.proxy import mode_specs

from addons import websocket
from addons.context import Call, start_call
from addons.destination import point
from addons.enrolled import peer_address
from addons.form import Form
from addons.multipart import boundary_of
from addons.refusal import Refusal, refuse
from addons.services import Services
from addons.upstreams import named_upstreams
from sallyport.ids import new_id
from sallyport.providers import PROVIDERS, place_in_path, provider_for_host, provider_for_path
from sallyport.providers.base import Operation, Provider, Upstream
from sallyport.tracing.record import CallRecord

ORIGIN_FORM = "sallyport.origin_form"
"""Flow metadata: the request line named no host, so that it was sent to the gateway itself."""

_WAYS_IN: dict[type[mode_specs.ProxyMode], str] = {
    mode_specs.TransparentMode: "transparent",
    mode_specs.WireGuardMode: "wireguard",
    mode_specs.LocalMode: "local",
    mode_specs.ReverseMode: "reverse",
    mode_specs.Socks5Mode: "socks5",
    mode_specs.TunMode: "tun",
}

_KNOWS_ADDRESSES = (
    mode_specs.TransparentMode,
    mode_specs.WireGuardMode,
    mode_specs.LocalMode,
    mode_specs.Socks5Mode,
    mode_specs.TunMode,
)
_PORT = re.compile(r":\d+$")


class Route:
    def __init__(self, services: Services) -> None:
        self._settings = services.settings
        self._services = services
        self._upstreams = named_upstreams(services.settings)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """A tunnel to a host that is no provider's can be switched off."""
        host = flow.request.host
        if provider_for_host(host) is None and self._settings.tunnel == "refuse":
            refuse(
                flow, Refusal(403, "tunnel_refused", f"{host} is no LLM provider's host, and this gateway tunnels to no others")
            )

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        request = flow.request
        origin_form = bool(flow.metadata.pop(ORIGIN_FORM, False))
        host = _intercepted_host(flow)
        provider = provider_for_host(host)
        if provider:
            way_in, path = _way_in(flow, origin_form), request.path
            upstream = provider.upstream(path, host)
        elif origin_form:
            path_alone, query_mark, query = request.path.partition("?")
            match = provider_for_path(path_alone)
            if match is None:
                refuse(flow, _unknown_path(path_alone))
                return
            provider, (place, rest) = match[0], place_in_path(match[1])
            at = provider.host_at(place, rest) if place is not None else None
            if place is not None and at is None:
                refuse(flow, _unknown_place(provider, place))
                return
            way_in, path = "base_url", rest + query_mark + query
            upstream = provider.upstream(rest, at)
        else:
            request.stream = True  # plain HTTP to somewhere else: forwarded as it is, see identify for who may
            request.headers.pop("proxy-connection", None)
            return
        upstream = self._upstreams.get(provider.name, upstream)
        if upstream is None:
            refuse(flow, _nowhere(provider))
            return
        self._start_call(flow, provider, upstream, path, way_in)

    def _start_call(self, flow: http.HTTPFlow, provider: Provider, upstream: Upstream, path: str, way_in: str) -> None:
        request = flow.request
        bare_path = path.partition("?")[0]
        call = Call(
            record=CallRecord(
                id=new_id(),
                started_at=time.time(),
                provider=provider.name,
                way_in=way_in,
                client_ip=str(address) if (address := peer_address(flow.client_conn)) else None,
                user_agent=request.headers.get("user-agent"),
                method=request.method,
                path=bare_path[:2000],
            ),
            snapshot=self._services.snapshot,
            provider=provider,
            operation=_operation(provider, request, bare_path),
            upstream=upstream,
        )
        start_call(flow, call)
        self._services.calls[call.record.id] = call
        if call.operation:
            call.record.operation = call.operation.name
            call.record.model = call.operation.model
        request.method = call.record.method  # in the spelling that was judged
        point(request, upstream, path)
        call.form = self._form(call.operation, request)
        request.stream = not call.held_back  # what no model reads streams through; see credentials
        if problem := websocket.problem(request):
            refuse(flow, Refusal(400, "malformed", f"the WebSocket handshake is malformed: {problem}"))
        elif request.method == "HEAD" and way_in == "base_url" and call.operation is None:
            _answer_probe(flow, call)
        elif call.operation is None and _operation(provider, request, _plain(bare_path)):
            message = f"{bare_path[:200]} is an odd spelling of a model API path; send it as {_plain(bare_path)[:200]}"
            refuse(
                flow, Refusal(404, "path_unknown", message)
            )  # the provider might take it for the same, and nobody looked at it
        elif call.operation is None and (self._settings.unknown_paths == "refuse" or provider.keyless):
            # what takes no credential would do all that is asked of it
            refuse(flow, Refusal(404, "path_unknown", f"{bare_path} is no model API of {provider.name} that this gateway knows"))

    def _form(self, operation: Operation | None, request: http.Request) -> Form | None:
        if operation is None or operation.form is None or request.method != "POST":
            return None
        boundary = boundary_of(request.headers.get("content-type", ""))
        return Form(boundary, operation.form, self._settings.max_body_bytes) if boundary else None


def _operation(provider: Provider, request: http.Request, path: str) -> Operation | None:
    """What is asked for. A path that opens a WebSocket does nothing else, and the others open none."""
    operation = provider.operation(request.method, path)
    upgrade = websocket.is_handshake(request)
    return operation if operation and (operation.socket is not None) == upgrade else None


def _plain(path: str) -> str:
    """Without escapes, empty and dotted segments, parameters and a slash at its end."""
    segments = [segment.partition(";")[0] for segment in unquote(path).split("/")]
    return posixpath.normpath("/" + "/".join(filter(None, segments)))


def _answer_probe(flow: http.HTTPFlow, call: Call) -> None:
    """Claude Code asks without a key whether the gateway is there: `HEAD <base URL>`, in later versions with `/api/hello`."""
    flow.response = http.Response.make(200, b"", {"x-gateway-request-id": call.record.id})


def _unknown_place(provider: Provider, place: str) -> Refusal:
    return Refusal(404, "path_unknown", f"@{place[:100]} in the base path is no region or location of {provider.name}")


def _unknown_path(path: str) -> Refusal:
    known = ", ".join(provider.base_path for provider in PROVIDERS.values())
    return Refusal(404, "path_unknown", f"{path[:200]!r} is no provider's base path; they are {known}")


def _nowhere(provider: Provider) -> Refusal:
    advice = f"start the gateway with --upstream {provider.name}=https://HOST, the base URL of your own"
    return Refusal(404, "upstream_unset", f"this gateway has not been told where its {provider.name} is; {advice}")


def _intercepted_host(flow: http.HTTPFlow) -> str:
    """The host the client means to speak to: by TLS name where its own TLS was opened, else by address or request line.

    Where a connection has only an address, plain HTTP names a provider in its Host header.
    """
    names = [flow.client_conn.sni]
    if isinstance(flow.client_conn.proxy_mode, _KNOWS_ADDRESSES):
        names.append(_PORT.sub("", flow.request.host_header or ""))
    named = next((name for name in names if name and provider_for_host(name)), flow.request.host)
    return named.lower().rstrip(".")


def _way_in(flow: http.HTTPFlow, origin_form: bool) -> str:
    way_in = _WAYS_IN.get(type(flow.client_conn.proxy_mode))
    return way_in or ("base_url" if origin_form else "proxy")
