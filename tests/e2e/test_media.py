"""Sound, pictures, files and batches by the vendors' SDKs: guarded, metered, and within a budget."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
from __future__ import annotations

import io
import json
from typing import Any

import anthropic
import openai
import pytest
from google import genai

from sallyport.standin import StandIn
from tests.e2e.support import Gateway, Team
from tests.e2e.test_redaction import GUARD

EMAIL = "ada.lovelace@example.com"
PROMPT = f"for {EMAIL}"
WAV = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x80>\0\0\0}\0\0\x02\0\x10\0data\xff\xff\xff\xff"
SOUND = WAV + bytes(5 * 32_000 - len(WAV))
"""Five seconds."""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(4000)


@pytest.fixture(scope="module")
def team(gateway: Gateway) -> Team:
    """Guarded, and with a budget that is not strict."""
    guard = {"policy_type": "guard", "action": "redact", "name": "Clean", "config": GUARD}
    return gateway.team("media", guard, {"policy_type": "spend_cap", "config": {"window": "monthly", "limit_usd": 1000}})


@pytest.fixture
def client(gateway: Gateway, team: Team) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=team.key, max_retries=0)


def recorded(gateway: Gateway, raw: Any) -> dict[str, Any]:
    return gateway.call(raw.headers["x-gateway-request-id"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_transcription(gateway: Gateway, standin: StandIn, client: openai.OpenAI, stream: bool):
    raw = client.audio.transcriptions.with_raw_response.create(
        model="gpt-4o-transcribe", file=("a.wav", SOUND), prompt=PROMPT, stream=stream
    )
    [received] = standin.requests()
    assert EMAIL not in received
    assert SOUND in received.body
    record = recorded(gateway, raw)
    assert (record["operation"], record["model"], record["stream"]) == ("audio", "gpt-4o-transcribe", stream)
    assert (record["input_tokens"], record["output_tokens"], record["estimated"]) == (50, 11, False)
    assert record["redactions"] == {"EMAIL": 1}
    assert record["cost_usd"] == "0.00041"  # 50 × $6 and 11 × $10 a million


def test_a_transcription_by_length_as_plain_text(gateway: Gateway, standin: StandIn, client: openai.OpenAI):
    raw = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=("a.wav", SOUND), response_format="text")
    record = recorded(gateway, raw)
    assert (record["cost_usd"], record["estimated"], record["unpriced"]) == ("0.0005", True, False)  # $0.36 an hour


def test_speech(gateway: Gateway, standin: StandIn, client: openai.OpenAI):
    raw = client.audio.speech.with_raw_response.create(model="gpt-4o-mini-tts", voice="alloy", input=PROMPT)
    assert raw.content == bytes(3200)
    assert EMAIL not in standin.requests()[0]
    record = recorded(gateway, raw)
    assert (record["operation"], record["estimated"], record["unpriced"]) == ("audio", True, False)
    assert record["output_tokens"] > 0


def test_an_edited_picture(gateway: Gateway, standin: StandIn, client: openai.OpenAI):
    raw = client.images.with_raw_response.edit(model="gpt-image-1", image=("a.png", PNG), prompt=PROMPT)
    [received] = standin.requests()
    assert EMAIL not in received
    assert PNG in received.body
    record = recorded(gateway, raw)
    assert (record["input_tokens"], record["output_tokens"], record["estimated"]) == (302, 300, False)
    assert record["cost_usd"] == "0.01501"  # 2 × $5, 300 × $10 and 300 × $40 a million


def test_a_batch_by_file(gateway: Gateway, standin: StandIn, client: openai.OpenAI):
    body = {"model": "gpt-4o-mini", "max_tokens": 100, "messages": [{"role": "user", "content": PROMPT}]}
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    file = client.files.create(file=io.BytesIO(json.dumps(line).encode() + b"\n"), purpose="batch")
    assert EMAIL not in standin.requests()[0]
    raw = client.batches.with_raw_response.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert raw.parse().input_file_id == file.id
    record = recorded(gateway, raw)
    assert (record["operation"], record["model"], record["output_tokens"]) == ("batches", "gpt-4o-mini", 100)
    assert (record["estimated"], record["unpriced"]) == (True, False)


def test_a_batch_of_a_file_that_nobody_saw_is_refused_under_a_cap(standin: StandIn, client: openai.OpenAI):
    with pytest.raises(openai.PermissionDeniedError, match="can't be counted"):
        client.batches.create(input_file_id="file-unseen", endpoint="/v1/chat/completions", completion_window="24h")
    assert standin.requests() == []


def test_anthropics_batch(gateway: Gateway, standin: StandIn, team: Team):
    client = anthropic.Anthropic(base_url=f"{gateway.url}/anthropic", api_key=team.key, max_retries=0)
    params = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": PROMPT}]}
    raw = client.messages.batches.with_raw_response.create(requests=[{"custom_id": "1", "params": params}] * 3)
    assert EMAIL not in standin.requests()[0]
    record = recorded(gateway, raw)
    assert (record["model"], record["output_tokens"], record["estimated"]) == ("claude-haiku-4-5", 300, True)
    assert not record["unpriced"]


def test_geminis_batch(gateway: Gateway, standin: StandIn, team: Team):
    client = genai.Client(api_key=team.key, http_options={"base_url": f"{gateway.url}/gemini"})
    requests = [{"contents": [{"role": "user", "parts": [{"text": PROMPT}]}], "config": {"max_output_tokens": 50}}]
    client.batches.create(model="gemini-2.5-flash", src=requests)
    [received] = standin.requests()
    assert EMAIL not in received
    record = gateway.calls(workspace_id=team.workspace_id)[0]
    assert (record["operation"], record["model"], record["output_tokens"]) == ("batches", "gemini-2.5-flash", 50)
    assert (record["estimated"], record["unpriced"]) == (True, False)


def test_a_form_is_not_sold_when_the_budget_is_used_up(gateway: Gateway, standin: StandIn):
    """What has left of it by then is no request: its last boundary is missing."""
    team = gateway.team("spent", {"policy_type": "spend_cap", "config": {"window": "monthly", "limit_usd": 0}})
    client = openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=team.key, max_retries=0)
    with pytest.raises(openai.APIStatusError, match="spend limit is used up") as refused:
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", SOUND))
    assert refused.value.status_code == 402
    assert standin.requests() == []


def test_a_form_is_judged_by_its_model_wherever_that_stands(gateway: Gateway, standin: StandIn):
    team = gateway.team("restricted", {"policy_type": "model_access", "config": {"allow": ["openai/whisper-1"]}})
    head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    with gateway.client(team) as client:
        for model, status in (("whisper-1", 200), ("gpt-4o-transcribe", 403)):
            field = f'\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n{model}\r\n--b--\r\n'
            body = head.encode() + SOUND + field.encode()
            answer = client.post("/openai/v1/audio/transcriptions", content=body, headers=headers)
            assert answer.status_code == status, answer.text
    assert len(standin.requests()) == 1
