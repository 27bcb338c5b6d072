"""Google's Gemini API (https://ai.google.dev/api)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.errors import google_error
from sallyport.providers.routes import Route, Routes, route
from sallyport.providers.wire.google_embed import GoogleEmbed
from sallyport.providers.wire.google_generate import GoogleGenerate, google_reshapes
from sallyport.secret import Secret

_GENERATE, _EMBED = GoogleGenerate(), GoogleEmbed()
_FILES, _MODELS = Operation("files"), Operation("models")
_CACHES = Operation("cached_contents", shape=_GENERATE)
_NEW_CACHE = replace(_CACHES, uncounted=True)


def _versioned(methods: str, template: str, operation: Operation, **parts: str) -> Route:
    return route(methods, template, operation, version="v1|v1beta|v1alpha", **parts)


_ROUTES = Routes(
    _versioned("POST", "/{version}/models/{model}:generateContent", Operation("generate", _GENERATE)),
    _versioned("POST", "/{version}/models/{model}:streamGenerateContent", Operation("generate", _GENERATE, stream=True)),
    _versioned("POST", "/{version}/models/{model}:countTokens", Operation("count_tokens", shape=_GENERATE)),
    _versioned(
        "POST", "/{version}/models/{model}:{embed}", Operation("embeddings", _EMBED), embed="embedContent|batchEmbedContents"
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


class Gemini(Provider):
    name = "gemini"
    secret_name = "GOOGLE_API_KEY"  # noqa: S105 - the name of a secret
    hosts = ("generativelanguage.googleapis.com",)
    name_constraints = ("generativelanguage.googleapis.com",)

    def host_for(self, path: str) -> str:
        return "generativelanguage.googleapis.com"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    def reshapes(self, name: str, value: str) -> bool:
        return google_reshapes(name, value)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        return {"x-goog-api-key": secret.reveal()}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return google_error(status, message)


provider = Gemini()
