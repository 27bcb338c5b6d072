"""OpenAI's API (https://platform.openai.com/docs/api-reference), below the base URL that its SDKs take, which ends in `/v1`."""

from __future__ import annotations

from dataclasses import replace

from sallyport.providers.base import Operation
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import SEGMENT, route
from sallyport.providers.surfaces import Surface
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings
from sallyport.providers.wire.openai_images import OpenAIImages
from sallyport.providers.wire.openai_realtime import OpenAIRealtime
from sallyport.providers.wire.openai_realtime_socket import OpenAIRealtimeSocket
from sallyport.providers.wire.openai_responses import OpenAIResponses
from sallyport.providers.wire.openai_responses_socket import OpenAIResponsesSocket

_CHAT, _EMBEDDINGS, _RESPONSES = OpenAIChat(), OpenAIEmbeddings(), OpenAIResponses()
_BATCHES, _FILES, _MODELS = Operation("batches"), Operation("files"), Operation("models")
_AUDIO, _IMAGES, _NEW_BATCH = (Operation(name, uncounted=True) for name in ("audio", "images", "batches"))
_REALTIME = Operation("realtime_sessions", uncounted=True)  # by WebRTC or SIP, which go past us: what they cost is not seen
_REALTIME_SESSIONS = replace(_REALTIME, shape=OpenAIRealtime())
_STORED_CHATS = Operation("stored_chats", shape=_CHAT)
_STORED_RESPONSES = Operation("stored_responses", shape=_RESPONSES)

MODEL_ID = r"[A-Za-z0-9@][A-Za-z0-9._:@-]*(?:/[A-Za-z0-9@][A-Za-z0-9._:@-]*){0,3}"
"""`ft:gpt-4o:acme::id`; of those who serve others' models: `deepseek-ai/DeepSeek-V3`, `accounts/fireworks/models/x`."""

_ROUTES = (
    route("POST", "/chat/completions", Operation("chat", _CHAT)),
    route("POST", "/responses", Operation("responses", _RESPONSES)),
    route("GET", "/responses", Operation("connect", socket=OpenAIResponsesSocket())),
    route("GET", "/realtime", Operation("connect", socket=OpenAIRealtimeSocket())),
    route("POST", "/realtime/{what}", _REALTIME_SESSIONS, what="client_secrets|sessions|transcription_sessions"),
    route("POST", "/realtime/calls", _REALTIME),
    route("POST", "/realtime/calls/{id}/accept", _REALTIME_SESSIONS),
    route("POST", "/realtime/calls/{id}/{what}", Operation("realtime_calls"), what="hangup|refer|reject"),
    route("POST", "/responses/compact", Operation("responses", _RESPONSES)),
    route("POST", "/responses/input_tokens", Operation("count_tokens", shape=_RESPONSES)),
    route("POST", "/completions", Operation("completions", _CHAT)),
    route("POST", "/embeddings", Operation("embeddings", _EMBEDDINGS)),
    route("POST", "/rerank", Operation("rerank", _EMBEDDINGS)),  # not OpenAI's own, but of many that follow it
    route("POST", "/moderations", Operation("moderations", shape=_CHAT)),
    route("POST", "/images/generations", Operation("images", OpenAIImages())),
    route("POST", "/images/{what}", _IMAGES, what="edits|variations"),
    route("POST", "/audio/speech", replace(_AUDIO, shape=_CHAT)),
    route("POST", "/audio/{what}", _AUDIO, what="transcriptions|translations"),
    route("GET", "/models", _MODELS),
    route("GET DELETE", "/models/{id}", _MODELS, id=MODEL_ID),
    route("GET DELETE", "/responses/{id}", _STORED_RESPONSES),
    route("POST", "/responses/{id}/cancel", _STORED_RESPONSES),
    route("GET", "/responses/{id}/input_items", _STORED_RESPONSES),
    route("GET", "/chat/completions", _STORED_CHATS),
    route("GET POST DELETE", "/chat/completions/{id}", _STORED_CHATS),
    route("GET", "/chat/completions/{id}/messages", _STORED_CHATS),
    route("GET POST", "/files", _FILES),
    route("GET DELETE", "/files/{id}", _FILES),
    route("GET", "/files/{id}/content", _FILES),
    route("POST", "/uploads{rest}", _FILES, rest=rf"(?:/{SEGMENT}/(?:parts|complete|cancel))?"),
    route("GET", "/batches", _BATCHES),
    route("POST", "/batches", _NEW_BATCH),
    route("GET", "/batches/{id}", _BATCHES),
    route("POST", "/batches/{id}/cancel", _BATCHES),
)

surface = Surface(_ROUTES, openai_error)
