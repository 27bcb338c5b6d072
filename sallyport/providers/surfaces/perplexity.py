"""Perplexity's API (https://docs.perplexity.ai/api-reference): OpenAI's chat and responses, answered from a web search.

Every chunk of a stream names the usage so far; nothing is asked for.
"""

from __future__ import annotations

from dataclasses import replace

from sallyport.providers.base import Operation
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import route
from sallyport.providers.surfaces import Surface
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings
from sallyport.providers.wire.openai_responses import OpenAIResponses

_CHAT = OpenAIChat(asks_for_usage=False)
_SEARCH, _LATER = Operation("search", shape=_CHAT, uncounted=True), Operation("async_chat", shape=_CHAT)

_ROUTES = (
    route("POST", "{version}/chat/completions", Operation("chat", _CHAT), version="(?:/v1)?"),
    route("POST", "/v1/{what}", Operation("responses", OpenAIResponses()), what="responses|agent"),
    route("POST", "/v1/embeddings", Operation("embeddings", OpenAIEmbeddings())),
    route("POST", "/search", _SEARCH),  # priced by the request
    route("POST", "/async/chat/completions", replace(_LATER, uncounted=True)),  # answered before it is made
    route("GET", "/async/chat/completions{rest}", _LATER, rest="(?:/[A-Za-z0-9_-]+)?"),
)

surface = Surface(_ROUTES, openai_error)
