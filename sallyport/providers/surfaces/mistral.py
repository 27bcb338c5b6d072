"""Mistral's own API (https://docs.mistral.ai/api), below `/v1`: OpenAI's chat and embeddings, and what only Mistral has.

It refuses `stream_options` (422), and its streams name their usage unasked.
"""

from __future__ import annotations

from dataclasses import replace

from sallyport.providers.base import Operation
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import route
from sallyport.providers.surfaces import Surface
from sallyport.providers.surfaces.openai import MODEL_ID
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings

_CHAT = OpenAIChat(asks_for_usage=False)
_MODELS, _FILES, _BATCHES = Operation("models"), Operation("files"), Operation("batches")
_OCR, _AUDIO, _CONVERSATIONS = (Operation(name, uncounted=True) for name in ("ocr", "audio", "conversations"))

_ROUTES = (
    route("POST", "/chat/completions", Operation("chat", _CHAT)),
    route("POST", "/fim/completions", Operation("chat", _CHAT)),
    route("POST", "/agents/completions", Operation("chat", _CHAT)),
    route("POST", "/embeddings", Operation("embeddings", OpenAIEmbeddings())),
    route("POST", "/{what}", Operation("moderations", shape=_CHAT), what="(?:chat/)?(?:moderations|classifications)"),
    route("POST", "/ocr", replace(_OCR, shape=_CHAT)),  # priced by the page
    route("POST", "/audio/{what}", _AUDIO, what="transcriptions|speech"),
    route("POST", "/conversations", replace(_CONVERSATIONS, shape=_CHAT)),  # an agent's model stands at Mistral
    route("POST", "/conversations/{id}", replace(_CONVERSATIONS, shape=_CHAT)),
    route("GET", "/conversations{rest}", Operation("conversations"), rest=r"(?:/[A-Za-z0-9_-]+(?:/(?:history|messages))?)?"),
    route("GET", "/models", _MODELS),
    route("GET", "/models/{id}", _MODELS, id=MODEL_ID),
    route("GET POST", "/files", _FILES),
    route("GET DELETE", "/files/{id}", _FILES),
    route("GET", "/files/{id}/{what}", _FILES, what="content|url"),
    route("GET", "/batch/jobs", _BATCHES),
    route("POST", "/batch/jobs", replace(_BATCHES, uncounted=True)),
    route("GET", "/batch/jobs/{id}", _BATCHES),
    route("POST", "/batch/jobs/{id}/cancel", _BATCHES),
)

surface = Surface(_ROUTES, openai_error)
