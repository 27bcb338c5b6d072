"""Takes out every credential of the caller and puts in the provider's. Last before sending, so that no other addon sees it.

The provider's key goes on model paths only. On other paths of a provider the request passes as the client sent it, less the
gateway key. Streamed requests leave before their `request` hook, so theirs are swapped in `requestheaders`; those that are signed
are held back for it, as a signature covers the body.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote

from mitmproxy import http

from addons import websocket
from addons.attempt import Failure
from addons.context import Call, call_of
from addons.decoding import CODINGS
from addons.presented_key import KEY_PREFIXES, from_proxy_authorization
from addons.refusal import Refusal, refuse
from addons.services import Services
from addons.upstreams import named_upstreams
from sallyport.providers.base import CredentialError, CredentialUnavailable
from sallyport.providers.signing import Outgoing
from sallyport.secret import Secret
from sallyport.spend.elsewhere import names_kept
from sallyport.vault.key_pool import choose

_OURS = frozenset({"proxy-authorization", "proxy-connection", "langsmith-trace", "baggage"})
"""Headers that are for us or about us, and never reach a provider (with all of `x-gateway-*`)."""


class Credentials:
    def __init__(self, services: Services) -> None:
        self._upstreams = named_upstreams(services.settings)
        self._resting = services.resting

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if call and flow.response is None:
            flow.request.stream = flow.request.stream and not _is_signed(call)
            if flow.request.stream:
                await self._swap(flow, call)

    async def request(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if call and flow.response is None and not flow.request.stream:
            await self._swap(flow, call)

    async def attempt(self, flow: http.HTTPFlow, failure: Failure) -> None:
        call = call_of(flow)
        if call and flow.response is None:
            await self._swap(flow, call)

    async def _swap(self, flow: http.HTTPFlow, call: Call) -> None:
        provider, request = call.provider, flow.request
        if provider is None or call.workspace is None:
            refuse(flow, Refusal(401, "key_missing", "gateway key missing."))  # never send what nobody was identified for
            return
        came = request.headers.fields
        _strip_ours(request, call.presented)
        if call.presented and call.presented in unquote(request.path):
            refuse(flow, Refusal(400, "key_in_path", "the gateway key stands in the path. Send it in a header."))
            return
        if call.operation and not call.record.passthrough:
            name = provider.secret_in(call.workspace.secrets)
            strip_credentials(request, call)
            for header, value in provider.extra_headers.items():
                request.headers[header] = value
            try:
                headers = await self._credential(request, call, name) if name else {}
            except CredentialUnavailable as error:
                refuse(flow, Refusal(502, "credential_unavailable", f"{error}. Try again shortly.", retry_after=1))
                return
            except CredentialError as error:
                refuse(
                    flow,
                    Refusal(400, "secret_unusable", f"{error}. Set it again with `sallyport secrets set {name}`."),
                )
                return
            _put_in(request, came, headers)
            call.credential_headers = frozenset(map(str.lower, (*provider.extra_headers, *headers)))
        if call.opens_socket:
            websocket.keep_readable(request)
        if call.generates and not _readable(request.headers.get("accept-encoding", "")):
            request.headers["accept-encoding"] = "identity"  # the answer is metered as it streams
        call.sent = time.perf_counter()

    async def _credential(self, request: http.Request, call: Call, name: str) -> Mapping[str, str]:
        """Headers of the provider's, for the request as it stands. Raises CredentialError."""
        secret, provider = self._secret(call, name, request.raw_content or b""), call.provider
        if secret is None or provider is None:
            return {}
        token_endpoint = self._upstreams.get(provider.token_service or provider.name)
        if signer := provider.signer(name):
            return await signer.sign(secret, _outgoing(request), token_endpoint)
        return await provider.authorize(secret, token_endpoint)

    def _secret(self, call: Call, name: str, content: bytes) -> Secret | None:
        """Of several keys that of this caller, unless it rests and what is asked for (`content`) isn't kept in its account."""
        if call.workspace is None or call.key is None:
            return None
        call.pool = call.workspace.pools.get(name, ())
        if not call.pool:
            return call.workspace.secrets[name]
        call.pooled_key = choose(call.pool, call.key.id, self._resting, bound=names_kept(content))
        call.record.provider_key = call.pooled_key.label
        return call.pooled_key.secret


def _is_signed(call: Call) -> bool:
    """With our keys."""
    if not (call.provider and call.workspace and call.operation) or call.record.passthrough:
        return False
    name = call.provider.secret_in(call.workspace.secrets)
    return name is not None and call.provider.signer(name) is not None


def _outgoing(request: http.Request) -> Outgoing:
    url = f"{request.scheme}://{request.host_header}{request.path}"
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.fields)
    return Outgoing(request.method, url, headers, request.raw_content or b"")


def _readable(accepted: str) -> bool:
    """Whether an answer in any of these codings can be metered."""
    asked = {entry.partition(";")[0].strip().lower() for entry in accepted.split(",")}
    return asked <= CODINGS | {"identity", ""}


def _strip_ours(request: http.Request, presented: str | None) -> None:
    """Everything that is addressed to the gateway, and the gateway key wherever it stands."""
    websocket.strip_keys(request, lambda key: key.startswith(KEY_PREFIXES) or key == presented)
    kept: list[tuple[bytes, bytes]] = []
    for name, value in request.headers.fields:
        lower = name.decode("latin-1").lower()
        if lower in _OURS or lower.startswith("x-gateway-"):
            continue
        if _holds_key(lower, value.decode("latin-1"), presented):
            continue
        kept.append((name, value))
    request.headers.fields = tuple(kept)
    _filter_query(request, lambda _, value: unquote(value).startswith(KEY_PREFIXES) or _holds_key("", unquote(value), presented))


def _holds_key(name: str, value: str, presented: str | None) -> bool:
    if presented and presented in value:
        return True
    if name == "authorization" and (password := from_proxy_authorization(value)):
        return password.startswith(KEY_PREFIXES)
    return name in ("x-api-key", "x-goog-api-key", "api-key") and value.strip().startswith(KEY_PREFIXES)


def strip_credentials(request: http.Request, call: Call) -> None:
    """Wherever the call's provider looks for them: the caller's own, and after an attempt the provider's."""
    provider = call.provider
    if provider is None:
        return
    places = provider.credential_headers | call.credential_headers
    request.headers.fields = tuple(
        (name, value) for name, value in request.headers.fields if name.decode("latin-1").lower() not in places
    )
    websocket.strip_keys(request, lambda _: True)
    _filter_query(
        request, lambda name, _: (name := unquote(name).lower()) in provider.credential_query or name.startswith("x-amz-")
    )


def _put_in(request: http.Request, came: Sequence[tuple[bytes, bytes]], credential: Mapping[str, str]) -> None:
    """Where the client's own credential of that name stood, and spelled as it was; else at the end."""
    left = {name.lower().encode(): (name.encode(), value.encode()) for name, value in credential.items()}
    kept = deque(request.headers.fields)
    fields: list[tuple[bytes, bytes]] = []
    for field in came:
        if kept and kept[0][0] == field[0]:
            fields.append(kept.popleft())
        elif found := left.pop(field[0].lower(), None):
            fields.append((field[0], found[1]))
    request.headers.fields = (*fields, *kept, *left.values())


def _filter_query(request: http.Request, drop: Callable[[str, str], bool]) -> None:
    path, mark, query = request.path.partition("?")
    if not mark:
        return
    kept = [pair for pair in query.split("&") if not drop(*pair.partition("=")[::2])]
    if len(kept) != query.count("&") + 1:
        request.path = f"{path}?{'&'.join(kept)}" if kept else path
