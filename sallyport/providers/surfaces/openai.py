"""OpenAI's API (https://platform.openai.com/docs/api-reference), below the base URL that its SDKs take, which ends in `/v1`.

Not in the table, so without our key, is what administers an account: `/organization`, `/projects`, `/vaults`, `/safety`,
`/webhook_endpoints`.
"""

from __future__ import annotations

from dataclasses import replace

from sallyport.providers.base import Operation
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import BELOW, SEGMENT, route
from sallyport.providers.surfaces import Surface
from sallyport.providers.wire.openai_audio import OpenAISpeech, OpenAITranscription
from sallyport.providers.wire.openai_batch import OpenAIBatch
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_decisions import OpenAIDecisions
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings
from sallyport.providers.wire.openai_images import OpenAIImages
from sallyport.providers.wire.openai_realtime import OpenAIRealtime
from sallyport.providers.wire.openai_realtime_socket import OpenAIRealtimeSocket
from sallyport.providers.wire.openai_responses import OpenAIResponses
from sallyport.providers.wire.openai_responses_socket import OpenAIResponsesSocket
from sallyport.providers.wire.stored import Stored

_CHAT, _EMBEDDINGS, _RESPONSES, _STORED = OpenAIChat(), OpenAIEmbeddings(), OpenAIResponses(), Stored()
_IMAGES, _TRANSCRIPTION = OpenAIImages(), OpenAITranscription()
_BATCHES, _FILES, _MODELS = Operation("batches"), Operation("files", form=_STORED), Operation("models")
_REALTIME = Operation("realtime_sessions", uncounted=True)  # by WebRTC or SIP, which go past us: what they cost is not seen
_REALTIME_SESSIONS = replace(_REALTIME, shape=OpenAIRealtime())
_LIVE_SESSIONS = replace(_REALTIME_SESSIONS, name="live_sessions")
_STORED_CHATS = Operation("stored_chats", shape=_CHAT)
_STORED_RESPONSES = Operation("stored_responses", shape=_RESPONSES)

MODEL_ID = r"[A-Za-z0-9@][A-Za-z0-9._:@-]*(?:/[A-Za-z0-9@][A-Za-z0-9._:@-]*){0,3}"
"""`ft:gpt-4o:acme::id`; of those who serve others' models: `deepseek-ai/DeepSeek-V3`, `accounts/fireworks/models/x`."""


def _stored(name: str) -> Operation:
    return Operation(name, shape=_STORED)


def _bought(name: str) -> Operation:
    """Something is generated, trained or run, and no answer counts it in a form that is priced."""
    return Operation(name, shape=_STORED, uncounted=True)


