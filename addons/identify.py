"""Who calls? A gateway key in any of its places, a client certificate, or an enrolled network or local user.

A key found at CONNECT holds for the connection. Nobody is refused at CONNECT for a provider (no SDK shows that answer); a tunnel
to any other host needs a known caller, and a missing credential is asked for by 407.
"""

from __future__ import annotations

import hashlib
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from mitmproxy import connection, http
from mitmproxy.proxy.layers.modes import Socks5AuthData

from addons.context import Call, call_of
from addons.enrolled import enrolled_key
from addons.gateway_headers import gateway_headers
from addons.langsmith_callers import PREFIX as LANGSMITH_PREFIX
from addons.langsmith_callers import LangSmithCallers
from addons.presented_key import KEY_PREFIX, KEY_PREFIXES, PresentedKey, from_proxy_authorization, from_request
from addons.refusal import Refusal, refuse
from addons.services import Services
from policies.model import Subject
from sallyport.providers import provider_for_host
from sallyport.providers.base import Provider
from sallyport.store.snapshot import Key, Workspace

_CHALLENGE = {"proxy-authenticate": 'Basic realm="Sallyport gateway key"'}
_GET_A_KEY = "Ask your gateway's administrator for a key"


type Judge = Callable[[Key | Refusal], None]


@dataclass(slots=True)
class Tunnel:
    """A way past the providers that a client asks for outside of HTTP, by SOCKS."""

    client: connection.Client
    allowed: bool = False


