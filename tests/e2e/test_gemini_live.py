"""Gemini Live with Google's own SDK, both ways in, on the Gemini API and on Vertex AI."""

# pyright: basic, reportArgumentType=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials
from websockets.asyncio.client import connect

from sallyport.standin import StandIn
from tests.e2e.credentials import CANARIES
from tests.e2e.sdks import ANSWER, DUMMY
from tests.e2e.support import Gateway
from tests.e2e.test_websockets import GUARD, SPENT, TOKEN, handshake_was_ours, turns

MODEL = "gemini-live-2.5-flash-preview"
TEXT: Any = {"response_modalities": ["TEXT"], "system_instruction": f"the token is {TOKEN}"}

Enter = Callable[[str], None]


@pytest.fixture
def enter(enter: Enter, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Enter:
    """The SDK speaks TLS to whatever base URL it has, so the gateway's own port does too."""

    def enter_securely(key: str) -> None:
        enter(key)
        monkeypatch.setenv("SSL_CERT_FILE", str(gateway.bundle))

    return enter_securely


def ask(session: Any, text: str) -> Any:
    return session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text=text)]), turn_complete=True)


async def answer(session: Any) -> str:
    return "".join([message.text or "" async for message in session.receive()])


async def test_turns(gateway: Gateway, standin: StandIn, enter: Enter, way_in: str):
    team = gateway.team("Ada", {"policy_type": "guard", "config": GUARD})
    enter(team.key)
    async with genai.Client().aio.live.connect(model=MODEL, config=TEXT) as session:
        await ask(session, "hi")
        assert await answer(session) == ANSWER
        await ask(session, f"[[echo]] my token: {TOKEN}")
        assert "[SAFE_TO_USE:GITHUB_PAT_" in await answer(session)
    handshake_was_ours(standin, team, ("x-goog-api-key", CANARIES["GOOGLE_API_KEY"]))
    assert not any(TOKEN in request for request in standin.requests())
    later, earlier = turns(gateway, team, 2, "live")
    assert (earlier["redactions"], earlier["output_tokens"]) == ({"GITHUB_PAT": 1}, 11)  # in the instruction
    assert later["redactions"] == {"GITHUB_PAT": 1}
    for call in (later, earlier):
        assert (call["outcome"], call["model"], call["way_in"], call["estimated"]) == ("success", MODEL, way_in, False)
        assert call["cost_usd"] > "0"


async def test_a_tool_and_speech(gateway: Gateway, standin: StandIn, enter: Enter):
    team = gateway.team("Ada")
    enter(team.key)
    tool: Any = {"function_declarations": [{"name": "look"}]}
    config: Any = {"response_modalities": ["TEXT"], "tools": [tool]}
    async with genai.Client().aio.live.connect(model=MODEL, config=config) as session:
        await ask(session, "[[tool]]")
        called = (await anext(aiter(session.receive()))).tool_call.function_calls[0]
        result = types.FunctionResponse(id=called.id, name=called.name, response={"is": "there"})
        await session.send_tool_response(function_responses=result)
        assert await answer(session) == ANSWER
        for sound in (b"[[length:3]] says the speaker", bytes(100)):
            await session.send_realtime_input(audio=types.Blob(data=sound, mime_type="audio/pcm;rate=16000"))
        assert await answer(session) == "This answer comes"
    assert [call["output_tokens"] for call in turns(gateway, team, 3, "live")] == [3, 11, 11]


@pytest.mark.parametrize("spoken", [False, True])
async def test_a_used_up_cap_closes_with_the_reason(gateway: Gateway, standin: StandIn, enter: Enter, spoken: bool):
    team = gateway.team("Ada", SPENT)
    enter(team.key)
    with pytest.raises(errors.APIError, match="request blocked by gateway policies: spend_cap") as refused:  # noqa: PT012
        async with genai.Client().aio.live.connect(model=MODEL, config={"response_modalities": ["TEXT"]}) as session:
            await ask(session, "hi")
            await answer(session)
            if spoken:
                for sound in (b"and again [[delay-ms:20]]", bytes(100)):
                    await session.send_realtime_input(audio=types.Blob(data=sound, mime_type="audio/pcm;rate=16000"))
            else:
                await ask(session, "and again")
            await answer(session)
    assert refused.value.code == 1008
    assert [call["outcome"] for call in turns(gateway, team, 2, "live")] == ["blocked", "success"]


async def test_a_key_in_the_query(gateway: Gateway, standin: StandIn):
    """As browsers send it, which can set no header."""
    team = gateway.team("Ada")
    path = "gemini/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    async with connect(f"ws://{gateway.listen}/{path}?key={team.key}", proxy=None) as socket:
        await socket.send('{"setup": {"model": "models/gemini-live-2.5-flash-preview"}}')
        assert b"setupComplete" in await socket.recv(decode=False)
    handshake_was_ours(standin, team, ("x-goog-api-key", CANARIES["GOOGLE_API_KEY"]))


async def test_on_vertex(gateway: Gateway, standin: StandIn, enter: Enter, monkeypatch: pytest.MonkeyPatch, way_in: str):
    team = gateway.team("Ada")
    enter(team.key)
    monkeypatch.delenv("GOOGLE_API_KEY")  # it would win over the credentials
    token = team.key if way_in == "base_url" else DUMMY
    options = None
    if way_in == "base_url":  # its path names no location, so the base URL does
        options = types.HttpOptions(base_url=f"{gateway.url}/vertex/@us-central1")
    api = genai.Client(
        vertexai=True, project="p", location="us-central1", credentials=Credentials(token=token), http_options=options
    )
    async with api.aio.live.connect(model="gemini-live-2.5-flash", config={"response_modalities": ["TEXT"]}) as session:
        await ask(session, "hi")
        assert await answer(session) == ANSWER
    handshake_was_ours(standin, team, ("authorization", "Bearer ya29.stand-in-access-token"))
    call = turns(gateway, team, 1, "live")[0]
    assert (call["provider"], call["model"], call["output_tokens"]) == ("vertex", "gemini-live-2.5-flash", 11)
