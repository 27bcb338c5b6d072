"""AWS's own SDK and Anthropic's sign for the stand-in, which checks by the documentation."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportPrivateImportUsage=false, reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportIndexIssue=false
from __future__ import annotations

import anthropic
import boto3
import httpx2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sallyport.standin import StandIn
from sallyport.standin.aws_signature import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from sallyport.standin.aws_token import EXTERNAL_ID

CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ROLE = "arn:aws:iam::123456789012:role/gateway"
ASK = [{"role": "user", "content": [{"text": "hi"}]}]


def client(
    standin: StandIn, service: str, key_id: str = ACCESS_KEY_ID, secret: str = SECRET_ACCESS_KEY, token: str | None = None
):
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=standin.url,
        verify=str(standin.ca),
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token or None,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def test_boto3(standin: StandIn):
    bedrock = client(standin, "bedrock-runtime")
    assert bedrock.converse(modelId=CLAUDE, messages=ASK)["stopReason"] == "end_turn"
    arn = f"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/{CLAUDE}"
    assert bedrock.converse(modelId=arn, messages=ASK)["stopReason"] == "end_turn"
    assert client(standin, "bedrock").list_inference_profiles(maxResults=5, typeEquals="SYSTEM_DEFINED")[
        "inferenceProfileSummaries"
    ]


def test_anthropics_sdk_which_leaves_the_colon_as_it_is(standin: StandIn):
    api = anthropic.AnthropicBedrock(
        aws_region="eu-west-1",
        aws_access_key=ACCESS_KEY_ID,
        aws_secret_key=SECRET_ACCESS_KEY,
        base_url=standin.url,
        http_client=anthropic.DefaultHttpxClient(verify=standin.tls, trust_env=False),
    )
    assert api.messages.create(model=CLAUDE, max_tokens=50, messages=[{"role": "user", "content": "hi"}]).content
    assert standin.requests()[-1].target == f"/model/{CLAUDE}/invoke"


@pytest.mark.parametrize(
    ("key_id", "secret", "code"),
    [
        (ACCESS_KEY_ID, "x" * 40, "InvalidSignatureException"),
        ("AKIANOBODY0000000001", SECRET_ACCESS_KEY, "UnrecognizedClientException"),
    ],
)
def test_other_keys(standin: StandIn, key_id: str, secret: str, code: str):
    with pytest.raises(ClientError) as caught:
        client(standin, "bedrock-runtime", key_id, secret).converse(modelId=CLAUDE, messages=ASK)
    assert caught.value.response["Error"]["Code"] == code


def test_a_signature_holds_for_one_body(standin: StandIn):
    client(standin, "bedrock-runtime").converse(modelId=CLAUDE, messages=ASK)
    (sent,) = standin.requests()
    headers = {name: value for name, value in sent.headers if name != "content-length"}
    with httpx2.Client(verify=standin.tls, trust_env=False) as http:
        assert http.post(standin.url + sent.target, content=sent.body, headers=headers).status_code == 200
        changed = http.post(standin.url + sent.target, content=sent.body + b" ", headers=headers)
    assert changed.headers["x-amzn-errortype"].startswith("InvalidSignatureException")


def test_an_assumed_role(standin: StandIn):
    lent = client(standin, "sts").assume_role(RoleArn=ROLE, RoleSessionName="test")["Credentials"]
    keys = lent["AccessKeyId"], lent["SecretAccessKey"]
    assert client(standin, "bedrock-runtime", *keys, lent["SessionToken"]).converse(modelId=CLAUDE, messages=ASK)
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client(standin, "bedrock-runtime", *keys).converse(modelId=CLAUDE, messages=ASK)


def test_roles_that_are_not_given_to_everyone(standin: StandIn):
    sts = client(standin, "sts")
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=ROLE.replace("gateway", "denied"), RoleSessionName="test")
    partner = {"RoleArn": ROLE.replace("gateway", "partner"), "RoleSessionName": "test"}
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(**partner)
    assert sts.assume_role(**partner, ExternalId=EXTERNAL_ID)["Credentials"]
