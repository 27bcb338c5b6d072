"""WebSockets with the vendors' own SDKs, both ways in: guarded, paid for turn by turn, and refused in words that are shown."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportIndexIssue=false
from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import openai
import pytest
from websockets.exceptions import ConnectionClosedError

from sallyport.standin import StandIn
from tests.e2e.credentials import CANARIES
from tests.e2e.sdks import ANSWER
from tests.e2e.support import Gateway, Team, wait_for

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
GUARD: dict[str, Any] = {"version": 1, "detect": {"pii": False, "secrets": True}, "timeout_seconds": 30, "on_timeout": "block"}
SPENT: dict[str, Any] = {"policy_type": "spend_cap", "config": {"window": "monthly", "limit_usd": "0.000001"}}

Enter = Callable[[str], None]


def turns(gateway: Gateway, team: Team, number: int, operation: str) -> list[dict[str, Any]]:
    """The records of so many turns, newest first."""

    def find() -> list[dict[str, Any]] | None:
        calls = [call for call in gateway.calls(workspace_id=team.workspace_id) if call["operation"] == operation]
        return calls if len(calls) >= number else None

    found = wait_for(find, f"{number} turns")
    assert len(found) == number
    return found


def handshake_was_ours(standin: StandIn, team: Team, credential: tuple[str, str]) -> None:
    """The provider saw our key, and the gateway's nowhere."""
    received = standin.requests()
    opened = [request for request in received if request.header("upgrade") == "websocket"]
    assert opened
    assert all(request.header(credential[0]) == credential[1] for request in opened)
    assert not any(team.key in request for request in received)


class TestResponses:
    def ask(self, connection: Any, text: str, **options: Any) -> Any:
        connection.response.create(model="gpt-5-mini", input=text, **options)
        return next(event for event in connection if event.type in ("response.completed", "error"))

    def text(self, response: Any) -> str:
        return response.output[0].content[0].text

    def test_turns(self, gateway: Gateway, standin: StandIn, enter: Enter, way_in: str):
        team = gateway.team("Ada", {"policy_type": "guard", "config": GUARD})
        enter(team.key)
        with openai.OpenAI(max_retries=0).responses.connect() as connection:
            first = self.ask(connection, "hi").response
            second = self.ask(connection, f"[[echo]] {TOKEN}", previous_response_id=first.id).response
        assert self.text(first) == ANSWER
        assert "[SAFE_TO_USE:GITHUB_PAT_" in self.text(second)
        handshake_was_ours(standin, team, ("authorization", f"Bearer {CANARIES['OPENAI_API_KEY']}"))
        assert not any(TOKEN in request for request in standin.requests())
        later, earlier = turns(gateway, team, 2, "responses")
        assert (earlier["input_tokens"], earlier["output_tokens"], earlier["redactions"]) == (1, 11, {})
        assert later["input_tokens"] > 12  # what was said before is read again
        assert later["redactions"] == {"GITHUB_PAT": 1}
        for call in (later, earlier):
            assert (call["outcome"], call["way_in"], call["model"], call["estimated"]) == ("success", way_in, "gpt-5-mini", False)
            assert call["cost_usd"] > "0"

    def test_a_used_up_cap(self, gateway: Gateway, standin: StandIn, enter: Enter):
        team = gateway.team("Ada", SPENT)
        enter(team.key)
        api = openai.OpenAI(max_retries=0)
        with api.responses.connect() as connection:
            assert self.ask(connection, "hi").type == "response.completed"
            for _ in range(2):  # the second time without asking Redis
                refused = self.ask(connection, "again")
                assert (refused.type, refused.status) == ("error", 402)
                assert refused.error.message.startswith("request blocked by gateway policies: spend_cap")
        assert len([request for request in standin.requests() if request.method == "MESSAGE"]) == 1

    def test_a_key_that_is_revoked_talks_no_more(self, gateway: Gateway, standin: StandIn, enter: Enter):
        team = gateway.team("Ada")
        enter(team.key)
        with openai.OpenAI(max_retries=0).responses.connect() as connection:
            assert self.ask(connection, "hi").type == "response.completed"
            gateway.admin("DELETE", f"/v1/keys/{team.key_id}")
            wait_for(lambda: gateway.refused(team.key), "every worker to refuse a revoked key")
            refused = self.ask(connection, "again")
            assert (refused.status, "revoked" in refused.error.message) == (401, True)
        assert len([request for request in standin.requests() if request.method == "MESSAGE"]) == 1

    def test_a_model_that_is_not_allowed(self, gateway: Gateway, standin: StandIn, enter: Enter):
        team = gateway.team("Ada", {"policy_type": "model_access", "config": {"allow": ["openai/gpt-4o*"]}})
        enter(team.key)
        with openai.OpenAI(max_retries=0).responses.connect() as connection:
            refused = self.ask(connection, "hi")
        assert (refused.status, "openai/gpt-5-mini" in refused.error.message) == (403, True)
        assert not [request for request in standin.requests() if request.method == "MESSAGE"]
        assert turns(gateway, team, 1, "responses")[0]["outcome"] == "blocked"


