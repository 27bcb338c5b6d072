"""Fireworks AI (https://docs.fireworks.ai/api-reference): OpenAI's API, and Anthropic's messages, under `/inference`.

Of an account (`/v1/accounts`) models, datasets and batches are in the table. What deploys, trains or administers is not, so that
it gets no key of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Upstream
from sallyport.providers.errors import openai_error
from sallyport.providers.routes import BELOW, SEGMENT, Routes, route
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.openai_audio import OpenAITranscription
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings
from sallyport.providers.wire.openai_responses import OpenAIResponses
from sallyport.providers.wire.stored import Stored
from sallyport.secret import Secret

_CHAT, _EMBEDDINGS, _RESPONSES, _STORED = OpenAIChat(), OpenAIEmbeddings(), OpenAIResponses(), Stored()
_AUDIO = Operation("audio", OpenAITranscription(), form=OpenAITranscription())
_IMAGES = Operation("images", shape=_STORED, uncounted=True)  # priced by the step and by the picture
_MODELS, _STORED_RESPONSES = Operation("models"), Operation("stored_responses", shape=_RESPONSES)
_DATASETS, _BATCHES = Operation("datasets", shape=_STORED), Operation("batches", shape=_STORED)
_MODEL = rf"{SEGMENT}(?:/{SEGMENT}){{0,3}}"  # `accounts/fireworks/models/x`
_FLUX = rf"/inference/v1/workflows/{_MODEL}"

_WHISPER = "audio-prod.us-virginia-1.direct.fireworks.ai"
"""Where its transcriptions are (https://docs.fireworks.ai/api-reference/audio-transcriptions)."""

_ROUTES = Routes(
    route("POST", "/inference/v1/chat/completions", Operation("chat", _CHAT)),
    route("POST", "/inference/v1/completions", Operation("completions", _CHAT)),
    route("POST", "/inference/v1/messages", Operation("messages", AnthropicMessages())),
    route("POST", "/inference/v1/embeddings", Operation("embeddings", _EMBEDDINGS)),
    route("POST", "/inference/v1/rerank", Operation("rerank", _EMBEDDINGS)),
    route("POST", "/inference/v1/responses", Operation("responses", _RESPONSES)),
    route("GET", "/inference/v1/responses", _STORED_RESPONSES),
    route("GET DELETE", "/inference/v1/responses/{id}", _STORED_RESPONSES),
    route("POST", "{base}/v1/audio/{what}", _AUDIO, base="(?:/inference)?", what="transcriptions|translations"),
    route("POST", "{base}{rest}", _IMAGES, base=_FLUX, rest="(?:/text_to_image)?"),
    route("POST", "{base}/get_result", Operation("images", shape=_STORED), base=_FLUX),
    route("POST", "/inference/v1/image_generation/{id}", _IMAGES, id=_MODEL),
    route("GET", "/inference/v1/models", _MODELS),
    route("GET", "/inference/v1/models/{id}", _MODELS, id=_MODEL),
    route("GET", "/v1/accounts/{account}/models{rest}", _MODELS, rest=BELOW),
    route("GET POST DELETE", "/v1/accounts/{account}/datasets{rest}", _DATASETS, rest=f"(?:/{SEGMENT})?"),
    route("POST", "/v1/accounts/{account}/datasets/{id}:upload", replace(_DATASETS, shape=None, form=_STORED)),
    route("POST GET", "/v1/accounts/{account}/datasets/{id}:{what}", _DATASETS, what="getUploadEndpoint|validateUpload"),
    route("GET", "/v1/accounts/{account}/datasets/{id}:getDownloadEndpoint", _DATASETS),
    route("POST", "/v1/accounts/{account}/batchInferenceJobs", replace(_BATCHES, uncounted=True)),  # of a whole dataset
    route("GET DELETE", "/v1/accounts/{account}/batchInferenceJobs{rest}", _BATCHES, rest=f"(?:/{SEGMENT})?"),
)


class Fireworks(Provider):
    name = "fireworks"
    secret_names = ("FIREWORKS_API_KEY",)
    listed_as = "fireworks"
    hosts = ("api.fireworks.ai", _WHISPER, "audio-turbo.us-virginia-1.direct.fireworks.ai")
    name_constraints = ("api.fireworks.ai", "us-virginia-1.direct.fireworks.ai")
    shared_paths = _ROUTES.shared

    def host_for(self, path: str) -> str:
        return _WHISPER if path.startswith("/v1/audio/") else "api.fireworks.ai"

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        return {"authorization": f"Bearer {secret.reveal()}"}

    def error(self, status: int, message: str) -> ErrorAnswer:
        return openai_error(status, message)


provider = Fireworks()
