"""WebSockets with the vendors' own SDKs, both ways in: guarded, paid for turn by turn, and refused in words that are shown."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportAttributeAccessIssue=false, reportOptionalSubscript=false, reportIndexIssue=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai

from sallyport.standin import StandIn
from tests.e2e.credentials import CANARIES
from tests.e2e.sdks import ANSWER
from tests.e2e.support import Gateway, Team, wait_for

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
GUARD = {"version": 1, "detect": {"pii": False, "secrets": True}, "timeout_seconds": 30, "on_timeout": "block"}
SPENT = {"policy_type": "spend_cap", "config": {"window": "monthly", "limit_usd": "0.000001"}}

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
