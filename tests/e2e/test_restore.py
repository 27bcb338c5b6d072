"""Values come back to who sent them, in every provider's format, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from sallyport.standin import StandIn
from tests.e2e.sdks import GENERATING, Sdk
from tests.e2e.support import Gateway, Team
from tests.e2e.test_redaction import CATEGORIES, PERSONAL, SECRETS, TEXT
from tests.e2e.wire import chat, placeholders

GUARD = {"version": 1, "detect": {"pii": True, "secrets": True}, "timeout_seconds": 10, "on_timeout": "block", "restore": True}


@pytest.fixture(scope="module")
def restored(gateway: Gateway) -> Team:
    return gateway.team("restored", {"policy_type": "guard", "name": "Clean", "config": GUARD}, trace_content="redacted")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("sdk", GENERATING, ids=str)
def test_in_every_format(
    gateway: Gateway, restored: Team, standin: StandIn, enter: Callable[[str], None], sdk: Sdk, stream: bool
):
    enter(restored.key)
    reply = sdk.ask(TEXT, stream)
    (received,) = (entry for entry in standin.requests() if entry.target != "/token")
    for value in (*PERSONAL.values(), *SECRETS.values()):
        assert value not in received
    assert reply.text == TEXT
    record = gateway.call(reply.headers["x-gateway-request-id"])
    assert record["redactions"] == dict.fromkeys(CATEGORIES, 1)
    assert record["output_tokens"] == len(TEXT.split()) - 1  # what the model wrote: a placeholder is one word, a number was two
    for value in (*PERSONAL.values(), *SECRETS.values()):
        assert value not in json.dumps(record)


def test_never_to_another_caller(gateway: Gateway, restored: Team, standin: StandIn):
    """Not even to one of the same workspace, who knows the placeholder."""
    other = gateway.new_key(restored.workspace_id, restored.user_id)["key"]
    with gateway.client(restored) as client:
        client.post("/openai/v1/chat/completions", json=chat(TEXT))
    marked = standin.requests()[0].json()["messages"][0]["content"]
    assert sorted(placeholders(marked)) == CATEGORIES
    with gateway.client(Team(restored.workspace_id, restored.user_id, "", other)) as client:
        answer = client.post("/openai/v1/chat/completions", json=chat(marked))
    assert answer.json()["choices"][0]["message"]["content"] == marked


@pytest.mark.parametrize("stream", [False, True])
def test_never_in_an_error(gateway: Gateway, restored: Team, standin: StandIn, stream: bool):
    """Providers quote what they were sent."""
    with gateway.client(restored) as client:
        answer = client.post("/openai/v1/chat/completions", json=chat(f"{TEXT} [[status:400]]", stream=stream))
    assert answer.status_code == 400
    for value in (*PERSONAL.values(), *SECRETS.values()):
        assert value not in answer.text


def test_a_conversation_sent_again_keeps_its_prefix(gateway: Gateway, restored: Team, standin: StandIn):
    """The client re-sends what it got back, values and all: the provider sees the very bytes it saw before."""
    messages: list[dict[str, Any]] = []
    bodies: list[bytes] = []
    with gateway.client(restored) as client:
        for turn in range(30):
            messages.append({"role": "user", "content": f"Turn {turn}: {TEXT}"})
            answer = client.post("/openai/v1/chat/completions", json={"model": "gpt-4o-mini", "messages": messages})
            messages.append(answer.json()["choices"][0]["message"])
            bodies.append(standin.requests()[-1].body)
            assert not any(value in bodies[-1].decode() for value in (*PERSONAL.values(), *SECRETS.values()))
    for before, after in pairwise(bodies):
        assert after.startswith(before.removesuffix(b"]}"))
