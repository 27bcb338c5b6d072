"""Callers that sign for AWS with keys of no worth, and a workspace that holds real ones, or may assume a role."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportPrivateImportUsage=false, reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportIndexIssue=false
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sallyport.standin import StandIn
from sallyport.standin.aws_signature import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from tests.e2e.sdks import ANSWER, CLAUDE_ON_BEDROCK
from tests.e2e.support import Gateway, Team, wait_for

KEYS = {"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY}
ROLE = "arn:aws:iam::123456789012:role/gateway"
ASK = [{"role": "user", "content": [{"text": "hi"}]}]
DUMMY_KEYS = {"aws_access_key_id": "AKIADUMMYDUMMY000001", "aws_secret_access_key": "dummy" * 8}


@pytest.fixture(scope="module", params=[{}, {"role_arn": ROLE}], ids=["keys", "role"])
def signing(gateway: Gateway, request: pytest.FixtureRequest) -> Team:
    return gateway.team("Signe", secrets={"AWS_CREDENTIALS_JSON": json.dumps(KEYS | request.param)})


@pytest.fixture
def bedrock(gateway: Gateway, way_in: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """boto3 with an AWS identity of its own; where it has no proxy, the gateway key goes in a header that it signs too."""

    def make(team: Team, service: str = "bedrock-runtime") -> Any:
        where = {"endpoint_url": f"https://{gateway.listen}/bedrock", "verify": str(gateway.ca)}
        if way_in == "proxy":
            monkeypatch.setenv("HTTPS_PROXY", f"http://sallyport:{team.key}@{gateway.listen}")
            where = {"verify": str(gateway.bundle)}
        client = boto3.client(
            service, region_name="eu-west-1", config=Config(retries={"total_max_attempts": 1}), **DUMMY_KEYS, **where
        )
        if way_in == "base_url":
            client.meta.events.register("before-sign", lambda request, **_: request.headers.add_header("x-gateway-key", team.key))
        return client

    return make


def test_boto3(gateway: Gateway, signing: Team, standin: StandIn, bedrock: Callable[..., Any], way_in: str):
    answer = bedrock(signing).converse(modelId=CLAUDE_ON_BEDROCK, messages=ASK)
    assert answer["output"]["message"]["content"][0]["text"] == ANSWER
    sent = standin.requests()[-1]
    assert "AWS4-HMAC-SHA256 Credential=A" in sent
    assert "AKIADUMMY" not in sent
    assert SECRET_ACCESS_KEY not in sent
    assert signing.key not in sent
    record = gateway.call(answer["ResponseMetadata"]["HTTPHeaders"]["x-gateway-request-id"])
    assert (record["outcome"], record["model"], record["way_in"]) == ("success", CLAUDE_ON_BEDROCK, way_in)
    assert float(record["cost_usd"]) > 0
    assert SECRET_ACCESS_KEY not in gateway.log
    token = sent.header("x-amz-security-token")
    assert token is None or token not in gateway.log


def test_boto3_streams(signing: Team, bedrock: Callable[..., Any]):
    events = list(bedrock(signing).converse_stream(modelId=CLAUDE_ON_BEDROCK, messages=ASK)["stream"])
    assert "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event) == ANSWER


def test_lists_that_have_no_body(signing: Team, bedrock: Callable[..., Any], standin: StandIn):
    assert bedrock(signing, "bedrock").list_inference_profiles(maxResults=5)["inferenceProfileSummaries"]
    assert standin.requests()[-1].target == "/inference-profiles?maxResults=5"


@pytest.mark.parametrize("stream", [False, True])
def test_anthropics_sdk(
    gateway: Gateway, signing: Team, standin: StandIn, monkeypatch: pytest.MonkeyPatch, way_in: str, stream: bool
):
    options: dict[str, Any] = {"base_url": f"{gateway.url}/bedrock", "default_headers": {"x-gateway-key": signing.key}}
    if way_in == "proxy":
        monkeypatch.setenv("HTTPS_PROXY", f"http://sallyport:{signing.key}@{gateway.listen}")
        monkeypatch.setenv("SSL_CERT_FILE", str(gateway.bundle))
        options = {}
    api = anthropic.AnthropicBedrock(
        aws_region="eu-west-1", aws_access_key="AKIADUMMYDUMMY000001", aws_secret_key="dummy" * 8, max_retries=0, **options
    )
    question = {"model": CLAUDE_ON_BEDROCK, "max_tokens": 200, "messages": [{"role": "user", "content": "hi"}]}
    if stream:
        with api.messages.stream(**question) as answer:
            assert answer.get_final_text() == ANSWER
    else:
        assert api.messages.create(**question).content[0].text == ANSWER
    assert f"/model/{CLAUDE_ON_BEDROCK}/invoke" in standin.requests()[-1].target
    assert "AKIADUMMY" not in standin.requests()[-1]


def test_what_is_signed_is_what_the_guard_made_of_it(gateway: Gateway, standin: StandIn):
    guard = {"policy_type": "guard", "config": {"version": 1, "detect": {"pii": True, "secrets": True}}}
    team = gateway.team("guarded", guard, secrets={"AWS_CREDENTIALS_JSON": json.dumps(KEYS)})
    body = {"messages": [{"role": "user", "content": [{"text": "I am ada@example.com"}]}]}
    with gateway.client(team) as client:
        answer = client.post(f"/bedrock/model/{CLAUDE_ON_BEDROCK}/converse", json=body)
    assert answer.status_code == 200
    assert b"ada@example.com" not in standin.requests()[-1].body


def test_every_attempt_is_signed_anew(gateway: Gateway, standin: StandIn):
    """Of a pool of three keys one is at its limit: its callers are answered by another, which signs by itself or by its role."""
    team = gateway.team("pool", secrets={})
    pool = {"tired": {"session_token": "answers-429"}, "own": {}, "role": {"role_arn": ROLE}}
    values = [{"label": label, "value": json.dumps(KEYS | fields)} for label, fields in pool.items()]
    gateway.admin("PUT", f"/v1/workspaces/{team.workspace_id}/secrets/AWS_CREDENTIALS_JSON", json={"values": values})
    seen: set[tuple[str, str]] = set()

    def all_seen() -> bool:
        key = gateway.new_key(team.workspace_id)["key"]
        with gateway.client() as client:
            path, headers = f"/bedrock/model/{CLAUDE_ON_BEDROCK}/converse", {"x-gateway-key": key}
            answer = client.post(path, json={"messages": ASK}, headers=headers)
        assert answer.status_code == 200, answer.text
        attempts = answer.headers.get("x-gateway-attempts", "1")
        seen.add((attempts, gateway.call(answer.headers["x-gateway-request-id"])["provider_key"]))
        return {"own", "role"} <= {label for _, label in seen} and "2" in {attempts for attempts, _ in seen}

    wait_for(all_seen, "callers of each key", patience=60)
    assert "tired" not in {label for _, label in seen}


def test_a_role_that_is_not_given(gateway: Gateway, standin: StandIn, bedrock: Callable[..., Any]):
    denied = json.dumps(KEYS | {"role_arn": ROLE.replace("gateway", "denied")})
    team = gateway.team("denied", secrets={"AWS_CREDENTIALS_JSON": denied})
    with pytest.raises(ClientError) as caught:
        bedrock(team).converse(modelId=CLAUDE_ON_BEDROCK, messages=ASK)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert "AWS lets the keys of AWS_CREDENTIALS_JSON not assume its role (AccessDenied)" in error["Message"]
    assert [request.target for request in standin.requests()] == ["/"]