class TestRealtime:
    def until(self, connection: Any, *kinds: str) -> Any:
        return next(event for event in connection if event.type in kinds)

    def say(self, connection: Any, text: str) -> None:
        connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        )

    def test_a_turn_of_text(self, gateway: Gateway, standin: StandIn, enter: Enter, way_in: str):
        team = gateway.team("Ada", {"policy_type": "guard", "config": GUARD})
        enter(team.key)
        with openai.OpenAI(max_retries=0).realtime.connect(model="gpt-realtime") as connection:
            connection.session.update(session={"type": "realtime", "output_modalities": ["text"], "instructions": f"is {TOKEN}"})
            self.say(connection, f"[[echo]] my token: {TOKEN}")
            connection.response.create()
            text = self.until(connection, "response.output_text.done").text
            self.until(connection, "response.done")
        assert text.startswith("[[echo]] my token: [SAFE_TO_USE:GITHUB_PAT_")
        handshake_was_ours(standin, team, ("authorization", f"Bearer {CANARIES['OPENAI_API_KEY']}"))
        assert not any(TOKEN in request for request in standin.requests())
        call = turns(gateway, team, 1, "realtime")[0]
        assert (call["outcome"], call["model"], call["way_in"], call["estimated"]) == ("success", "gpt-realtime", way_in, False)
        assert (call["redactions"], call["output_tokens"]) == ({"GITHUB_PAT": 2}, 4)
        assert call["cost_usd"] > "0"

    def speak(self, connection: Any, text: str) -> str:
        sound = base64.b64encode(text.encode()).decode()
        connection.input_audio_buffer.append(audio=sound)
        connection.input_audio_buffer.append(audio=base64.b64encode(bytes(100)).decode())  # silence
        return sound

    def test_an_answer_to_speech_that_no_message_asks_for(self, gateway: Gateway, standin: StandIn, enter: Enter):
        team = gateway.team("Ada", {"policy_type": "guard", "config": GUARD})
        enter(team.key)
        with openai.OpenAI(max_retries=0).realtime.connect(model="gpt-realtime") as connection:
            sound = self.speak(connection, TOKEN)
            done = self.until(connection, "response.done")
        assert done.response.status == "completed"
        assert any(sound in request for request in standin.requests())  # sound is left as it is
        call = turns(gateway, team, 1, "realtime")[0]
        assert (call["outcome"], call["output_tokens"], call["redactions"]) == ("success", 11, {})

    def test_an_answer_to_speech_beyond_the_cap_is_stopped(self, gateway: Gateway, standin: StandIn, enter: Enter):
        team = gateway.team("Ada", SPENT)
        enter(team.key)
        with openai.OpenAI(max_retries=0).realtime.connect(model="gpt-realtime") as connection:
            self.speak(connection, "hello")
            assert self.until(connection, "response.done")
            self.speak(connection, "hello again [[delay-ms:20]]")
            told = self.until(connection, "error", "response.done")
            assert told.error.message.startswith("request blocked by gateway policies: spend_cap")
            with pytest.raises(ConnectionClosedError) as closed:
                self.until(connection, "response.done")
        assert closed.value.rcvd.code == 1008
        said = [request.json()["type"] for request in standin.requests() if request.method == "MESSAGE"]
        assert said[-1] == "response.cancel"
        assert [call["outcome"] for call in turns(gateway, team, 2, "realtime")] == ["blocked", "success"]

    def test_a_turn_beyond_the_cap_is_refused_and_the_session_stays(self, gateway: Gateway, standin: StandIn, enter: Enter):
        team = gateway.team("Ada", SPENT)
        enter(team.key)
        with openai.OpenAI(max_retries=0).realtime.connect(model="gpt-realtime") as connection:
            self.say(connection, "hi")
            connection.response.create()
            self.until(connection, "response.done")
            for name in ("one", "two"):
                connection.send({"type": "response.create", "event_id": name})
                told = self.until(connection, "error")
                assert (told.error.event_id, "spend_cap" in told.error.message) == (name, True)

    def test_transcription_is_paid_too(self, gateway: Gateway, standin: StandIn, enter: Enter):
        team = gateway.team("Ada")
        enter(team.key)
        with openai.OpenAI(max_retries=0).realtime.connect(model="gpt-realtime") as connection:
            heard = {"transcription": {"model": "gpt-4o-transcribe"}, "turn_detection": {"type": "server_vad"}}
            connection.session.update(session={"type": "realtime", "audio": {"input": heard}})
            self.speak(connection, "hello")
            self.until(connection, "response.done")
        calls = {call["model"]: call for call in turns(gateway, team, 2, "realtime")}
        assert calls["gpt-4o-transcribe"]["input_tokens"] == 10
        assert calls["gpt-4o-transcribe"]["cost_usd"] > "0"

    def test_a_secret_for_another_connection_is_sold_under_no_cap(self, gateway: Gateway, standin: StandIn, enter: Enter):
        free, capped = gateway.team("Ada"), gateway.team("Bob", SPENT)
        enter(free.key)
        assert openai.OpenAI(max_retries=0).realtime.client_secrets.create(session={"type": "realtime"}).value.startswith("ek_")
        enter(capped.key)
        with pytest.raises(openai.PermissionDeniedError, match="can't be counted"):
            openai.OpenAI(max_retries=0).realtime.client_secrets.create(session={"type": "realtime"})
