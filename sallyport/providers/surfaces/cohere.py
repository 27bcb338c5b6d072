"""Cohere's own API (https://docs.cohere.com/reference/about), versions 1 and 2."""

from __future__ import annotations

from sallyport.providers.base import Operation
from sallyport.providers.errors import cohere_error
from sallyport.providers.routes import route
from sallyport.providers.surfaces import Surface
from sallyport.providers.wire.cohere import CohereChat, CohereEmbed

_CHAT, _EMBED = CohereChat(), CohereEmbed()
_MODELS, _DATASETS, _JOBS = Operation("models"), Operation("datasets"), Operation("embed_jobs")

_ROUTES = (
    route("POST", "/v2/chat", Operation("chat", _CHAT)),
    route("POST", "/v1/chat", Operation("chat", shape=_CHAT, uncounted=True)),  # the older API, whose streams are lines of JSON
    route("POST", "/{version}/embed", Operation("embeddings", _EMBED), version="v1|v2"),
    route("POST", "/{version}/rerank", Operation("rerank", shape=_EMBED, uncounted=True), version="v1|v2"),  # by the search
    route("POST", "/v1/classify", Operation("classify", shape=_EMBED, uncounted=True)),
    route("POST", "/v1/{what}", Operation("count_tokens", shape=_CHAT), what="tokenize|detokenize"),
    route("GET", "/v1/models", _MODELS),
    route("GET", "/v1/models/{id}", _MODELS),
    route("GET POST", "/v1/datasets", _DATASETS),
    route("GET DELETE", "/v1/datasets/{id}", _DATASETS),
    route("GET", "/v1/embed-jobs", _JOBS),
    route("POST", "/v1/embed-jobs", Operation("embed_jobs", uncounted=True)),
    route("GET", "/v1/embed-jobs/{id}", _JOBS),
    route("POST", "/v1/embed-jobs/{id}/cancel", _JOBS),
)


surface = Surface(_ROUTES, cohere_error)
