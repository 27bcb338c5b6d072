import base64

import pytest

from addons.context import call_of
from addons.credentials import Credentials
from addons.identify import Identify
from addons.route import Route
from addons.services import Services
from sallyport.secret import Secret
from tests.addons.support import KEYS, MakeFlow, known, make_snapshot

KEY = KEYS["good"]
BASIC = "Basic " + base64.b64encode(f"sallyport:{KEY}".encode()).decode()


async def send(services: Services, make_flow: MakeFlow, path: str = "/openai/v1/chat/completions", **headers: str):
    flow = make_flow(path=path, **headers)
    Route(services).requestheaders(flow)
    Identify(services).requestheaders(flow)
    credentials = Credentials(services)
    await credentials.requestheaders(flow)
    await credentials.request(flow)
    return flow


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"x_gateway_key": KEY, "authorization": "Bearer sk-of-the-caller"},
        {"proxy_authorization": BASIC, "x_api_key": "sk-of-the-caller", "api_key": "another"},
        {"x_api_key": KEY, "authorization": "Bearer dummy"},
    ],
)
async def test_the_providers_key_takes_the_place_of_all_the_caller_sent(
    services: Services, make_flow: MakeFlow, headers: dict[str, str]
):
    flow = await send(services, make_flow, **headers)
    assert flow.request.headers.get_all("authorization") == ["Bearer sk-provider-openai"]
    rest = [value for name, value in flow.request.headers.items() if name != "authorization"]
    assert not any("caller" in value or KEY in value or BASIC in value or "another" in value for value in rest)


async def test_credentials_in_the_query_are_taken_out_and_the_rest_stays(services: Services, make_flow: MakeFlow):
    flow = await send(services, make_flow, f"/openai/v1/chat/completions?a=%201&key={KEY}&b")
    assert flow.request.path == "/v1/chat/completions?a=%201&b"


async def test_a_side_path_passes_as_sent_without_our_key_and_without_the_gateway_key(services: Services, make_flow: MakeFlow):
    path = "/anthropic/api/event_logging/v2/batch"
    flow = await send(services, make_flow, path, x_gateway_key=KEY, x_api_key="sk-of-the-caller", authorization=f"Bearer {KEY}")
    assert flow.request.headers["x-api-key"] == "sk-of-the-caller"
    assert "authorization" not in flow.request.headers
    assert "x-gateway-key" not in flow.request.headers


async def test_headers_for_the_gateway_never_reach_the_provider(services: Services, make_flow: MakeFlow):
    flow = await send(
        services, make_flow, authorization=f"Bearer {KEY}", x_gateway_team="core", langsmith_trace="20261123T0Z", baggage="a=b"
    )
    assert not {"x-gateway-team", "langsmith-trace", "baggage"} & {name.lower() for name in flow.request.headers}


async def test_a_passed_through_login_reaches_the_provider(services: Services, make_flow: MakeFlow):
    services.snapshot = make_snapshot(credentials="passthrough")
    token = "Bearer sk-ant-oat01-" + "a" * 40
    flow = await send(services, make_flow, "/anthropic/v1/messages", x_gateway_key=KEY, authorization=token)
    assert flow.request.headers["authorization"] == token
    assert "x-api-key" not in flow.request.headers


async def test_nothing_is_sent_for_nobody(services: Services, make_flow: MakeFlow):
    flow = make_flow()
    Route(services).requestheaders(flow)
    await Credentials(services).request(flow)
    assert known(flow.response).status_code == 401
    assert known(call_of(flow)).sent is None


async def test_a_callers_credentials_are_found_however_they_are_spelled(services: Services, make_flow: MakeFlow):
    path = "/openai/v1/chat/completions?k%65y=theirs&API_KEY=theirs&X-Amz-Signature=theirs&a=b"
    flow = await send(services, make_flow, path, x_gateway_key=KEY, cookie="session=theirs")
    assert "theirs" not in flow.request.path + str(flow.request.headers)
    assert flow.request.path.endswith("?a=b")


async def test_a_gateway_key_in_the_path_goes_nowhere(services: Services, make_flow: MakeFlow):
    flow = await send(services, make_flow, f"/openai/v1/unheard-of/{KEY}", x_gateway_key=KEY)
    assert known(flow.response).status_code == 400
    assert known(call_of(flow)).sent is None


async def test_what_is_signed_is_held_back_until_it_is_whole(services: Services, make_flow: MakeFlow):
    """No model reads it, so it would stream through; but a signature covers the body."""
    keys = Secret('{"access_key_id": "AKIA0000000000000001", "secret_access_key": "0123456789abcdef"}')
    for secrets, streams in (({"AWS_BEARER_TOKEN_BEDROCK": Secret("ABSK1")}, True), ({"AWS_CREDENTIALS_JSON": keys}, False)):
        services.snapshot = make_snapshot(secrets=secrets)
        flow = make_flow("GET", "/bedrock/foundation-models", content=b"whatever", x_gateway_key=KEY)
        Route(services).requestheaders(flow)
        Identify(services).requestheaders(flow)
        await Credentials(services).requestheaders(flow)
        assert (flow.request.stream, "authorization" in flow.request.headers) == (streams, streams)
        await Credentials(services).request(flow)
        assert flow.request.headers["authorization"].startswith("Bearer " if streams else "AWS4-HMAC-SHA256 ")


async def test_a_callers_own_signature_is_taken_out(services: Services, make_flow: MakeFlow):
    keys = Secret('{"access_key_id": "AKIA0000000000000001", "secret_access_key": "0123456789abcdef"}')
    services.snapshot = make_snapshot(secrets={"AWS_CREDENTIALS_JSON": keys})
    theirs = {
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIATHEIRS/20261125/us-east-1/bedrock/aws4_request, Signature=00",
        "x_amz_date": "20200101T000000Z",
        "x_amz_security_token": "theirs",
        "x_amz_content_sha256": "theirs",
    }
    flow = await send(services, make_flow, "/bedrock/model/m/converse", x_gateway_key=KEY, **theirs)
    sent = str(flow.request.headers)
    assert "AKIA0000000000000001" in sent
    assert not any(part in sent for part in ("AKIATHEIRS", "theirs", "20200101T000000Z"))
