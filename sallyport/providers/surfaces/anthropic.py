"""Anthropic's API (https://docs.claude.com/en/api), below what its SDKs take as base URL: `/v1` is a part of its paths."""

from __future__ import annotations

from dataclasses import replace

from sallyport.providers.base import Operation
from sallyport.providers.errors import anthropic_error
from sallyport.providers.routes import route
from sallyport.providers.surfaces import Surface
from sallyport.providers.wire.anthropic_messages import AnthropicMessages

_MESSAGES = AnthropicMessages()
_BATCHES, _FILES, _MODELS = Operation("batches", shape=_MESSAGES), Operation("files"), Operation("models")
_NEW_BATCH = replace(_BATCHES, uncounted=True)

_ROUTES = (
    route("POST", "/v1/messages", Operation("messages", _MESSAGES)),
    route("POST", "/v1/messages/count_tokens", Operation("count_tokens", shape=_MESSAGES)),
    route("GET", "/v1/models", _MODELS),
    route("GET", "/v1/models/{id}", _MODELS),
    route("GET", "/v1/messages/batches", _BATCHES),
    route("POST", "/v1/messages/batches", _NEW_BATCH),
    route("GET DELETE", "/v1/messages/batches/{id}", _BATCHES),
    route("POST", "/v1/messages/batches/{id}/cancel", _BATCHES),
    route("GET", "/v1/messages/batches/{id}/results", _BATCHES),
    route("GET POST", "/v1/files", _FILES),
    route("GET DELETE", "/v1/files/{id}", _FILES),
    route("GET", "/v1/files/{id}/content", _FILES),
)

surface = Surface(_ROUTES, anthropic_error)
