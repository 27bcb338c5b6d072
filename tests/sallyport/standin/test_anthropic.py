"""The real anthropic SDK talks to the stand-in."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportIndexIssue=false
from __future__ import annotations

import anthropic
import httpx2
import pytest
from anthropic import Anthropic
from anthropic.lib.vertex import AnthropicVertex

from sallyport.standin import StandIn

ANSWER = "This answer comes from the stand-in and is always the same."


def client(standin: StandIn) -> Anthropic:
    http = httpx2.Client(verify=standin.tls, trust_env=False)
    return Anthropic(api_key="sk-ant", base_url=standin.url, max_retries=0, http_client=http)


def ask(api: Anthropic | AnthropicVertex, text: str, **options: object):
    messages = [{"role": "user", "content": text}]
    return api.messages.create(**{"model": "claude-haiku-4-5", "max_tokens": 100, "messages": messages} | options)


def test_messages(standin: StandIn):
    answer = ask(client(standin), "four words of prompt", system="be brief")
    assert answer.content[0].text == ANSWER
    assert (answer.stop_reason, answer.usage.input_tokens, answer.usage.output_tokens) == ("end_turn", 6, 11)
    assert answer._request_id


def test_cached_tokens_stand_beside_the_input(standin: StandIn):
    usage = ask(client(standin), "[[in:100]] [[cached:20]] [[cache-write:30]]").usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (100, 20, 30)
    assert usage.cache_creation.ephemeral_5m_input_tokens == 30


def test_the_events_of_a_stream(standin: StandIn):
    events = list(ask(client(standin), "hello", stream=True))
    kinds = [event.type for event in events if event.type != "content_block_delta"]
    assert kinds == ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]
    assert events[-2].usage.output_tokens == 11
    with client(standin).messages.stream(
        model="claude-haiku-4-5", max_tokens=3, messages=[{"role": "user", "content": "hi"}]
    ) as stream:
        message = stream.get_final_message()
    assert (message.content[0].text.strip(), message.stop_reason) == ("This answer comes", "max_tokens")


def test_a_stream_holds_a_ping(standin: StandIn):
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    answer = httpx2.post(f"{standin.url}/v1/messages", json=body, headers=headers, verify=standin.tls, trust_env=False)
    assert 'event: ping\ndata: {"type":"ping"}\n\n' in answer.text
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"


def test_a_tool_call(standin: StandIn):
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    whole = ask(client(standin), "[[tool]]", tools=tools)
    with client(standin).messages.stream(
        model="claude-haiku-4-5", max_tokens=100, messages=[{"role": "user", "content": "[[tool]]"}], tools=tools
    ) as stream:
        streamed = stream.get_final_message()
    for message in (whole, streamed):
        assert message.stop_reason == "tool_use"
        assert (message.content[0].name, message.content[0].input) == ("look", {"location": "Paris"})


def test_instructions_behind_the_prompt_are_not_the_prompt(standin: StandIn):
    prompt = [{"role": "user", "content": "[[echo]] hello"}, {"role": "system", "content": "an agent's instructions"}]
    assert ask(client(standin), "", messages=prompt).content[0].text == "[[echo]] hello"


def test_count_tokens_and_models(standin: StandIn):
    messages = [{"role": "user", "content": "just three words"}]
    assert client(standin).messages.count_tokens(model="claude-haiku-4-5", messages=messages).input_tokens == 3
    assert [model.id for model in client(standin).models.list()] == ["claude-sonnet-5", "claude-haiku-4-5"]


@pytest.mark.parametrize(
    ("status", "exception"), [(400, anthropic.BadRequestError), (429, anthropic.RateLimitError), (529, anthropic.APIStatusError)]
)
def test_errors_by_order(standin: StandIn, status: int, exception: type[anthropic.APIStatusError]):
    with pytest.raises(exception) as raised:
        ask(client(standin), f"[[status:{status}]]")
    assert raised.value.status_code == status
    assert raised.value.body["request_id"] == raised.value.request_id


def test_an_error_within_a_stream(standin: StandIn):
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(ask(client(standin), "[[error-after:3]]", stream=True))


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "sp_x"}, {"authorization": "Bearer sp_x"}])
def test_a_credential_that_is_missing_or_the_gateways(standin: StandIn, headers: dict[str, str]):
    answer = httpx2.post(
        f"{standin.url}/v1/messages",
        json={},
        headers={"anthropic-version": "2023-06-01"} | headers,
        verify=standin.tls,
        trust_env=False,
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"


def test_an_unknown_path(standin: StandIn):
    answer = httpx2.get(f"{standin.url}/v1/messages/other", verify=standin.tls, trust_env=False)
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_on_vertex(standin: StandIn, stream: bool):
    http = httpx2.Client(verify=standin.tls, trust_env=False)
    api = AnthropicVertex(
        project_id="p", region="us-east5", access_token="ya29.x", base_url=f"{standin.url}/v1", max_retries=0, http_client=http
    )
    answer = ask(api, "hello", stream=stream)
    if stream:
        assert [event.type for event in answer][-1] == "message_stop"
    else:
        assert answer.content[0].text == ANSWER
    verb = "streamRawPredict" if stream else "rawPredict"
    path = f"/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-haiku-4-5:{verb}"
    assert standin.requests()[0].target == path
