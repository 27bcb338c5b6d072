"""Values come back to who sent them, in every provider's format, and to nobody else."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportOptionalSubscript=false
from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise, takewhile
from typing import Any

import openai
import pytest
from google import genai
from google.genai import types

from sallyport.standin import StandIn
from tests.e2e.sdks import GENERATING, Sdk
from tests.e2e.support import Gateway, Team
from tests.e2e.test_redaction import CATEGORIES, PERSONAL, SECRETS, TEXT
from tests.e2e.wire import chat, placeholders

GUARD = {"version": 1, "detect": {"pii": True, "secrets": True}, "timeout_seconds": 10, "on_timeout": "block", "restore": True}


@pytest.fixture(scope="module")
def restored(gateway: Gateway) -> Team:
    return gateway.team("restored", {"policy_type": "guard", "name": "Clean", "config": GUARD}, trace_content="redacted")


@pytest.fixture(scope="module")
def answering(gateway: Gateway) -> Team:
    return gateway.team("answering", {"policy_type": "guard", "name": "Clean", "config": GUARD | {"direction": "response"}})


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


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("sdk", GENERATING, ids=str)
def test_answers_are_guarded_where_a_guard_says_so(
    gateway: Gateway, answering: Team, standin: StandIn, enter: Callable[[str], None], sdk: Sdk, stream: bool
):
    enter(answering.key)
    reply = sdk.ask(TEXT, stream)
    (received,) = (entry for entry in standin.requests() if entry.target != "/token")
    assert PERSONAL["EMAIL"] in received
    assert sorted(placeholders(reply.text)) == CATEGORIES
    assert gateway.call(reply.headers["x-gateway-request-id"])["redactions"] == dict.fromkeys(CATEGORIES, 1)


class TestWebsockets:
    """A provider keeps the conversation, so what was said in any message of a connection may come back in any other."""

    def test_responses(self, gateway: Gateway, restored: Team, standin: StandIn, enter: Callable[[str], None]):
        enter(restored.key)
        with openai.OpenAI(max_retries=0).responses.connect() as connection:
            connection.response.create(model="gpt-5-mini", input=TEXT)
            events = list(takewhile(lambda event: event.type != "response.completed", connection))
            connection.response.create(model="gpt-5-mini", input=f"[[echo]] {_mark(standin)}")
            completed = next(event for event in connection if event.type == "response.completed")
        assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == TEXT
        assert next(event.text for event in events if event.type == "response.output_text.done") == TEXT
        assert completed.response.output[0].content[0].text == f"[[echo]] {PERSONAL['EMAIL']}"
        assert not any(value in request for request in standin.requests() for value in SECRETS.values())

    def test_realtime(self, gateway: Gateway, restored: Team, standin: StandIn, enter: Callable[[str], None]):
        enter(restored.key)
        with openai.OpenAI(max_retries=0).realtime.connect(model="gpt-realtime") as connection:
            connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            content = [{"type": "input_text", "text": TEXT}]
            connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
            connection.response.create()
            events = list(takewhile(lambda event: event.type != "response.done", connection))
        assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == TEXT
        assert next(event.text for event in events if event.type == "response.output_text.done") == TEXT

    async def test_gemini_live(
        self,
        gateway: Gateway,
        restored: Team,
        standin: StandIn,
        enter: Callable[[str], None],
        monkeypatch: pytest.MonkeyPatch,
    ):
        enter(restored.key)
        monkeypatch.setenv("SSL_CERT_FILE", str(gateway.bundle))  # the SDK speaks TLS to whatever base URL it has
        connecting = genai.Client().aio.live.connect(
            model="gemini-live-2.5-flash-preview", config={"response_modalities": ["TEXT"]}
        )
        async with connecting as session:
            turn = types.Content(role="user", parts=[types.Part(text=TEXT)])
            await session.send_client_content(turns=turn, turn_complete=True)
            assert "".join([message.text or "" async for message in session.receive()]) == TEXT


def _mark(standin: StandIn) -> str:
    """The placeholder of the e-mail address."""
    said = "".join(request.body.decode() for request in standin.requests())
    return re.findall(r"\[SAFE_TO_USE:EMAIL_\w{8}\]", said)[0]