class Identify:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._connect_keys: weakref.WeakKeyDictionary[connection.Client, str] = weakref.WeakKeyDictionary()

    def http_connect(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        if flow.response:
            return None
        value = flow.request.headers.get("proxy-authorization")
        presented = from_proxy_authorization(value) if value else None
        if presented:
            self._connect_keys[flow.client_conn] = presented
        if provider_for_host(flow.request.host):
            if (
                self._services.settings.challenge_providers
                and presented is None
                and not enrolled_key(self._services.snapshot, flow.client_conn)
            ):
                refuse(flow, Refusal(407, "key_missing", f"gateway key missing. {_GET_A_KEY}.", headers=_CHALLENGE))
            return None
        return self._known(flow, presented, lambda key: _challenge(flow, key))

    def socks5_auth(self, data: Socks5AuthData) -> None:
        """As at CONNECT: kept for the connection, and judged by what is asked for on it."""
        if presented := data.password or data.username:
            self._connect_keys[data.client_conn] = presented
        data.valid = True

    def tunnel_requested(self, data: Tunnel) -> Awaitable[None] | None:
        def allow(key: Key | Refusal) -> None:
            data.allowed = self._services.settings.tunnel == "allow" and isinstance(key, Key)

        return self._of(data.client, self._connect_keys.get(data.client), allow)

    def requestheaders(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        if flow.response:
            return None
        call = call_of(flow)
        connect_key = self._connect_keys.get(flow.client_conn)
        presented = from_request(flow.request, connect_key, call.provider.credential_query if call and call.provider else ())
        return self._known(flow, presented.key if presented else None, lambda key: self._judge(flow, call, presented, key))

    def _judge(
        self, flow: http.HTTPFlow, call: Call | None, presented: PresentedKey | None, key_or_refusal: Key | Refusal
    ) -> None:
        if call is None:  # plain HTTP to somewhere else
            flow.request.headers.pop("proxy-authorization", None)
            _challenge(flow, key_or_refusal)
            return
        call.presented = presented.key if presented else None
        _keep_off_record(call)
        if isinstance(key_or_refusal, Refusal):
            refuse(flow, key_or_refusal)
            return
        self._admit(flow, call, key_or_refusal, separate=presented.separate if presented else True)

    def _admit(self, flow: http.HTTPFlow, call: Call, key: Key, *, separate: bool) -> None:
        record, workspace = call.record, call.snapshot.workspaces.get(key.workspace_id)
        if workspace is None:
            refuse(flow, Refusal(500, "workspace_unusable", "the key's workspace can't be used; the gateway's log says why"))
            return
        call.key, call.workspace = key, workspace
        record.api_key_id, record.user_id = key.id, key.user_id
        record.workspace_id, record.organization_id = workspace.id, workspace.organization_id
        headers = gateway_headers(flow.request.headers.fields)
        if isinstance(headers, Refusal):
            refuse(flow, headers)
            return
        record.headers = {name: call.without_key(value) for name, value in headers.items()}
        call.subject = Subject(workspace.organization_id, workspace.id, key.user_id, key.id, record.headers)
        record.trace_headers = {
            name: call.without_key(flow.request.headers[name])
            for name in ("langsmith-trace", "baggage", "traceparent")
            if name in flow.request.headers
        }
        record.passthrough = separate and workspace.credentials == "passthrough" and _is_vendor_login(flow.request)
        if call.operation and call.provider and not record.passthrough:
            refusal = _without_credential(call.provider, workspace)
            if refusal:
                refuse(flow, refusal)

    def _known(self, flow: http.HTTPFlow, presented: str | None, judge: Judge) -> Awaitable[None] | None:
        return self._of(flow.client_conn, presented, judge, by_place=not _of_a_web_page(flow.request))

    def _of(
        self, client: connection.Client, presented: str | None, judge: Judge, *, by_place: bool = True
    ) -> Awaitable[None] | None:
        """Has `judge` go on with whose key it is; at once, unless LangSmith must be asked.

        `by_place`: who presents no key may be known by where it comes from.
        """
        if presented is not None and presented.startswith(LANGSMITH_PREFIX) and self._services.langsmith:
            return _asked(self._services.langsmith, presented, judge)
        judge(self._own(client, presented, by_place=by_place))
        return None

    def _own(self, client: connection.Client, presented: str | None, *, by_place: bool) -> Key | Refusal:
        snapshot = self._services.snapshot
        if presented is None:
            enrolled = enrolled_key(snapshot, client) if by_place else None
            if enrolled is None:
                places = "X-Gateway-Key, Proxy-Authorization or the provider's own key header"
                return Refusal(401, "key_missing", f"gateway key missing. Send it in {places}. {_GET_A_KEY}.")
            return usable(enrolled)
        key = snapshot.keys.get(hashlib.sha256(presented.encode("utf-8", "surrogateescape")).digest())
        if key is None:
            hint = "" if presented.startswith(KEY_PREFIX) else f" A gateway key starts with {KEY_PREFIX}."
            return Refusal(401, "key_unknown", f"gateway key unknown.{hint} {_GET_A_KEY}.")
        return usable(key)


async def _asked(langsmith: LangSmithCallers, presented: str, judge: Judge) -> None:
    key_or_refusal = await langsmith.check(presented)
    judge(usable(key_or_refusal) if isinstance(key_or_refusal, Key) else key_or_refusal)


def _challenge(flow: http.HTTPFlow, key_or_refusal: Key | Refusal) -> None:
    """For what is no provider's: proxies ask for a credential by 407."""
    if isinstance(key_or_refusal, Refusal):
        refuse(flow, replace(key_or_refusal, status=407, headers=_CHALLENGE))


def _of_a_web_page(request: http.Request) -> bool:
    """Browsers send it, and any page may have them do so: where a caller needs no key, its word is not the user's."""
    origin = request.headers.get("origin", "").lower()
    sites = ("cross-site", "same-site")
    return origin == "null" or origin.startswith(("http:", "https:")) or request.headers.get("sec-fetch-site") in sites


def _keep_off_record(call: Call) -> None:
    record = call.record
    record.path = call.without_key(record.path)
    record.model = record.model and call.without_key(record.model)
    record.user_agent = record.user_agent and call.without_key(record.user_agent)


def _without_credential(provider: Provider, workspace: Workspace) -> Refusal | None:
    """Why there is nothing to call this provider with, if so."""
    if provider.own_logins:
        message = (
            f"{provider.name} is called with the user's own log-in, and workspace {workspace.name!r} passes none on. "
            f"Let it, by `sallyport workspaces update {workspace.id} --credentials passthrough`; then log in with the vendor, "
            "and send the gateway key in X-Gateway-Key or Proxy-Authorization."
        )
        return Refusal(400, "login_needed", message)
    if not provider.secret_names or provider.secret_in(workspace.secrets):
        return None
    names, name = " or ".join(provider.secret_names), provider.secret_names[0]
    message = f"workspace {workspace.name!r} has no secret {names}. Set it with `sallyport secrets set {name}`, then try again."
    return Refusal(400, "secret_missing", message)


def usable(key: Key) -> Key | Refusal:
    """The key, or why it is none any more."""
    if key.revoked:
        return Refusal(401, "key_revoked", f"gateway key revoked ({key.prefix}…). {_GET_A_KEY}.")
    if key.expires_at is not None and key.expires_at <= time.time():
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(key.expires_at))
        return Refusal(401, "key_expired", f"gateway key expired on {when} ({key.prefix}…). {_GET_A_KEY}.")
    return key


def _is_vendor_login(request: http.Request) -> bool:
    """An OAuth bearer of the user's own subscription, as opposed to an API key or a dummy.

    API keys of all vendors here start with `sk-`; Anthropic's OAuth tokens with `sk-ant-oat`.
    """
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or len(token) < 20 or token.startswith(KEY_PREFIXES):
        return False
    return token.startswith("sk-ant-oat") or not token.startswith("sk-")
