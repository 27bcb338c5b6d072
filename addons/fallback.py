"""Where a call goes next when an attempt at it fails: along its workspace's fallback chain.

The chain is chosen by what the caller asked for. Left out of it is what this caller could not have asked for itself: models that
the key may not use, providers that the workspace has no secret for. Each attempt is admitted, charged and recorded on its own.
"""

from __future__ import annotations

import time

from mitmproxy import http

from addons.attempt import NO_FIRST_BYTE, Failure
from addons.context import Call, call_of, start_call
from addons.credentials import strip_credentials
from addons.destination import Destination, at_provider, point, with_model
from addons.services import Services
from addons.upstreams import named_upstreams
from policies import model_access
from policies.model_access import matches_pattern
from sallyport.ids import new_id
from sallyport.providers import PROVIDERS
from sallyport.spend.elsewhere import names_kept
from sallyport.store.fallbacks import Chain, Target

_OF_AN_ACCOUNT = ("openai-organization", "openai-project", "x-goog-user-project")
"""Headers that name the caller's account at one vendor, and are no other vendor's business."""


class Fallback:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._upstreams = named_upstreams(services.settings)

    def request(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if flow.response or call is None or call.body is None or call.workspace is None or call.record.passthrough:
            return
        for chain in call.workspace.fallbacks:
            if chain.provider == call.record.provider and matches_pattern(chain.model, call.record.model or ""):
                found = (self._destination(flow.request, call, target) for target in chain.then)
                _follow(call, chain, tuple(destination for destination in found if destination))
                return

    def attempt_failed(self, flow: http.HTTPFlow, failure: Failure) -> None:
        call = call_of(flow)
        if failure.to is None and call and call.chain and call.then and _leads_on(call.chain, failure):
            failure.to = call.then[0]

    def attempt(self, flow: http.HTTPFlow, failure: Failure) -> None:
        """Whoever said where to: the call starts anew there."""
        failed, to = call_of(flow), failure.to
        if failed is None or to is None:
            return
        strip_credentials(flow.request, failed)
        if to.provider is not failed.provider:
            for name in _OF_AN_ACCOUNT:
                flow.request.headers.pop(name, None)
        point(flow.request, to.upstream, to.path)
        call = _further(failed, to)
        if failed.chain:
            _follow(call, failed.chain, failed.then[1:] if to is next(iter(failed.then), None) else failed.then)
        start_call(flow, call)
        self._services.calls[call.record.id] = call
        self._services.calls.pop(failed.record.id, None)

    def _destination(self, request: http.Request, call: Call, target: Target) -> Destination | None:
        """None for what this caller could not have asked for, and for what can't be asked of that provider."""
        provider, model = PROVIDERS.get(target.provider), target.model or call.record.model or ""
        if not (provider and call.provider and call.operation and call.upstream and call.workspace and call.subject):
            return None
        if provider.secret_names and not provider.secret_in(call.workspace.secrets):
            return None
        if model_access.refusing(call.snapshot.policies, call.subject, provider.name, model):
            return None
        path = request.path.removeprefix(call.upstream.prefix)
        now = Destination(call.provider, call.operation, call.upstream, path, call.record.model or "")
        if provider is call.provider:
            return with_model(now, request.method, model)
        if names_kept(request.raw_content or b""):
            return None
        return at_provider(now, request.method, provider, self._upstreams, model)


def _further(failed: Call, to: Destination) -> Call:
    path = failed.without_key(to.path.partition("?")[0])[:2000]
    same = to.provider is failed.provider and to.model == (failed.record.model or "")
    body = failed.body
    if body is not None and not same and to.operation.model is None:
        body = {**body, "model": to.model}
    return failed.another(
        failed.record.further(new_id(), time.time(), to.provider.name, to.model or None, path),
        provider=to.provider,
        operation=to.operation,
        upstream=to.upstream,
        body=body,
        restorer=failed.restorer,
        answer_redactor=failed.answer_redactor,
        body_changed=failed.body_changed or not same,
        credential_headers=failed.credential_headers,
    )


def _follow(call: Call, chain: Chain, then: tuple[Destination, ...]) -> None:
    call.chain, call.then = chain, then
    call.first_byte_timeout = chain.first_byte_timeout if then else None


def _leads_on(chain: Chain, failure: Failure) -> bool:
    if failure.response:
        return failure.response.status_code in chain.on_status
    return failure.message == NO_FIRST_BYTE or chain.on_transport_error
