"""May this caller go there, and use this model? Reads the body of what generates: from here on it is a JSON object.

What was read is also what is sent: byte for byte, unless a key stands twice, of which some parsers take the first value.

Pure decisions on the snapshot, no I/O, so that a refusal costs next to nothing.
"""

from __future__ import annotations

from urllib.parse import unquote

from mitmproxy import http

from addons.content import ContentError, coding_of, decompress, read_object, replace_body
from addons.context import Call, Coded, call_of
from addons.presented_key import query_pairs
from addons.refusal import Refusal, policy_message, policy_ref, refuse, refuse_message
from addons.services import Services
from addons.session import session_of
from addons.sockets import SocketMessage
from addons.upstreams import chosen_upstreams
from policies import model_access
from sallyport.providers import provider_for_host
from sallyport.providers.base import JsonObject, Provider, WireFormat


class Access:
    def __init__(self, services: Services) -> None:
        self._limit = services.settings.max_body_bytes
        self._upstreams = chosen_upstreams(services.settings)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        if flow.response is None:
            self._keep_off_upstreams(flow)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Refuse a body that is too large before it is read."""
        call = call_of(flow)
        if flow.response:
            return
        if call is None:
            self._keep_off_upstreams(flow)
            return
        if call.operation and call.operation.uncounted:
            self._keep_to_models(flow, call, "")  # which it uses stands where nobody looks
        if call.form and flow.request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            refuse(flow, Refusal(415, "not_decodable", "a compressed form can't be read as it streams; send it as it is."))
        if flow.response or call.shape is None:
            return
        if call.generates and call.provider:
            _keep_readable(flow, call.provider)
        if call.form:
            return  # it is not kept
        length = flow.request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > self._limit:
            refuse(flow, too_large(self._limit))

    def request_too_large(self, flow: http.HTTPFlow) -> None:
        refuse(flow, too_large(self._limit))

    def request(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if flow.response or call is None or call.operation is None or call.shape is None:
            return
        if call.form:
            call.body = call.form.fields
            self._note_model(flow, call, call.shape, call.form.fields)
            return
        if not flow.request.raw_content and not call.generates:
            return  # an action on something stored, such as its cancelling
        try:
            came, coding = flow.request.raw_content or b"", coding_of(flow.request)
            plain = decompress(came, coding, self._limit)
            call.body, data = read_object(plain)
            call.coded = Coded(coding, came, plain) if coding else None
            replace_body(flow.request, data)
        except ContentError as error:
            reason = {413: "too_large", 415: "not_decodable"}.get(error.status, "malformed")
            refuse(flow, Refusal(error.status, reason, f"{error}."))
            return
        call.record.session_id = _session(flow, call)
        self._note_model(flow, call, call.shape, call.body)

    def _note_model(self, flow: http.HTTPFlow, call: Call, shape: WireFormat, body: JsonObject) -> None:
        model = (call.operation and call.operation.model) or shape.model(body)
        call.record.model = model and call.without_key(model)
        stream = call.operation is not None and call.operation.stream
        call.record.stream = stream or (call.generates and shape.wants_stream(body))
        self._keep_to_models(flow, call, call.record.model or "")

    def socket_message(self, message: SocketMessage) -> None:
        if message.asks and message.call:
            refusal = _model_refusal(message.call, message.call.record.model or "")
            if refusal:
                refuse_message(message, refusal)

    def _keep_off_upstreams(self, flow: http.HTTPFlow) -> None:
        """Where the operator sends a provider's calls may be private: callers reach it through this pipeline, not beside it."""
        host, port = flow.request.host, flow.request.port
        if (host.lower(), port) in self._upstreams and provider_for_host(host) is None:
            message = f"{host}:{port} is reached by a provider's base path or host name only"
            refuse(flow, Refusal(403, "destination_forbidden", message))

    def _keep_to_models(self, flow: http.HTTPFlow, call: Call, model: str) -> None:
        refusal = _model_refusal(call, model)
        if refusal:
            refuse(flow, refusal)


def _session(flow: http.HTTPFlow, call: Call) -> str | None:
    session = session_of(flow.request.headers, call.body)
    return session and call.without_key(session)


def _model_refusal(call: Call, model: str) -> Refusal | None:
    if call.subject is None or call.provider is None:
        return None
    deciding, matched = model_access.deciding(call.snapshot.policies, call.subject), call.record.matched
    matched.extend(ref for ref in map(policy_ref, deciding) if ref not in matched)
    refusing = model_access.refusing(deciding, call.subject, call.provider.name, model)
    if not refusing:
        return None
    refs = [policy_ref(policy) for policy in refusing]
    message = policy_message(
        refs, f"This key may not use {call.provider.name}/{model or '*'}; use an allowed model or ask for access."
    )
    scopes = [matcher.key.removesuffix("_id") for policy in refusing for matcher in policy.matchers]
    return Refusal(403, "model_access", message, refs, "model_access", scopes)


def _keep_readable(flow: http.HTTPFlow, provider: Provider) -> None:
    parameters = ((unquote(name), unquote(value)) for name, value in query_pairs(flow.request.path))
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in flow.request.headers.fields)
    for name, value in (*parameters, *headers):
        if provider.reshapes(name.lower(), value):
            message = f"{name}={value[:100]} is not supported: what the call costs could not be read from such an answer"
            refuse(flow, Refusal(400, "answer_reshaped", message))
            return


def too_large(limit: int) -> Refusal:
    return Refusal(413, "too_large", f"the request body is larger than {limit} bytes; send less at once.")
