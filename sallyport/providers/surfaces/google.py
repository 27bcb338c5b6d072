"""Google's Gemini API (https://ai.google.dev/api), below what its SDK takes as base URL: the version is a part of its paths."""

from __future__ import annotations

from dataclasses import replace

from sallyport.providers.base import Operation
from sallyport.providers.errors import google_error
from sallyport.providers.routes import Route, route
from sallyport.providers.surfaces import Surface
from sallyport.providers.wire.google_embed import GoogleEmbed
from sallyport.providers.wire.google_generate import GoogleGenerate, google_reshapes
from sallyport.providers.wire.google_live import GoogleLive

_GENERATE, _EMBED = GoogleGenerate(), GoogleEmbed()
_FILES, _MODELS = Operation("files"), Operation("models")
_CACHES = Operation("cached_contents", shape=_GENERATE)
_NEW_CACHE = replace(_CACHES, uncounted=True)


def _versioned(methods: str, template: str, operation: Operation, **parts: str) -> Route:
    return route(methods, template, operation, version="v1|v1beta|v1alpha", **parts)


_ROUTES = (
    _versioned("POST", "/{version}/models/{model}:generateContent", Operation("generate", _GENERATE)),
    _versioned("POST", "/{version}/models/{model}:streamGenerateContent", Operation("generate", _GENERATE, stream=True)),
    _versioned("POST", "/{version}/models/{model}:countTokens", Operation("count_tokens", shape=_GENERATE)),
    _versioned(
        "POST", "/{version}/models/{model}:{embed}", Operation("embeddings", _EMBED), embed="embedContent|batchEmbedContents"
    ),
    _versioned(
        "GET",
        "{slashes}ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent",
        Operation("connect", socket=GoogleLive()),
        slashes="//?",  # Google's own SDK puts two
    ),
    _versioned("GET", "/{version}/models", _MODELS),
    _versioned("GET", "/{version}/models/{id}", _MODELS),
    _versioned("GET", "/{version}/cachedContents", _CACHES),
    _versioned("POST", "/{version}/cachedContents", _NEW_CACHE),
    _versioned("GET PATCH DELETE", "/{version}/cachedContents/{id}", _CACHES),
    _versioned("GET", "/{version}/files", _FILES),
    _versioned("GET DELETE", "/{version}/files/{id}", _FILES),
    _versioned("GET", "/{version}/files/{id}:download", _FILES),
    _versioned("POST PUT", "/upload/{version}/files", _FILES),
)

surface = Surface(_ROUTES, google_error, google_reshapes)
