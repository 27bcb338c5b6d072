"""The real openai SDK talks to the stand-in, as to OpenAI, Fireworks and Baseten."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportIndexIssue=false
from __future__ import annotations

import httpx2
import openai
import pytest
from openai import OpenAI

from sallyport.standin import StandIn

ANSWER = "This answer comes from the stand-in and is always the same."


def client(standin: StandIn, path: str = "/v1", key: str = "sk-provider") -> OpenAI:
    http = httpx2.Client(verify=standin.tls, trust_env=False)
    return OpenAI(api_key=key, base_url=standin.url + path, max_retries=0, http_client=http)


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def chat(standin: StandIn, text: str, path: str = "/v1", **options: object):
    return client(standin, path).chat.completions.create(model="gpt-4o-mini", messages=ask(text), **options)


def test_chat(standin: StandIn):
    answer = chat(standin, "four words of prompt")
    assert answer.choices[0].message.content == ANSWER
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (4, 11, 15)
    assert answer._request_id


def test_chat_counts_what_the_prompt_says(standin: StandIn):
    usage = chat(standin, "[[in:100]] [[out:50]] [[cached:20]] [[reasoning:7]]").usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    assert (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens) == (120, 20)
    assert (usage.completion_tokens, usage.completion_tokens_details.reasoning_tokens) == (57, 7)


def test_chat_streams_without_usage_unless_asked(standin: StandIn):
    chunks = list(chat(standin, "hello", stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    assert all(chunk.usage is None for chunk in chunks)
    chunks = list(chat(standin, "hello", stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 12


@pytest.mark.parametrize("stream", [False, True])
def test_chat_calls_a_tool(standin: StandIn, stream: bool):
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    if stream:
        deltas = [chunk.choices[0].delta.tool_calls for chunk in chat(standin, "[[tool]]", tools=[tool], stream=True)]
        functions = [calls[0].function for calls in deltas if calls]
        name, arguments = functions[0].name, "".join(function.arguments for function in functions)
    else:
        call = chat(standin, "[[tool]]", tools=[tool]).choices[0].message.tool_calls[0]
        name, arguments = call.function.name, call.function.arguments
    assert (name, arguments) == ("look", '{"location": "Paris"}')


def test_echo_and_limits(standin: StandIn):
    assert chat(standin, "  [[echo]] my SSN\nis here ").choices[0].message.content == "  [[echo]] my SSN\nis here "
    answer = chat(standin, "[[length:200]]")
    assert answer.usage.completion_tokens == 200
    answer = chat(standin, "[[length:200]]", max_completion_tokens=5)
    assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("length", 5)


@pytest.mark.parametrize(
    ("status", "exception"), [(400, openai.BadRequestError), (429, openai.RateLimitError), (503, openai.InternalServerError)]
)
def test_errors_by_order(standin: StandIn, status: int, exception: type[openai.APIStatusError]):
    with pytest.raises(exception, match=f"the stand-in was asked to answer {status}"):
        chat(standin, f"[[status:{status}]]")


def test_a_stream_that_dies_is_cut(standin: StandIn):
    with pytest.raises(openai.APIConnectionError):
        list(chat(standin, "[[die-after:3]]", stream=True))
    with pytest.raises(openai.APIConnectionError):
        chat(standin, "[[die-after:0]]")


def test_a_stream_that_fails_in_form(standin: StandIn):
    with pytest.raises(openai.APIError, match="had an error"):
        list(chat(standin, "[[error-after:2]]", stream=True))


def test_a_stream_that_hangs(standin: StandIn):
    stream = iter(
        client(standin).with_options(timeout=0.5).chat.completions.create(model="gpt-4o", messages=ask("[[hang]]"), stream=True)
    )
    assert next(stream).choices[0].delta.content == ""
    with pytest.raises(openai.APITimeoutError):
        next(stream)


def test_responses(standin: StandIn):
    answer = client(standin).responses.create(model="gpt-5", input="four words of prompt", instructions="be brief")
    assert answer.output_text == ANSWER
    assert answer.status == "completed"
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (6, 11)


def test_responses_stream_their_events_in_order(standin: StandIn):
    events = list(client(standin).responses.create(model="gpt-5", input=ask("hello there"), stream=True))
    kinds = [event.type for event in events if event.type != "response.output_text.delta"]
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text == ANSWER
    assert events[-1].response.usage.total_tokens == 13


def test_responses_call_a_tool_and_read_its_result(standin: StandIn):
    with client(standin).responses.stream(model="gpt-5", input="[[tool]]") as stream:
        call = stream.get_final_response().output[0]
    assert (call.type, call.name, call.arguments) == ("function_call", "get_weather", '{"location": "Paris"}')
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    given = [*ask("[[tool]]"), call.to_dict(), result]
    assert client(standin).responses.create(model="gpt-5", input=given).output_text == ANSWER


def test_embeddings_models_and_completions(standin: StandIn):
    api = client(standin)
    embedded = api.embeddings.create(model="text-embedding-3-small", input=["two words", "and three words"])
    assert [row.embedding[0] for row in embedded.data] == [1.0, 1.5]
    assert embedded.usage.prompt_tokens == 5
    assert "gpt-4o" in [model.id for model in api.models.list()]
    assert api.completions.create(model="gpt-3.5-turbo-instruct", prompt="hi").choices[0].text == ANSWER
    with pytest.raises(openai.NotFoundError):
        api.models.retrieve("gpt-none")


@pytest.mark.parametrize("path", ["/inference/v1", "/fireworks/inference/v1", "/baseten/v1", "/openai/v1"])
def test_compatible_providers(standin: StandIn, path: str):
    assert chat(standin, "hello", path).choices[0].message.content == ANSWER
    chunks = list(chat(standin, "hello", path, stream=True))
    assert (chunks[-1].usage is not None) == ("inference" in path)


@pytest.mark.parametrize("key", ["sp_abc", ""])
@pytest.mark.parametrize("path", ["/v1", "/inference/v1", "/baseten/v1"])
def test_a_credential_that_is_missing_or_the_gateways(standin: StandIn, path: str, key: str):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = f"{standin.url}{path}/chat/completions"
    answer = httpx2.post(url, json={"model": "m", "messages": []}, headers=headers, verify=standin.tls, trust_env=False)
    assert answer.status_code == 401
    assert "message" in answer.json()["error"]


def test_an_unknown_path_and_broken_json(standin: StandIn):
    headers = {"authorization": "Bearer k"}
    answer = httpx2.get(f"{standin.url}/v1/nothing", headers=headers, verify=standin.tls, trust_env=False)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "Invalid URL (GET /v1/nothing)"
    url = f"{standin.url}/v1/chat/completions"
    answer = httpx2.post(url, content=b"{", headers=headers, verify=standin.tls, trust_env=False)
    assert answer.status_code == 400


def test_what_came_in_is_kept(standin: StandIn):
    chat(standin, "hello")
    (received,) = standin.requests()
    assert (received.method, received.target) == ("POST", "/v1/chat/completions")
    assert received.header("Authorization") == "Bearer sk-provider"
    assert received.json()["messages"] == ask("hello")
    assert "sk-provider" in received
    standin.clear()
    assert standin.requests() == []
