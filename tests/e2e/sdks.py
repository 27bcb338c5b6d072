"""The vendors' own SDKs, configured as their users do: by environment variables alone."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportIndexIssue=false
from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import anthropic
import boto3
import openai
from anthropic.lib.vertex import AnthropicVertex
from botocore.config import Config
from botocore.exceptions import ClientError
from google import genai
from google.genai import errors
from google.oauth2.credentials import Credentials

ANSWER = "This answer comes from the stand-in and is always the same."
CLAUDE_ON_BEDROCK = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
DUMMY = "dummy-credential"


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sdk:
    """One API of one SDK."""

    name: str
    provider: str
    model: str
    operation: str
    ask: Callable[[str, bool], Reply]
    """Prompt, stream or not. Raises the SDK's own exception."""
    credential: str
    """What the provider must see, in which header."""
    streams: bool = True
    metered: bool = True

    def __str__(self) -> str:
        return self.name


def base_urls(address: str, key: str, ca: Path) -> dict[str, str]:
    """A client's environment for base-URL mode."""
    url = f"http://{address}"
    return {
        "OPENAI_BASE_URL": f"{url}/openai/v1",
        "OPENAI_API_KEY": key,
        "ANTHROPIC_BASE_URL": f"{url}/anthropic",
        "ANTHROPIC_API_KEY": key,
        "GOOGLE_GEMINI_BASE_URL": f"{url}/gemini",
        "GOOGLE_API_KEY": key,
        "GOOGLE_VERTEX_BASE_URL": f"{url}/vertex",
        "ANTHROPIC_VERTEX_BASE_URL": f"{url}/vertex/v1",
        "VERTEX_TOKEN": key,
        # boto3 sends its bearer over https only
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"https://{address}/bedrock",
        "AWS_BEARER_TOKEN_BEDROCK": key,
        "AWS_CA_BUNDLE": str(ca),
        "FIREWORKS_BASE_URL": f"{url}/fireworks/inference/v1",
        "FIREWORKS_API_KEY": key,
        "BASETEN_BASE_URL": f"{url}/baseten/v1",
        "BASETEN_API_KEY": key,
    }


def proxy(address: str, key: str, bundle: Path) -> dict[str, str]:
    """A client's environment for proxy mode."""
    names = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "VERTEX_TOKEN", "AWS_BEARER_TOKEN_BEDROCK")
    names += ("FIREWORKS_API_KEY", "BASETEN_API_KEY")
    roots = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
    return {
        "HTTPS_PROXY": f"http://sallyport:{key}@{address}",
        "FIREWORKS_BASE_URL": "https://api.fireworks.ai/inference/v1",
        "BASETEN_BASE_URL": "https://inference.baseten.co/v1",
        **dict.fromkeys(names, DUMMY),
        **dict.fromkeys(roots, str(bundle)),
    }


def status_of(error: Exception) -> int:
    """The HTTP status an SDK's exception tells."""
    if isinstance(error, ClientError):
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    return error.code if isinstance(error, errors.APIError) else error.status_code


def headers_of(error: Exception) -> Mapping[str, str]:
    if isinstance(error, ClientError):
        return error.response["ResponseMetadata"]["HTTPHeaders"]
    return error.response.headers


REFUSED = (openai.APIStatusError, anthropic.APIStatusError, errors.APIError, ClientError)


