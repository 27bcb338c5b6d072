"""The real google-genai SDK talks to the stand-in, as to Gemini and as to Vertex."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportIndexIssue=false
from __future__ import annotations

import json
import time

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google import genai
from google.auth import jwt
from google.auth.crypt import RSASigner
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from sallyport.standin import StandIn

ANSWER = "This answer comes from the stand-in and is always the same."
MODEL = "gemini-2.5-flash"


@pytest.fixture
def gemini(standin: StandIn) -> genai.Client:
    return genai.Client(api_key="AIza-provider", http_options=options(standin))


@pytest.fixture
def vertex(standin: StandIn) -> genai.Client:
    credentials = Credentials(token="ya29.provider")
    return genai.Client(
        vertexai=True, project="p", location="europe-west1", credentials=credentials, http_options=options(standin)
    )


@pytest.fixture(params=["gemini", "vertex"])
def either(request: pytest.FixtureRequest) -> genai.Client:
    return request.getfixturevalue(request.param)


def options(standin: StandIn) -> types.HttpOptions:
    return types.HttpOptions(base_url=standin.url, client_args={"verify": standin.tls, "trust_env": False})


def test_generate(either: genai.Client):
    answer = either.models.generate_content(model=MODEL, contents="four words of prompt")
    assert answer.text == ANSWER
    usage = answer.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (4, 11, 15)
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP


def test_generate_a_stream(either: genai.Client):
    chunks = list(either.models.generate_content_stream(model=MODEL, contents="[[reasoning:7]] [[cached:5]] hello"))
    assert "".join(chunk.text for chunk in chunks) == ANSWER
    usage = chunks[-1].usage_metadata
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (8, 5)
    assert (usage.candidates_token_count, usage.thoughts_token_count, usage.total_token_count) == (11, 7, 26)


def test_the_paths_of_vertex(standin: StandIn, vertex: genai.Client):
    list(vertex.models.generate_content_stream(model=MODEL, contents="hello"))
    path = f"/projects/p/locations/europe-west1/publishers/google/models/{MODEL}:streamGenerateContent?alt=sse"
    assert standin.requests()[0].target.endswith(path)


def test_a_stream_without_alt_is_one_json_array(standin: StandIn):
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    url = f"{standin.url}/v1beta/models/{MODEL}:streamGenerateContent?key=AIza"
    chunks = httpx2.post(url, json=body, verify=standin.tls, trust_env=False).json()
    assert "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks) == ANSWER
    body["contents"][0]["parts"][0]["text"] = "[[error-after:2]]"
    assert httpx2.post(url, json=body, verify=standin.tls, trust_env=False).json()[-1]["error"]["status"] == "UNAVAILABLE"


def test_a_tool_call_and_a_limit(gemini: genai.Client):
    look = types.Tool(function_declarations=[types.FunctionDeclaration(name="look")])
    config = types.GenerateContentConfig(tools=[look], max_output_tokens=4)
    call = gemini.models.generate_content(model=MODEL, contents="[[tool]]", config=config).function_calls[0]
    assert (call.name, call.args) == ("look", {"location": "Paris"})
    answer = gemini.models.generate_content(model=MODEL, contents="hello", config=config)
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert answer.usage_metadata.candidates_token_count == 4


def test_count_and_embed(either: genai.Client):
    models = either.models
    assert models.count_tokens(model=MODEL, contents="just three words").total_tokens == 3
    embedded = models.embed_content(model="gemini-embedding-001", contents="two words")
    assert embedded.embeddings[0].values[0] == 1.0


def test_models(gemini: genai.Client):
    assert [model.name for model in gemini.models.list()] == ["models/gemini-2.5-flash", "models/gemini-2.5-pro"]


def test_errors_by_order(either: genai.Client):
    with pytest.raises(errors.ClientError) as raised:
        either.models.generate_content(model=MODEL, contents="[[status:429]]")
    assert (raised.value.code, raised.value.status) == (429, "RESOURCE_EXHAUSTED")


def test_a_credential_that_is_missing_or_the_gateways(standin: StandIn):
    for headers, status, name in (({}, 403, "PERMISSION_DENIED"), ({"x-goog-api-key": "sp_x"}, 400, "INVALID_ARGUMENT")):
        url = f"{standin.url}/v1beta/models/{MODEL}:generateContent"
        answer = httpx2.post(url, json={}, headers=headers, verify=standin.tls, trust_env=False)
        assert (answer.status_code, answer.json()["error"]["status"]) == (status, name)
    url = f"{standin.url}/v1/projects/p/locations/l/publishers/google/models/{MODEL}:generateContent"
    for headers in ({}, {"x-goog-api-key": "AIza"}, {"authorization": "Bearer sp_x"}):
        answer = httpx2.post(url, json={}, headers=headers, verify=standin.tls, trust_env=False)
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_a_service_account_gets_a_token(standin: StandIn):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    now = int(time.time())
    claims = {"iss": "me@p.iam.gserviceaccount.com", "aud": standin.url, "iat": now, "exp": now + 3600, "scope": "s"}
    assertion = jwt.encode(RSASigner.from_string(pem, "1"), claims).decode()
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    answer = httpx2.post(f"{standin.url}/token", data=form, verify=standin.tls, trust_env=False)
    assert answer.json()["access_token"].startswith("ya29.")
    assert answer.json()["expires_in"] > 3000
    for broken in ({**form, "assertion": "x"}, {"grant_type": "password"}):
        answer = httpx2.post(f"{standin.url}/token", data=broken, verify=standin.tls, trust_env=False)
        assert (answer.status_code, json.loads(answer.text)["error"]) == (400, "invalid_grant")


def test_an_answer_fits_the_schema_that_the_request_asks_for(gemini: genai.Client):
    schema = {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "score": {"type": "integer"}, "kind": {"enum": ["a", "b"]}},
        "required": ["reason", "score", "kind"],
    }
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema)
    answer = gemini.models.generate_content(model=MODEL, contents="how hard?", config=config)
    assert json.loads(answer.text) == {"reason": "text", "score": 1, "kind": "a"}
