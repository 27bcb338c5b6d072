"""Ollama's own API (https://github.com/ollama/ollama/blob/main/docs/api.md). Models are pulled and deleted on its machine."""

from __future__ import annotations

from sallyport.providers.base import Operation
from sallyport.providers.errors import plain_error
from sallyport.providers.routes import route
from sallyport.providers.surfaces import Surface
from sallyport.providers.wire.ollama import Ollama

_OLLAMA, _MODELS = Ollama(), Operation("models")

_ROUTES = (
    route("POST", "/api/chat", Operation("chat", _OLLAMA)),
    route("POST", "/api/generate", Operation("completions", _OLLAMA)),
    route("POST", "/api/{embed}", Operation("embeddings", _OLLAMA), embed="embed|embeddings"),
    route("POST", "/api/show", Operation("models", shape=_OLLAMA)),
    route("GET", "/api/{what}", _MODELS, what="tags|ps|version"),
)

surface = Surface(_ROUTES, plain_error)