def _messages(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def _compatible(prefix: str, model: str) -> Callable[[str, bool], Reply]:
    def ask(text: str, stream: bool) -> Reply:
        api = openai.OpenAI(base_url=os.environ.get(f"{prefix}_BASE_URL"), api_key=os.environ[f"{prefix}_API_KEY"], max_retries=0)
        raw = api.chat.completions.with_raw_response.create(model=model, messages=_messages(text), stream=stream)
        answer = raw.parse()
        if not stream:
            return Reply(answer.choices[0].message.content, raw.headers)
        return Reply("".join(chunk.choices[0].delta.content or "" for chunk in answer), raw.headers)

    return ask


def _responses(text: str, stream: bool) -> Reply:
    raw = openai.OpenAI(max_retries=0).responses.with_raw_response.create(model="gpt-5-mini", input=text, stream=stream)
    answer = raw.parse()
    return Reply((list(answer)[-1].response if stream else answer).output_text, raw.headers)


def _embeddings(text: str, stream: bool) -> Reply:
    raw = openai.OpenAI(max_retries=0).embeddings.with_raw_response.create(model="text-embedding-3-small", input=text)
    return Reply(ANSWER if raw.parse().data[0].embedding[0] == len(text.split()) / 2 else "", raw.headers)


def _models(text: str, stream: bool) -> Reply:
    raw = openai.OpenAI(max_retries=0).models.with_raw_response.list()
    return Reply(ANSWER if any(model.id == "gpt-4o-mini" for model in raw.parse()) else "", raw.headers)


def _claude(api: anthropic.Anthropic | AnthropicVertex, text: str, stream: bool) -> Reply:
    raw = api.messages.with_raw_response.create(model="claude-haiku-4-5", max_tokens=200, messages=_messages(text), stream=stream)
    answer = raw.parse()
    if not stream:
        return Reply(answer.content[0].text, raw.headers)
    return Reply("".join(event.delta.text for event in answer if event.type == "content_block_delta"), raw.headers)


def _anthropic(text: str, stream: bool) -> Reply:
    return _claude(anthropic.Anthropic(max_retries=0), text, stream)


def _anthropic_on_vertex(text: str, stream: bool) -> Reply:
    token = os.environ["VERTEX_TOKEN"]
    return _claude(AnthropicVertex(project_id="p", region="us-east5", access_token=token, max_retries=0), text, stream)


def _genai(api: genai.Client, text: str, stream: bool) -> Reply:
    if not stream:
        answer = api.models.generate_content(model="gemini-2.5-flash", contents=text)
        return Reply(answer.text, answer.sdk_http_response.headers)
    chunks = list(api.models.generate_content_stream(model="gemini-2.5-flash", contents=text))
    return Reply("".join(chunk.text for chunk in chunks), chunks[0].sdk_http_response.headers)


def _gemini(text: str, stream: bool) -> Reply:
    return _genai(genai.Client(), text, stream)


def _vertex(text: str, stream: bool) -> Reply:
    credentials = Credentials(token=os.environ["VERTEX_TOKEN"])
    # an API key in the environment would win over the credentials
    key = os.environ.pop("GOOGLE_API_KEY", None)
    try:
        api = genai.Client(vertexai=True, project="p", location="us-central1", credentials=credentials)
    finally:
        if key is not None:
            os.environ["GOOGLE_API_KEY"] = key
    return _genai(api, text, stream)


def _bedrock():
    return boto3.client("bedrock-runtime", region_name="us-east-1", config=Config(retries={"max_attempts": 1}))


def _converse(text: str, stream: bool) -> Reply:
    messages = [{"role": "user", "content": [{"text": text}]}]
    if not stream:
        answer = _bedrock().converse(modelId=CLAUDE_ON_BEDROCK, messages=messages)
        return Reply(answer["output"]["message"]["content"][0]["text"], answer["ResponseMetadata"]["HTTPHeaders"])
    answer = _bedrock().converse_stream(modelId=CLAUDE_ON_BEDROCK, messages=messages)
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in answer["stream"] if "contentBlockDelta" in event]
    return Reply("".join(deltas), answer["ResponseMetadata"]["HTTPHeaders"])


def _invoke(text: str, stream: bool) -> Reply:
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 200, "messages": _messages(text)})
    if not stream:
        answer = _bedrock().invoke_model(modelId=CLAUDE_ON_BEDROCK, body=body)
        return Reply(json.loads(answer["body"].read())["content"][0]["text"], answer["ResponseMetadata"]["HTTPHeaders"])
    answer = _bedrock().invoke_model_with_response_stream(modelId=CLAUDE_ON_BEDROCK, body=body)
    events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    deltas = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    return Reply("".join(deltas), answer["ResponseMetadata"]["HTTPHeaders"])


_BEARER = "authorization: Bearer "
_OPENAI_KEY = _BEARER + "{OPENAI_API_KEY}"
_VERTEX_TOKEN = _BEARER + "ya29.stand-in-access-token"
_BEDROCK_KEY = _BEARER + "{AWS_BEARER_TOKEN_BEDROCK}"
_FIREWORKS = "accounts/fireworks/models/llama-v3p1-8b-instruct"
_BASETEN = "openai/gpt-oss-120b"

SDKS = (
    Sdk("openai-chat", "openai", "gpt-4o-mini", "chat", _compatible("OPENAI", "gpt-4o-mini"), _OPENAI_KEY),
    Sdk("openai-responses", "openai", "gpt-5-mini", "responses", _responses, _OPENAI_KEY),
    Sdk("openai-embeddings", "openai", "text-embedding-3-small", "embeddings", _embeddings, _OPENAI_KEY, streams=False),
    Sdk("openai-models", "openai", "", "models", _models, _OPENAI_KEY, streams=False, metered=False),
    Sdk("anthropic", "anthropic", "claude-haiku-4-5", "messages", _anthropic, "x-api-key: {ANTHROPIC_API_KEY}"),
    Sdk("gemini", "gemini", "gemini-2.5-flash", "generate", _gemini, "x-goog-api-key: {GOOGLE_API_KEY}"),
    Sdk("vertex", "vertex", "gemini-2.5-flash", "generate", _vertex, _VERTEX_TOKEN),
    Sdk("vertex-anthropic", "vertex", "claude-haiku-4-5", "messages", _anthropic_on_vertex, _VERTEX_TOKEN),
    Sdk("bedrock-converse", "bedrock", CLAUDE_ON_BEDROCK, "converse", _converse, _BEDROCK_KEY),
    Sdk("bedrock-invoke", "bedrock", CLAUDE_ON_BEDROCK, "invoke", _invoke, _BEDROCK_KEY),
    Sdk("fireworks", "fireworks", _FIREWORKS, "chat", _compatible("FIREWORKS", _FIREWORKS), _BEARER + "{FIREWORKS_API_KEY}"),
    Sdk("baseten", "baseten", _BASETEN, "chat", _compatible("BASETEN", _BASETEN), _BEARER + "{BASETEN_API_KEY}"),
)
GENERATING = tuple(sdk for sdk in SDKS if sdk.metered and sdk.streams)
