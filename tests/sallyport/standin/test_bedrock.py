"""The real boto3 talks to the stand-in, as to Bedrock."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportIndexIssue=false
from __future__ import annotations

import json

import boto3
import httpx2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from urllib3.exceptions import ProtocolError

from sallyport.standin import StandIn

ANSWER = "This answer comes from the stand-in and is always the same."
CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


@pytest.fixture
def bedrock(standin: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "ABSK-provider")
    config = Config(retries={"max_attempts": 1}, proxies={})
    return boto3.client(
        "bedrock-runtime", region_name="us-east-1", endpoint_url=standin.url, verify=str(standin.ca), config=config
    )


def ask(text: str) -> list[dict[str, object]]:
    return [{"role": "user", "content": [{"text": text}]}]


def claude(text: str) -> bytes:
    messages = [{"role": "user", "content": text}]
    return json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50, "messages": messages}).encode()


def test_converse(bedrock, standin: StandIn):
    answer = bedrock.converse(modelId=CLAUDE, messages=ask("[[in:100]] [[cached:20]]"), system=[{"text": "be brief"}])
    assert answer["output"]["message"]["content"] == [{"text": ANSWER}]
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert (usage["inputTokens"], usage["cacheReadInputTokens"], usage["outputTokens"]) == (100, 20, 11)
    assert answer["ResponseMetadata"]["RequestId"]
    assert standin.requests()[0].target == f"/model/{CLAUDE.replace(':', '%3A')}/converse"


def test_converse_stream(bedrock):
    events = list(bedrock.converse_stream(modelId=CLAUDE, messages=ask("hello there"))["stream"])
    assert [next(iter(event)) for event in events if "contentBlockDelta" not in event] == [
        "messageStart",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event) == ANSWER
    assert events[-1]["metadata"]["usage"]["totalTokens"] == 13


def test_converse_calls_a_tool(bedrock):
    tools = {"tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}]}
    answer = bedrock.converse(modelId=CLAUDE, messages=ask("[[tool]]"), toolConfig=tools)
    assert answer["stopReason"] == "tool_use"
    call = answer["output"]["message"]["content"][0]["toolUse"]
    assert (call["name"], call["input"]) == ("look", {"location": "Paris"})
    events = list(bedrock.converse_stream(modelId=CLAUDE, messages=ask("[[tool]]"), toolConfig=tools)["stream"])
    parts = [event["contentBlockDelta"]["delta"]["toolUse"]["input"] for event in events if "contentBlockDelta" in event]
    assert json.loads("".join(parts)) == {"location": "Paris"}


def test_invoke(bedrock):
    answer = bedrock.invoke_model(modelId=CLAUDE, body=claude("four words of prompt"))
    body = json.loads(answer["body"].read())
    assert (body["content"][0]["text"], body["usage"]["input_tokens"]) == (ANSWER, 4)
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amzn-bedrock-input-token-count"], headers["x-amzn-bedrock-output-token-count"]) == ("4", "11")


def test_invoke_stream(bedrock):
    answer = bedrock.invoke_model_with_response_stream(modelId=CLAUDE, body=claude("hello"))
    events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    assert [events[0]["type"], events[-1]["type"]] == ["message_start", "message_stop"]
    assert events[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 11


def test_invoke_other_vendors(bedrock):
    answer = bedrock.invoke_model(modelId="amazon.nova-lite-v1:0", body=json.dumps({"messages": ask("hello")}))
    assert json.loads(answer["body"].read())["output"]["message"]["content"][0]["text"] == ANSWER
    answer = bedrock.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "two words"}))
    assert json.loads(answer["body"].read())["inputTextTokenCount"] == 2
    with pytest.raises(ClientError, match="model identifier"):
        bedrock.invoke_model(modelId="nobody.none", body=b"{}")


def test_errors(bedrock):
    with pytest.raises(bedrock.exceptions.ThrottlingException, match="asked to answer 429"):
        bedrock.converse(modelId=CLAUDE, messages=ask("[[status:429]]"))
    with pytest.raises(EventStreamError, match="failed while it streamed"):
        list(bedrock.converse_stream(modelId=CLAUDE, messages=ask("[[error-after:3]]"))["stream"])
    with pytest.raises(ProtocolError):
        list(bedrock.converse_stream(modelId=CLAUDE, messages=ask("[[die-after:3]]"))["stream"])


def test_a_credential_that_is_missing_or_the_gateways(standin: StandIn):
    cases = {"": "MissingAuthenticationTokenException", "Bearer sp_x": "UnrecognizedClientException"}
    for value, kind in {**cases, "AWS4-HMAC-SHA256 Credential=AKIA": "IncompleteSignatureException"}.items():
        headers = {"authorization": value} if value else {}
        answer = httpx2.post(f"{standin.url}/model/m/converse", json={}, headers=headers, verify=standin.tls, trust_env=False)
        assert answer.status_code == 403
        assert answer.headers["x-amzn-errortype"].startswith(kind)
        assert "message" in answer.json()


def test_inference_profiles(standin: StandIn):
    headers = {"authorization": "Bearer k"}
    answer = httpx2.get(f"{standin.url}/inference-profiles", headers=headers, verify=standin.tls, trust_env=False)
    assert answer.json()["inferenceProfileSummaries"][0]["status"] == "ACTIVE"
