"""What we sign, checked by a stand-in that computes signatures by AWS's documentation; roles from its token service."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from sallyport.providers.base import CredentialError, CredentialUnavailable, Surroundings, Upstream
from sallyport.providers.bedrock import Bedrock
from sallyport.providers.bedrock_keys import SECRET_NAME
from sallyport.providers.signing import Outgoing
from sallyport.secret import Secret
from sallyport.standin import StandIn
from sallyport.standin.aws_signature import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from sallyport.standin.aws_token import EXTERNAL_ID

KEYS = {"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY}
ROLE = "arn:aws:iam::123456789012:role/gateway"
CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
BODY = b'{"messages": [{"role": "user", "content": [{"text": "hi"}]}]}'


@pytest.fixture(scope="module")
def aws() -> Iterator[StandIn]:
    with StandIn() as standin:
        yield standin


@pytest.fixture
def standin(aws: StandIn) -> StandIn:
    aws.clear()
    return aws


@pytest.fixture
def bedrock(standin: StandIn) -> Bedrock:
    provider = Bedrock()
    provider.configure(Surroundings(ca_bundle=standin.ca))
    return provider


def secret(**fields: Any) -> Secret:
    return Secret(json.dumps(KEYS | fields))


def sts(standin: StandIn) -> Upstream:
    port = httpx2.URL(standin.url).port
    assert port
    return Upstream("https", "127.0.0.1", port)


async def sign(provider: Bedrock, held: Secret, request: Outgoing, endpoint: Upstream | None = None) -> dict[str, str]:
    signer = provider.signer(SECRET_NAME)
    assert signer
    return dict(await signer.sign(held, request, endpoint))


async def send(
    provider: Bedrock,
    standin: StandIn,
    held: Secret,
    path: str = f"/model/{CLAUDE}/converse",
    method: str = "POST",
    body: bytes = BODY,
    **headers: str,
) -> httpx2.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Outgoing(method, standin.url + path, tuple(sent.items()), body)
    signed = await sign(provider, held, request, sts(standin))
    async with httpx2.AsyncClient(verify=standin.tls, trust_env=False) as client:
        raw = httpx2.Request(method, standin.url, content=body, headers=sent | signed, extensions={"target": path.encode()})
        return await client.send(raw)


@pytest.mark.parametrize(
    "path",
    [
        f"/model/{CLAUDE}/converse",
        f"/model/{CLAUDE.replace(':', '%3A')}/converse",
        f"/model/{CLAUDE.replace(':', '%3a')}/converse",
        f"/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2F{CLAUDE}/converse",
    ],
)
async def test_a_model_id_in_any_spelling(bedrock: Bedrock, standin: StandIn, path: str):
    assert (await send(bedrock, standin, secret(), path)).status_code == 200
    assert standin.requests()[0].target == path


@pytest.mark.parametrize("query", ["", "?maxResults=5&typeEquals=SYSTEM_DEFINED", "?nextToken=a:b/c%3D%3D&maxResults=5", "?a"])
async def test_a_query_in_any_spelling(bedrock: Bedrock, standin: StandIn, query: str):
    answer = await send(bedrock, standin, secret(), f"/inference-profiles{query}", "GET", b"")
    assert answer.status_code == 200


async def test_awss_own_headers_are_signed_and_others_may_change(bedrock: Bedrock, standin: StandIn):
    answer = await send(
        bedrock,
        standin,
        secret(),
        content_type="application/json",
        x_amz_user_agent="aws-sdk-js/3  md/x",
        x_amzn_bedrock_trace="ENABLED",
        user_agent="a",
    )
    assert answer.status_code == 200
    (received,) = standin.requests()
    signed = str(received.header("authorization")).partition("SignedHeaders=")[2].partition(",")[0]
    assert signed == "content-type;host;x-amz-date;x-amz-user-agent;x-amzn-bedrock-trace"


async def test_a_large_body(bedrock: Bedrock, standin: StandIn):
    body = json.dumps({"messages": [{"role": "user", "content": [{"text": "word " * 300_000}]}]}).encode()
    assert (await send(bedrock, standin, secret(), body=body)).status_code == 200


@pytest.mark.parametrize(
    ("host", "held", "region"),
    [
        ("bedrock-runtime.ap-southeast-2.amazonaws.com", {"region": "eu-west-1"}, "ap-southeast-2"),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", {}, "us-gov-west-1"),
        ("bedrock.eu-central-1.amazonaws.com", {}, "eu-central-1"),
        ("vpce-0a-1b.bedrock-runtime.us-west-2.vpce.amazonaws.com", {"region": "eu-west-1"}, "us-west-2"),
        ("bedrock.corp.example", {"region": "eu-west-1"}, "eu-west-1"),
        ("10.0.0.7:8443", {}, "ca-central-1"),
    ],
)
async def test_the_region_is_the_hosts_or_the_secrets_or_the_gateways(host: str, held: dict[str, str], region: str):
    bedrock = Bedrock()
    bedrock.configure(Surroundings(bedrock_region="ca-central-1"))
    signed = await sign(bedrock, secret(**held), Outgoing("GET", f"https://{host}/foundation-models", (), b""))
    assert f"/{region}/bedrock/aws4_request" in signed["authorization"]


async def test_temporary_keys_show_their_token(bedrock: Bedrock):
    request = Outgoing("GET", "https://bedrock.us-east-1.amazonaws.com/foundation-models", (), b"")
    assert (await sign(bedrock, secret(session_token="abc+/="), request))["x-amz-security-token"] == "abc+/="


async def test_a_role_is_assumed_once_for_all_its_callers(bedrock: Bedrock, standin: StandIn):
    answers = await asyncio.gather(*(send(bedrock, standin, secret(role_arn=ROLE)) for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    (asked,) = [request for request in standin.requests() if request.target == "/"]
    assert b"RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fgateway" in asked.body


async def test_a_role_that_asks_for_an_external_id(bedrock: Bedrock, standin: StandIn):
    partner = ROLE.replace("gateway", "partner")
    assert (await send(bedrock, standin, secret(role_arn=partner, external_id=EXTERNAL_ID))).status_code == 200
    with pytest.raises(CredentialError, match="AccessDenied"):
        await send(bedrock, standin, secret(role_arn=partner))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"role_arn": ROLE.replace("gateway", "denied")}, "not assume its role (AccessDenied)"),
        ({"role_arn": ROLE, "secret_access_key": "s3cr3t" * 7}, "not assume its role (InvalidSignatureException)"),
        ({"role_arn": ROLE, "access_key_id": "AKIANOBODY0000000001"}, "not assume its role (UnrecognizedClientException)"),
    ],
)
async def test_a_role_that_is_not_given(bedrock: Bedrock, standin: StandIn, fields: dict[str, str], reason: str):
    with pytest.raises(CredentialError) as caught:
        await send(bedrock, standin, secret(**fields))
    assert reason in str(caught.value)
    assert not isinstance(caught.value, CredentialUnavailable)


async def test_a_token_service_that_cannot_be_reached_or_trusted(bedrock: Bedrock, standin: StandIn):
    request = Outgoing("GET", "https://bedrock.us-east-1.amazonaws.com/foundation-models", (), b"")
    nobody = Upstream("https", "127.0.0.1", 1)
    with pytest.raises(CredentialUnavailable, match="can't be reached for AWS_CREDENTIALS_JSON"):
        await sign(bedrock, secret(role_arn=ROLE), request, nobody)
    with pytest.raises(CredentialUnavailable):  # its certificate is of an authority that only `bedrock` was told of
        await sign(Bedrock(), secret(role_arn=ROLE), request, sts(standin))


async def test_what_gives_no_keys_is_no_token_service(bedrock: Bedrock, standin: StandIn):
    request = Outgoing("GET", "https://bedrock.us-east-1.amazonaws.com/foundation-models", (), b"")
    at = sts(standin)
    with pytest.raises(CredentialUnavailable, match="no answer"):
        await sign(bedrock, secret(role_arn=ROLE), request, Upstream(at.scheme, at.host, at.port, "/openai"))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("AKIA-s3cr3t", "is no JSON object"),
        ('["s3cr3t"]', "is no JSON object"),
        (json.dumps({"access_key_id": ACCESS_KEY_ID}), "the `secret_access_key` of AWS_CREDENTIALS_JSON is missing"),
        (json.dumps(KEYS | {"access_key_id": "s3cr3t"}), "the `access_key_id` of AWS_CREDENTIALS_JSON is not as AWS spells it"),
        (json.dumps(KEYS | {"secret_access_key": 7}), "the `secret_access_key`"),
        (json.dumps(KEYS | {"role_arn": "s3cr3t"}), "the `role_arn`"),
        (json.dumps(KEYS | {"region": "evil.example/"}), "the `region`"),
        (json.dumps(KEYS | {"region": "eu-west-1\n"}), "the `region`"),
        (json.dumps(KEYS | {"session_token": "s3cr3t\r\nx: y"}), "the `session_token`"),
        (json.dumps(KEYS | {"s3cr3t": "s3cr3t"}), "a field that is not known"),
    ],
)
async def test_a_secret_that_cannot_be_used(bedrock: Bedrock, value: str, reason: str):
    with pytest.raises(CredentialError) as caught:
        bedrock.check_secret(SECRET_NAME, Secret(value))
    assert reason in str(caught.value)
    assert "s3cr3t" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_bearer_token_is_shown_and_not_signed_with(bedrock: Bedrock):
    assert bedrock.signer("AWS_BEARER_TOKEN_BEDROCK") is None
    bedrock.check_secret("AWS_BEARER_TOKEN_BEDROCK", Secret("anything"))
