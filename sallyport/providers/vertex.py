"""Google Vertex AI (https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest), with its partners' models.

Of a project models, jobs and their operations are in the table. What deploys, or administers data, is not, so that it gets no key
of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sallyport.providers.base import ErrorAnswer, Operation, Provider, Surroundings, Upstream
from sallyport.providers.errors import google_error
from sallyport.providers.regions import GOOGLE_LOCATIONS
from sallyport.providers.routes import SEGMENT, Route, Routes, route
from sallyport.providers.vertex_account import SECRET_NAME, check_account
from sallyport.providers.vertex_token import VertexTokens
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.google_embed import GoogleEmbed
from sallyport.providers.wire.google_generate import GoogleGenerate, google_reshapes
from sallyport.providers.wire.google_interactions import GoogleInteractions
from sallyport.providers.wire.google_live import GoogleLive
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings
from sallyport.providers.wire.stored import Stored
from sallyport.secret import Secret

_ANTHROPIC, _GENERATE, _EMBED = AnthropicMessages(), GoogleGenerate(), GoogleEmbed()
_MISTRAL = OpenAIChat(asks_for_usage=False)
_MODELS, _CACHES = Operation("models"), Operation("cached_contents", shape=_GENERATE)
_NEW_CACHE = replace(_CACHES, uncounted=True)
_STORED = Stored()
_JOBS, _TUNING = Operation("batches", shape=_STORED), Operation("tuning_jobs", shape=_STORED)
_MADE = Operation("predict", shape=_EMBED, uncounted=True)  # pictures, videos, music; and what a tuned model's endpoint serves

_PROJECT = r"[a-z0-9][a-z0-9.:-]*"  # `example.com:project` is an old spelling that still holds
_LOCATION = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_MODEL = r"[A-Za-z0-9](?:[A-Za-z0-9._@-]|%40)*"  # `claude-sonnet-4-5@20250929`
_EMBEDDING = r"(?:[A-Za-z0-9._@-]|%40)*embedding(?:[A-Za-z0-9._@-]|%40)*"
_KINDS = "publishers/google/models|endpoints"
_CHATTING = "mistralai|meta|ai21|xai|qwen|deepseek-ai|openai|moonshotai|minimaxai|zai-org"
"""Publishers whose models speak OpenAI's chat."""
_LOCATED = re.compile(rf"/[a-z0-9]+/projects/{_PROJECT}/locations/({_LOCATION})/")


def _in_project(methods: str, template: str, operation: Operation, **parts: str) -> Route:
    where = "/{version}/projects/{project}/locations/{location}"
    fixed = {"version": "v1|v1beta1", "project": _PROJECT, "location": _LOCATION, "model": _MODEL}
    return route(methods, where + template, operation, **fixed | parts)


def _model(publisher: str, method: str, operation: Operation) -> Route:
    return _in_project("POST", "/publishers/{publisher}/models/{model}:" + method, operation, publisher=publisher)


def _google(method: str, operation: Operation, **parts: str) -> Route:
    """Of Google's own models, and of what was tuned from them, which has an endpoint."""
    return _in_project("POST", "/{kind}/{model}:" + method, operation, kind=_KINDS, **parts)


_ONE = rf"(?:/{SEGMENT}(?::cancel|/cancel)?)?"