_GENERATES = (
    route("POST", "/chat/completions", Operation("chat", _CHAT)),
    route("POST", "/responses", Operation("responses", _RESPONSES)),
    route("GET", "/responses", Operation("connect", socket=OpenAIResponsesSocket())),
    route("GET", "/realtime", Operation("connect", socket=OpenAIRealtimeSocket())),
    route("POST", "/realtime/{what}", _REALTIME_SESSIONS, what="client_secrets|sessions|transcription_sessions"),
    route("POST", "/realtime/translations/client_secrets", _REALTIME_SESSIONS),
    route("POST", "/realtime/calls", _REALTIME),
    route("POST", "/realtime/calls/{id}/accept", _REALTIME_SESSIONS),
    route("POST", "/realtime/calls/{id}/{what}", Operation("realtime_calls"), what="hangup|refer|reject"),
    route("POST", "/live/sessions{rest}", _LIVE_SESSIONS, rest=f"(?:/{SEGMENT}/(?:accept|fork))?"),
    route("POST", "/live/sessions/{id}/{what}", Operation("live_sessions"), what="hangup|refer|reject"),
    route("GET", "/live/sessions/{id}/content", Operation("live_sessions")),
    route("POST", "/responses/compact", Operation("responses", _RESPONSES)),
    route("POST", "/responses/input_tokens", Operation("count_tokens", shape=_RESPONSES)),
    route("POST", "/completions", Operation("completions", _CHAT)),
    route("POST", "/embeddings", Operation("embeddings", _EMBEDDINGS)),
    route("POST", "/rerank", Operation("rerank", _EMBEDDINGS)),  # not OpenAI's own, but of many that follow it
    route("POST", "/decisions", Operation("decisions", OpenAIDecisions())),
    route("POST", "/moderations", Operation("moderations", shape=_CHAT)),
    route("POST", "/images/generations", Operation("images", _IMAGES)),
    route("POST", "/images/{what}", Operation("images", _IMAGES, form=_IMAGES), what="edits|variations"),
    route("POST", "/audio/speech", Operation("audio", OpenAISpeech())),
    route("POST", "/audio/{what}", Operation("audio", _TRANSCRIPTION, form=_TRANSCRIPTION), what="transcriptions|translations"),
    route("POST", "/videos{rest}", replace(_bought("videos"), form=_STORED), rest=rf"(?:/edits|/extensions|/{SEGMENT}/remix)?"),
)
_AGENTS = (  # models that OpenAI runs by itself, until they are done
    route("POST", "/threads{rest}", _bought("threads"), rest=rf"(?:/{SEGMENT})?/runs(?:/{SEGMENT}/submit_tool_outputs)?"),
    route("GET POST DELETE", "/threads{rest}", _stored("threads"), rest=BELOW),
    route("GET POST DELETE", "/assistants{rest}", _stored("assistants"), rest=BELOW),
    route("POST", "/agents/sessions{rest}", _bought("agents"), rest=rf"(?:/{SEGMENT}/events)?"),
    route("POST", "/agents/automations{rest}", _bought("agents"), rest=rf"(?:/{SEGMENT}(?:/resume|/invocations)?)?"),
    route("POST", "/agents/environments{rest}", replace(_bought("agents"), form=_STORED), rest=rf"(?:/{SEGMENT}/files)?"),
    route("GET POST DELETE", "/agents{rest}", _stored("agents"), rest=BELOW),
    route("POST", "/chatkit/sessions", _bought("chatkit")),
    route("GET POST DELETE", "/chatkit{rest}", _stored("chatkit"), rest=BELOW),
    route("POST", "/evals/{id}/runs", _bought("evals")),
    route("GET POST DELETE", "/evals{rest}", _stored("evals"), rest=BELOW),
    route("POST", "/fine_tuning/{what}", _bought("fine_tuning"), what=rf"jobs(?:/{SEGMENT}/resume)?|alpha/graders/run"),
    route("POST", "/fine_tuning/{what}", _stored("fine_tuning"), what=rf"jobs/{SEGMENT}/(?:cancel|pause)|alpha/graders/validate"),
    route("GET", "/fine_tuning/jobs{rest}", _stored("fine_tuning"), rest=BELOW),
    route("POST", "/containers", _bought("containers")),
)
_KEPT = (
    route("GET", "/models", _MODELS),
    route("GET DELETE", "/models/{id}", _MODELS, id=MODEL_ID),
    route("GET DELETE", "/responses/{id}", _STORED_RESPONSES),
    route("POST", "/responses/{id}/cancel", _STORED_RESPONSES),
    route("GET", "/responses/{id}/input_items", _STORED_RESPONSES),
    route("GET", "/chat/completions", _STORED_CHATS),
    route("GET POST DELETE", "/chat/completions/{id}", _STORED_CHATS),
    route("GET", "/chat/completions/{id}/messages", _STORED_CHATS),
    route("GET POST DELETE", "/conversations{rest}", Operation("conversations", shape=_RESPONSES), rest=BELOW),
    route("GET POST", "/files", _FILES),
    route("GET DELETE", "/files/{id}", _FILES),
    route("GET", "/files/{id}/content", _FILES),
    route("POST", "/uploads{rest}", _FILES, rest=rf"(?:/{SEGMENT}/(?:parts|complete|cancel))?"),
    route("GET", "/batches", _BATCHES),
    route("POST", "/batches", Operation("batches", OpenAIBatch())),
    route("GET", "/batches/{id}", _BATCHES),
    route("POST", "/batches/{id}/cancel", _BATCHES),
    route("GET POST DELETE", "/vector_stores{rest}", _stored("vector_stores"), rest=BELOW),
    route("POST", "/containers/{id}/files", Operation("containers", form=_STORED)),
    route("GET DELETE", "/containers{rest}", Operation("containers"), rest=BELOW),
    route("POST", "/skills{rest}", Operation("skills", form=_STORED), rest=BELOW),
    route("GET DELETE", "/skills{rest}", Operation("skills"), rest=BELOW),
    route("POST", "/videos/characters", Operation("videos", form=_STORED)),
    route("GET DELETE", "/videos{rest}", Operation("videos"), rest=BELOW),
    route("GET POST DELETE", "/audio/{what}{rest}", Operation("voices", form=_STORED), what="voices|voice_consents", rest=BELOW),
    route("POST", "/content_provenance_checks", Operation("content_provenance_checks", form=_STORED)),
)

surface = Surface((*_GENERATES, *_AGENTS, *_KEPT), openai_error)
