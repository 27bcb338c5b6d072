"""A call by each SDK, by base URL and by proxy, streamed and not: answered, swapped, recorded."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from decimal import Decimal

import httpx2
import pytest

from sallyport.standin import StandIn
from tests.e2e.credentials import CANARIES
from tests.e2e.sdks import ANSWER, DUMMY, SDKS, Sdk
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.wire import chat

PROMPT = "four words of prompt"
STREAMED_OR_NOT = [
    pytest.param(sdk, stream, id=f"{sdk}-{'stream' if stream else 'whole'}")
    for sdk in SDKS
    for stream in ((False, True) if sdk.streams else (False,))
]


@pytest.mark.parametrize(("sdk", "stream"), STREAMED_OR_NOT)
def test_a_call(
    gateway: Gateway, team: Team, standin: StandIn, enter: Callable[[str], None], way_in: str, sdk: Sdk, stream: bool
):
    enter(team.key)
    reply = sdk.ask(PROMPT, stream)
    assert reply.text == ANSWER

    calls = [received for received in standin.requests() if received.target != "/token"]
    assert len(calls) == 1
    name, _, value = sdk.credential.format_map(CANARIES).partition(": ")
    assert calls[0].header(name) == value
    for received in standin.requests():
        assert team.key not in received
        assert "sp_" not in received
        assert DUMMY not in received
        assert received.header("proxy-authorization") is None

    assert json.loads(reply.headers["x-langsmith-gateway-metadata"])["outcome"] == "success"
    record = gateway.call(reply.headers["x-gateway-request-id"])
    assert (record["provider"], record["operation"], record["way_in"]) == (sdk.provider, sdk.operation, way_in)
    assert (record["user_id"], record["workspace_id"]) == (team.user_id, team.workspace_id)
    assert (record["outcome"], record["status"], record["api_key_id"]) == ("success", 200, team.key_id)
    if sdk.metered:
        assert (record["model"], record["stream"]) == (sdk.model, stream)
        assert record["input_tokens"] == 4
        assert record["output_tokens"] == (11 if sdk.streams else 0)
        assert Decimal(record["cost_usd"]) > 0
        assert not record["unpriced"]
        assert not record["estimated"]


@pytest.mark.parametrize("stream", [False, True])
def test_cached_and_reasoned_tokens_are_recorded(gateway: Gateway, team: Team, standin: StandIn, stream: bool):
    with gateway.client(team) as client:
        text = "[[in:1000]] [[out:100]] [[cached:500]] [[reasoning:50]]"
        answer = client.post("/openai/v1/chat/completions", json=chat(text, stream=stream))
    record = gateway.call(answer.headers["x-gateway-request-id"])
    assert (record["input_tokens"], record["cache_read_tokens"]) == (1500, 500)
    assert (record["output_tokens"], record["reasoning_tokens"]) == (150, 50)
    # gpt-4o-mini: $0.15, cached $0.075, output $0.60 per million
    assert record["cost_usd"] == "0.0002775"


def test_the_usage_chunk_that_the_gateway_asked_for_is_taken_out(gateway: Gateway, team: Team, standin: StandIn):
    with gateway.client(team) as client:
        plain = client.post("/openai/v1/chat/completions", json=chat("hello", stream=True))
        asked = chat("hello", stream=True, stream_options={"include_usage": True})
        with_usage = client.post("/openai/v1/chat/completions", json=asked)
    assert '"choices":[]' not in plain.text
    assert "total_tokens" not in plain.text
    assert plain.text.rstrip().endswith("data: [DONE]")
    assert '"total_tokens":12' in with_usage.text
    assert all(received.json()["stream_options"] == {"include_usage": True} for received in standin.requests())


def test_spend_is_current_within_a_second(gateway: Gateway, standin: StandIn):
    team = gateway.team("spender")
    with gateway.client(team) as client:
        for _ in range(3):
            assert client.post("/openai/v1/chat/completions", json=chat("[[in:1000]] [[out:100]]")).status_code == 200

    def spent() -> str:
        rows = gateway.admin("GET", "/v1/spend", params={"group_by": "workspace", "window": "monthly"})["items"]
        return next((row["spend_usd"] for row in rows if row["group"] == team.workspace_id), "")

    wait_for(lambda: spent() == "0.00063", "the rollup")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"x-gateway-key": "KEY"}, id="X-Gateway-Key"),
        pytest.param({"proxy-authorization": "Bearer KEY"}, id="Proxy-Authorization"),
        pytest.param({"authorization": "Bearer KEY"}, id="Authorization"),
        pytest.param({"x-api-key": "KEY"}, id="x-api-key"),
        pytest.param({"x-goog-api-key": "KEY"}, id="x-goog-api-key"),
        pytest.param({"api-key": "KEY"}, id="api-key"),
        pytest.param({}, id="query"),
    ],
)
def test_a_key_in_any_of_its_places(gateway: Gateway, team: Team, standin: StandIn, headers: dict[str, str]):
    headers = {name: value.replace("KEY", team.key) for name, value in headers.items()}
    query = "" if headers else f"?key={team.key}&keep=1"
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    with gateway.client() as client:
        path = "/gemini/v1beta/models/gemini-2.5-flash:generateContent"
        answer = client.post(path + query, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    (received,) = standin.requests()
    assert team.key not in received
    assert received.header("x-goog-api-key") == CANARIES["GOOGLE_API_KEY"]
    assert received.target.endswith("?keep=1" if query else ":generateContent")


def test_the_gateway_key_is_taken_out_of_the_body_too(gateway: Gateway, team: Team, standin: StandIn):
    with gateway.client(team) as client:
        answer = client.post("/openai/v1/chat/completions", json=chat(f"[[echo]] my key is {team.key}"))
    assert answer.status_code == 200
    assert team.key not in standin.requests()[0]


def test_path_and_query_reach_the_provider_unchanged(gateway: Gateway, team: Team, standin: StandIn):
    target = "/v1/models/gpt-4o?b=2&a=%2F1&empty=&flag"
    with gateway.client(team) as client:
        client.get(f"/openai{target}")
    assert standin.requests()[0].target == target


def test_a_path_that_is_no_model_api_gets_no_provider_key(gateway: Gateway, team: Team, standin: StandIn):
    with gateway.client(team) as client:
        answer = client.get("/anthropic/api/claude_code/settings", headers={"authorization": "Bearer their-own"})
    assert answer.headers["x-gateway-request-id"]
    (received,) = standin.requests()
    assert received.header("authorization") == "Bearer their-own"
    assert not any(canary in received for canary in CANARIES.values())
    assert team.key not in received


def test_base_paths_over_tls_on_the_same_port(gateway: Gateway, team: Team, standin: StandIn):
    context = ssl.create_default_context(cafile=gateway.ca)
    with httpx2.Client(base_url=f"https://{gateway.listen}", verify=context, trust_env=False) as client:
        answer = client.get("/openai/v1/models", headers={"x-gateway-key": team.key})
    assert answer.status_code == 200


def test_a_client_that_hangs_up_is_charged_for_what_it_got(gateway: Gateway, team: Team, standin: StandIn):
    with gateway.client(team) as client:
        body = chat("[[length:500]] [[delay-ms:20]]", stream=True)
        with client.stream("POST", "/openai/v1/chat/completions", json=body) as answer:
            lines = answer.iter_lines()
            while "always" not in next(lines):
                pass
            request_id = answer.headers["x-gateway-request-id"]
    record = gateway.call(request_id)
    assert (record["outcome"], record["estimated"]) == ("aborted", True)
    assert Decimal(record["cost_usd"]) > 0
    assert 0 < record["output_tokens"] < 500


def test_a_provider_that_dies_within_a_stream_is_passed_on_as_a_cut(gateway: Gateway, team: Team, standin: StandIn):
    with gateway.client(team) as client:
        body = chat("[[die-after:5]]", stream=True)
        with client.stream("POST", "/openai/v1/chat/completions", json=body) as answer, pytest.raises(httpx2.RemoteProtocolError):
            answer.read()
    record = gateway.call(answer.headers["x-gateway-request-id"])
    assert (record["outcome"], record["estimated"]) == ("error", True)


def test_a_providers_error_reaches_the_caller_as_it_is(gateway: Gateway, team: Team, standin: StandIn):
    with gateway.client(team) as client:
        answer = client.post("/openai/v1/chat/completions", json=chat("[[status:429]]"))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"]["message"] == "the stand-in was asked to answer 429"
    record = gateway.call(answer.headers["x-gateway-request-id"])
    assert (record["outcome"], record["status"], record["cost_usd"]) == ("error", 429, "0")