_ROUTES = Routes(
    _google("generateContent", Operation("generate", _GENERATE)),
    _google("streamGenerateContent", Operation("generate", _GENERATE, stream=True)),
    _google("{count}", Operation("count_tokens", shape=_GENERATE), count="countTokens|computeTokens"),
    _in_project("POST", "/publishers/google/models/{model}:predict", Operation("embeddings", _EMBED), model=_EMBEDDING),
    _google("{predict}", _MADE, predict="predict|predictLongRunning"),
    _google("fetchPredictOperation", Operation("operations", shape=_EMBED)),
    _model("google", "embedContent", Operation("embeddings", _EMBED)),
    _in_project("POST", "/interactions", Operation("interactions", GoogleInteractions())),
    _in_project("POST", "/publishers/anthropic/models/count-tokens:rawPredict", Operation("count_tokens", shape=_ANTHROPIC)),
    _model("anthropic", "rawPredict", Operation("messages", _ANTHROPIC)),
    _model("anthropic", "streamRawPredict", Operation("messages", _ANTHROPIC, stream=True)),
    _model(_CHATTING, "rawPredict", Operation("chat", _MISTRAL)),
    _model(_CHATTING, "streamRawPredict", Operation("chat", _MISTRAL, stream=True)),
    _in_project("POST", "/endpoints/{endpoint}/chat/completions", Operation("chat", OpenAIChat())),
    _in_project("POST", "/endpoints/{endpoint}/completions", Operation("completions", OpenAIChat())),
    _in_project("POST", "/endpoints/{endpoint}/embeddings", Operation("embeddings", OpenAIEmbeddings())),
    route(
        "GET",
        "{slashes}ws/google.cloud.aiplatform.{version}.LlmBidiService/BidiGenerateContent",
        Operation("connect", socket=GoogleLive()),
        slashes="//?",  # Google's own SDK puts two
        version="v1|v1beta1",
    ),
    _in_project("GET", "/cachedContents", _CACHES),
    _in_project("POST", "/cachedContents", _NEW_CACHE),
    _in_project("GET PATCH DELETE", "/cachedContents/{id}", _CACHES),
    _in_project("POST", "/batchPredictionJobs", replace(_JOBS, uncounted=True)),  # what it reads is in Cloud Storage or BigQuery
    _in_project("POST", "/tuningJobs", replace(_TUNING, uncounted=True)),
    _in_project("GET POST DELETE", "/batchPredictionJobs{rest}", _JOBS, rest=_ONE),
    _in_project("GET POST", "/tuningJobs{rest}", _TUNING, rest=_ONE),
    _in_project("GET POST DELETE", "/interactions{rest}", Operation("interactions", shape=_STORED), rest=_ONE),
    _in_project("GET POST DELETE", "/operations{rest}", Operation("operations", shape=_STORED), rest=_ONE),
    _in_project("GET", "/{kind}/{model}/operations/{id}", Operation("operations"), kind=_KINDS),
    _in_project("GET", "/models{rest}", _MODELS, rest=_ONE),
    _in_project("GET", "/endpoints{rest}", Operation("endpoints"), rest=_ONE),
    route("GET", "/{version}/publishers/{publisher}/models", _MODELS, version="v1|v1beta1"),
    route("GET", "/{version}/publishers/{publisher}/models/{id}", _MODELS, version="v1|v1beta1", id=rf"{SEGMENT}(?:@{SEGMENT})?"),
)


def _host(location: str) -> str:
    if location == "global":
        return "aiplatform.googleapis.com"
    return f"aiplatform.{location}.rep.googleapis.com" if location in ("us", "eu") else f"{location}-aiplatform.googleapis.com"


class Vertex(Provider):
    name = "vertex"
    secret_names = (SECRET_NAME,)
    listed_as = "google"  # the list has both as one, with Anthropic's models on Vertex
    hosts = ("aiplatform.googleapis.com", "*-aiplatform.googleapis.com", "aiplatform.*.rep.googleapis.com")
    name_constraints = (
        "aiplatform.googleapis.com",
        "aiplatform.us.rep.googleapis.com",
        "aiplatform.eu.rep.googleapis.com",
        *(f"{location}-aiplatform.googleapis.com" for location in GOOGLE_LOCATIONS),
    )

    def __init__(self) -> None:
        self._tokens = VertexTokens()

    def configure(self, around: Surroundings) -> None:
        self._tokens.ca_bundle, self._tokens.proxy = around.ca_bundle, around.proxy
        self._tokens.token_files = around.workload_token_dirs

    def host_for(self, path: str) -> str:
        """The host of the location in the path; the global one where there is none."""
        match = _LOCATED.match(path)
        return _host(match[1] if match else "global")

    def host_at(self, place: str, path: str) -> str | None:
        """For paths that name no location, as those of WebSockets do."""
        return _host(place) if re.fullmatch(_LOCATION, place) else None

    def operation(self, method: str, path: str) -> Operation | None:
        return _ROUTES.match(method, path)

    def with_model(self, path: str, model: str) -> str | None:
        return _ROUTES.with_model(path, model)

    def reshapes(self, name: str, value: str) -> bool:
        return google_reshapes(name, value)

    async def authorize(self, secret: Secret, token_endpoint: Upstream | None = None) -> Mapping[str, str]:
        """An access token that Google, or who stands for it at `token_endpoint`, gives for the account."""
        return {"authorization": f"Bearer {await self._tokens.token(secret, token_endpoint)}"}

    def check_secret(self, secret_name: str, secret: Secret) -> None:
        check_account(secret)

    def error(self, status: int, message: str) -> ErrorAnswer:
        return google_error(status, message)


provider = Vertex()
