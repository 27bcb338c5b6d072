"""Google's Gemini API (https://ai.google.dev/api), below what its SDK takes as base URL: the version is a part of its paths.

Not in the table, so without our key, is what administers an account: `webhooks`.
"""

from __future__ import annotations

from dataclasses import replace

from sallyport.providers.base import Operation
from sallyport.providers.errors import google_error
from sallyport.providers.routes import BELOW, Route, below, route
from sallyport.providers.surfaces import Surface
from sallyport.providers.surfaces.openai import surface as openai
from sallyport.providers.wire.google_embed import GoogleEmbed
from sallyport.providers.wire.google_generate import GoogleGenerate, google_reshapes
from sallyport.providers.wire.google_interactions import GoogleInteractions
from sallyport.providers.wire.google_live import GoogleLive
from sallyport.providers.wire.inline_batch import InlineBatch, gemini_requests
from sallyport.providers.wire.stored import Stored

_GENERATE, _EMBED, _STORED, _INTERACTIONS = GoogleGenerate(), GoogleEmbed(), Stored(), GoogleInteractions()
_FILES, _MODELS, _OPERATIONS = Operation("files"), Operation("models"), Operation("operations")
_CACHES = Operation("cached_contents", shape=_GENERATE)
_MADE = Operation("predict", shape=_EMBED, uncounted=True)  # pictures and videos, priced by the piece and by the second
_TUNED = Operation("tuned_models", shape=_STORED)
_STORES = Operation("file_search_stores", shape=_STORED)
_SERVICE = "{slashes}ws/google.ai.generativelanguage.{version}.GenerativeService."
_OPENAI = ("/chat/completions", "/embeddings", "/models", "/models/{id}", "/images/generations")
"""What there is of OpenAI's API (https://ai.google.dev/gemini-api/docs/openai)."""


def _versioned(methods: str, template: str, operation: Operation, **parts: str) -> Route:
    return route(methods, template, operation, version="v1|v1beta|v1alpha", **parts)


def _model(method: str, operation: Operation, **parts: str) -> Route:
    return _versioned("POST", "/{version}/{kind}/{model}:" + method, operation, kind="models|tunedModels", **parts)


_ROUTES = (
    _model("generateContent", Operation("generate", _GENERATE)),
    _model("streamGenerateContent", Operation("generate", _GENERATE, stream=True)),
    _model("countTokens", Operation("count_tokens", shape=_GENERATE)),
    _model("{embed}", Operation("embeddings", _EMBED), embed="embedContent|batchEmbedContents"),
    _model("batchGenerateContent", Operation("batches", InlineBatch(_GENERATE, gemini_requests))),
    _model("asyncBatchEmbedContent", Operation("batches", InlineBatch(_EMBED, gemini_requests))),
    _model("{predict}", _MADE, predict="predict|predictLongRunning"),
    _versioned("POST", "/{version}/interactions", Operation("interactions", _INTERACTIONS)),
    _versioned("GET POST DELETE", "/{version}/interactions{rest}", Operation("interactions", shape=_STORED), rest=BELOW),
    _versioned("GET POST DELETE", "/{version}/agents{rest}", Operation("agents", shape=_STORED), rest=BELOW),
    _versioned(
        "GET",
        _SERVICE + "{method}",
        Operation("connect", socket=GoogleLive()),
        slashes="//?",  # Google's own SDK puts two
        method="BidiGenerateContent(?:Constrained)?",
    ),
    _versioned("POST", "/{version}/auth_tokens", Operation("realtime_sessions", shape=_STORED, uncounted=True)),  # go past us
    *(below("/v1beta/openai", (entry for entry in openai.routes if entry.template in _OPENAI))),
    _versioned("GET", "/{version}/models", _MODELS),
    _versioned("GET", "/{version}/models/{id}", _MODELS),
    _versioned("GET", "/{version}/models/{id}/operations{rest}", _OPERATIONS, rest=BELOW),
    _versioned("POST", "/{version}/tunedModels", replace(_TUNED, uncounted=True)),
    _versioned("GET PATCH DELETE", "/{version}/tunedModels{rest}", _TUNED, rest=BELOW),
    _versioned("GET DELETE", "/{version}/batches{rest}", Operation("batches"), rest=BELOW),
    _versioned("POST", "/{version}/batches/{id}:cancel", Operation("batches")),
    _versioned("GET DELETE", "/{version}/operations/{id}", _OPERATIONS),
    _versioned("GET", "/{version}/cachedContents", _CACHES),
    _versioned("POST", "/{version}/cachedContents", replace(_CACHES, uncounted=True)),
    _versioned("GET PATCH DELETE", "/{version}/cachedContents/{id}", _CACHES),
    _versioned("GET", "/{version}/files", _FILES),
    _versioned("GET DELETE", "/{version}/files/{id}", _FILES),
    _versioned("GET", "/{version}/files/{id}:download", _FILES),
    _versioned("GET", "/download/{version}/files/{id}:download", _FILES),
    _versioned("POST", "/{version}/files:register", _FILES),
    _versioned("POST PUT", "/upload/{version}/files", _FILES),
    _versioned("GET POST DELETE", "/{version}/fileSearchStores{rest}", _STORES, rest=BELOW),
    _versioned("POST PUT", "/upload/{version}/fileSearchStores/{id}:uploadToFileSearchStore", Operation("file_search_stores")),
)

surface = Surface(_ROUTES, google_error, google_reshapes)
