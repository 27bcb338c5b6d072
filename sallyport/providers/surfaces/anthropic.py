"""Anthropic's API (https://docs.claude.com/en/api), below what its SDKs take as base URL: `/v1` is a part of its paths.

Not in the table, so without our key, is what administers an account: `/v1/organizations`, `/v1/vaults`, `/v1/tunnels`,
`/v1/user_profiles`; and what coding agents report of themselves.
"""

from __future__ import annotations

from sallyport.providers.base import Operation
from sallyport.providers.errors import anthropic_error
from sallyport.providers.routes import BELOW, SEGMENT, route
from sallyport.providers.surfaces import Surface
from sallyport.providers.wire.anthropic_complete import AnthropicComplete
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.inline_batch import InlineBatch, anthropic_requests
from sallyport.providers.wire.stored import Stored

_MESSAGES, _STORED = AnthropicMessages(), Stored()
_BATCHES, _FILES, _MODELS = Operation("batches"), Operation("files", form=_STORED), Operation("models")


def _stored(name: str) -> Operation:
    return Operation(name, shape=_STORED)


def _bought(name: str) -> Operation:
    """Agents that Anthropic runs by itself, until they are done: no answer counts what that costs."""
    return Operation(name, shape=_STORED, uncounted=True)


_ROUTES = (
    route("POST", "/v1/messages", Operation("messages", _MESSAGES)),
    route("POST", "/v1/messages/count_tokens", Operation("count_tokens", shape=_MESSAGES)),
    route("POST", "/v1/complete", Operation("completions", AnthropicComplete())),
    route("GET", "/v1/models", _MODELS),
    route("GET", "/v1/models/{id}", _MODELS),
    route("GET", "/v1/messages/batches", _BATCHES),
    route("POST", "/v1/messages/batches", Operation("batches", InlineBatch(_MESSAGES, anthropic_requests))),
    route("GET DELETE", "/v1/messages/batches/{id}", _BATCHES),
    route("POST", "/v1/messages/batches/{id}/cancel", _BATCHES),
    route("GET", "/v1/messages/batches/{id}/results", _BATCHES),
    route("GET POST", "/v1/files", _FILES),
    route("GET DELETE", "/v1/files/{id}", _FILES),
    route("GET", "/v1/files/{id}/content", _FILES),
    route("POST", "/v1/skills{rest}", Operation("skills", form=_STORED), rest=BELOW),
    route("GET DELETE", "/v1/skills{rest}", Operation("skills"), rest=BELOW),
    route("POST", "/v1/sessions{rest}", _bought("sessions"), rest=rf"(?:/{SEGMENT}/events)?"),
    route("GET POST DELETE", "/v1/sessions{rest}", _stored("sessions"), rest=BELOW),
    route("POST", "/v1/deployments{rest}", _bought("deployments"), rest=rf"(?:/{SEGMENT}/(?:run|unpause))?"),
    route("GET POST", "/v1/deployments{rest}", _stored("deployments"), rest=BELOW),
    route("GET", "/v1/deployment_runs{rest}", _stored("deployments"), rest=BELOW),
    route("POST", "/v1/dreams", _bought("dreams")),
    route("GET POST", "/v1/dreams{rest}", _stored("dreams"), rest=BELOW),
    route("GET POST", "/v1/agents{rest}", _stored("agents"), rest=BELOW),
    route("GET POST DELETE", "/v1/environments{rest}", _stored("environments"), rest=BELOW),
    route("GET POST DELETE", "/v1/memory_stores{rest}", _stored("memory_stores"), rest=BELOW),
)

surface = Surface(_ROUTES, anthropic_error)
