"""Each call becomes a run in LangSmith, nested under the caller's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langsmith import Client
from langsmith.run_trees import RunTree

from sallyport.standin import StandIn
from tests.e2e.credentials import all_secrets
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.wire import chat

PATH = "/openai/v1/chat/completions"
KEY = "lsv2_pt_CANARYlangsmith00000000000000007"


@pytest.fixture(scope="module")
def langsmith() -> Iterator[StandIn]:
    """In clear, as a LangSmith in one's own network may be."""
    with StandIn(plain=True) as standin:
        yield standin


@pytest.fixture(scope="module")
def traced(gateway: Gateway, langsmith: StandIn) -> Team:
    secrets = all_secrets() | {"LANGSMITH_API_KEY": KEY}
    settings = {"langsmith_endpoint": langsmith.url, "langsmith_project": "ours"}
    team = gateway.team("traced", {"policy_type": "rate_limit", "name": "Plenty", "config": PLENTY}, secrets=secrets, **settings)

    def call_is_traced() -> bool:
        with gateway.client(team) as client:
            call_id = client.post(PATH, json=chat("hello")).headers["x-gateway-request-id"]
        return gateway.call(call_id)["langsmith_run_id"] is not None

    wait_for(call_is_traced, "the recorder to know where runs go")
    return team


PLENTY = {"version": 1, "limits": [{"metric": "requests", "window": "hour", "value": 1000}]}


def run_of(langsmith: StandIn, call: dict[str, Any]) -> dict[str, Any]:
    run_id = call["langsmith_run_id"]
    return wait_for(lambda: next((run for run in langsmith.runs() if run["id"] == run_id), None), "the run", 15)


def test_a_call_is_a_run(gateway: Gateway, traced: Team, langsmith: StandIn, standin: StandIn):
    with gateway.client(traced) as client:
        answer = client.post(PATH, json=chat("[[in:1000]] [[out:100]] [[cached:10]]"))
    call = gateway.call(answer.headers["x-gateway-request-id"])
    run = run_of(langsmith, call)
    assert (run["run_type"], run["session_name"]) == ("llm", "ours")
    assert run["end_time"] >= run["start_time"]
    metadata = run["extra"]["metadata"]
    assert metadata["gateway.request_id"] == call["id"]
    assert metadata["gateway.user_id"] == traced.user_id
    assert metadata["gateway.workspace_id"] == traced.workspace_id
    assert metadata["gateway.api_key_id"] == traced.key_id
    assert metadata["gateway.way_in"] == "base_url"
    assert metadata["gateway.policy.matched_names"] == ["Plenty"]
    usage = metadata.get("usage_metadata") or run["outputs"]["usage_metadata"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (1010, 100)
    assert call["trace_url"]
    sent = [received for received in langsmith.requests() if received.method == "POST"]
    assert all(received.header("x-api-key") == KEY for received in sent)
    assert not any("[[in:1000]]" in received for received in sent), "bodies are not traced by default"


def test_a_run_nests_under_the_callers(gateway: Gateway, traced: Team, langsmith: StandIn, standin: StandIn):
    theirs = Client(api_url=langsmith.url, api_key="lsv2_pt_theirs")
    parent = RunTree(name="agent", run_type="chain", inputs={}, project_name="their project", ls_client=theirs)
    parent.post()
    with gateway.client(traced) as client:
        answer = client.post(PATH, json=chat("hello"), headers=parent.to_headers())
    parent.end(error="done")  # pyright: ignore[reportUnknownMemberType] - a bare dict in its signature
    parent.patch()
    theirs.flush()
    theirs.cleanup()
    run = run_of(langsmith, gateway.call(answer.headers["x-gateway-request-id"]))
    assert run["parent_run_id"] == str(parent.id)
    assert run["trace_id"] == str(parent.trace_id)
    assert run["session_name"] == "their project"
    (received,) = standin.requests()
    assert received.header("langsmith-trace") is None
    assert received.header("baggage") is None


def test_a_blocked_call_is_a_run_with_its_reason(gateway: Gateway, langsmith: StandIn, standin: StandIn):
    secrets = all_secrets() | {"LANGSMITH_API_KEY": KEY}
    none = {"policy_type": "model_access", "name": "None at all", "config": {"allow": ["openai/none"]}}
    team = gateway.team("barred", none, secrets=secrets, langsmith_endpoint=langsmith.url)

    def traced_call() -> dict[str, Any] | None:
        with gateway.client(team) as client:
            answer = client.post(PATH, json=chat("hello"))
        assert answer.status_code == 403
        call = gateway.call(answer.headers["x-gateway-request-id"])
        return call if call["langsmith_run_id"] else None

    run = run_of(langsmith, wait_for(traced_call, "the recorder to know where runs go"))
    assert "None at all" in run["error"]
    assert run["extra"]["metadata"]["gateway.policy.violated_names"] == ["None at all"]
    assert run["session_name"] == "gateway"


@pytest.mark.parametrize("stream", [False, True])
def test_what_was_asked_and_answered_is_traced_redacted_where_a_workspace_wants_it(
    gateway: Gateway, langsmith: StandIn, standin: StandIn, stream: bool
):
    """No guard holds here: the provider gets the text as it is, the records do not."""
    secrets = all_secrets() | {"LANGSMITH_API_KEY": KEY}
    team = gateway.team("content", secrets=secrets, langsmith_endpoint=langsmith.url, trace_content="redacted")
    body = chat("My number is 212-555-0187, says [[echo]]") | {"stream": stream, "user": "thread of ada"}

    def traced_call() -> dict[str, Any] | None:
        with gateway.client(team) as client:
            answer = client.post(PATH, json=body)
        assert "212-555-0187" in answer.text
        call = gateway.call(answer.headers["x-gateway-request-id"])
        return call if call["langsmith_run_id"] else None

    call = wait_for(traced_call, "the recorder to know where runs go")
    run = run_of(langsmith, call)
    assert call["session_id"] == run["extra"]["metadata"]["session_id"] == "thread of ada"
    (message,) = run["inputs"]["messages"]
    (choice,) = run["outputs"]["choices"]
    for text in (message["content"], choice["message"]["content"]):
        assert "[SAFE_TO_USE:US_PHONE_NUMBER_" in text
        assert "212-555-0187" not in text
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] == "stop"
    assert bool(run["events"]) == stream
    assert not any("212-555-0187" in received for received in langsmith.requests())
