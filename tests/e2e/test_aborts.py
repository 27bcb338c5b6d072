"""Calls that break off, in every format that streams: each is in the ledger once, and is charged for what was got."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx2
import openai
import pytest

from sallyport.standin import StandIn
from tests.e2e.support import Gateway, Team, wait_for

Body = dict[str, Any]
_GOOGLE = "publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
_CLAUDE = "anthropic.claude-haiku-4-5-20251001-v1:0"


def _messages(text: str) -> Body:
    return {"messages": [{"role": "user", "content": text}], "max_tokens": 1000, "stream": True}


def _google(text: str) -> Body:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


FORMATS: dict[str, tuple[str, Callable[[str], Body]]] = {
    "openai-chat": ("/openai/v1/chat/completions", lambda text: {"model": "gpt-4o", **_messages(text)}),
    "openai-responses": ("/openai/v1/responses", lambda text: {"model": "gpt-5", "input": text, "stream": True}),
    "fireworks": (
        "/fireworks/inference/v1/chat/completions",
        lambda text: {"model": "accounts/fireworks/models/llama-v3p1-8b-instruct", **_messages(text)},
    ),
    "baseten": ("/baseten/v1/chat/completions", lambda text: {"model": "deepseek-ai/DeepSeek-V3-0324", **_messages(text)}),
    "anthropic": ("/anthropic/v1/messages", lambda text: {"model": "claude-haiku-4-5", **_messages(text)}),
    "gemini": ("/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", _google),
    "vertex": (f"/vertex/v1/projects/p/locations/us-central1/{_GOOGLE}", _google),
    "converse": (
        f"/bedrock/model/{_CLAUDE}/converse-stream",
        lambda text: {"messages": [{"role": "user", "content": [{"text": text}]}]},
    ),
    "invoke": (
        f"/bedrock/model/{_CLAUDE}/invoke-with-response-stream",
        lambda text: {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": text}],
        },
    ),
}


@pytest.fixture(scope="module")
def caller(gateway: Gateway) -> Team:
    return gateway.team("breaks")


def _calls(gateway: Gateway, team: Team) -> dict[str, dict[str, Any]]:
    """Those that named a model, by id."""
    return {call["id"]: call for call in gateway.calls(workspace_id=team.workspace_id) if call["model"]}


def _hang_up(client: httpx2.Client, path: str, body: Body) -> None:
    with client.stream("POST", path, json=body) as answer:
        pieces = answer.iter_raw()
        got = b""
        while len(got) < 1500:
            got += next(pieces)


def _hang_up_before_the_answer(client: httpx2.Client, path: str, body: Body) -> None:
    with pytest.raises(httpx2.TimeoutException):
        client.post(path, json=body, timeout=0.3)


def _read_to_its_cut(client: httpx2.Client, path: str, body: Body) -> None:
    with client.stream("POST", path, json=body) as answer, pytest.raises(httpx2.RemoteProtocolError):
        answer.read()


def _read_to_its_end(client: httpx2.Client, path: str, body: Body) -> None:
    client.post(path, json=body)


CASES: dict[str, tuple[str, Callable[[httpx2.Client, str, Body], None], tuple[str, bool]]] = {
    "client-leaves-within": ("[[length:600]] [[delay-ms:15]]", _hang_up, ("aborted", True)),
    "client-leaves-before": ("[[delay-ms:3000]]", _hang_up_before_the_answer, ("aborted", True)),
    "provider-dies": ("[[length:50]] [[die-after:12]]", _read_to_its_cut, ("error", True)),
    "provider-fails-within": ("[[length:50]] [[error-after:12]]", _read_to_its_end, ("error", True)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FORMATS)
def test_a_call_that_breaks_off(gateway: Gateway, caller: Team, standin: StandIn, name: str, case: str):
    path, body = FORMATS[name]
    text, act, (outcome, estimated) = CASES[case]
    before = _calls(gateway, caller).keys()
    with gateway.client(caller) as client:
        if name == "anthropic":
            client.headers["anthropic-version"] = "2023-06-01"
        act(client, path, body(text))
    wait_for(lambda: _calls(gateway, caller).keys() - before, "its record")
    (record,) = (call for call_id, call in _calls(gateway, caller).items() if call_id not in before)
    assert (record["outcome"], record["estimated"]) == (outcome, estimated)
    assert Decimal(record["cost_usd"]) > 0
    assert record["output_tokens"] > 0
    if case == "client-leaves-within":
        assert record["output_tokens"] < 600


def test_an_sdk_that_tries_again_is_charged_for_each_answer_it_got(gateway: Gateway, caller: Team, standin: StandIn):
    """Its first attempts fail: of a provider's error nothing is owed, and each attempt is a call of its own."""
    before = _calls(gateway, caller).keys()
    api = openai.OpenAI(base_url=f"{gateway.url}/openai/v1", api_key=caller.key, max_retries=2)
    with pytest.raises(openai.InternalServerError):
        api.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "[[status:500]]"}])
    api.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hello"}])
    wait_for(lambda: len(_calls(gateway, caller).keys() - before) == 4, "four records")
    last, *failed = (call for call_id, call in _calls(gateway, caller).items() if call_id not in before)
    assert [Decimal(call["cost_usd"]) for call in failed] == [0, 0, 0]
    assert (last["outcome"], last["estimated"]) == ("success", False)
    assert Decimal(last["cost_usd"]) > 0
