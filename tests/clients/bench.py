"""What each client does when it is answered, refused and cut off: measured once, for the tests and for `docs/clients.md`."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sallyport.standin import Received, StandIn
from tests.clients.client import Client, Outcome, Runner
from tests.clients.logins import Login
from tests.clients.programs import SdkProcess
from tests.e2e.credentials import CANARIES
from tests.e2e.sdks import ANSWER
from tests.e2e.support import Gateway, Team, wait_for
from tests.e2e.wire import chat

COLUMNS = ("text", "stream", "tool call", "refused at once", "key swapped", "nothing leaked")
LOGIN_COLUMNS = ("answered", "log-in unchanged", "recorded", "no cap counts it", "nothing leaked")
AT_ONCE = 45.0
"""Seconds. A busy machine is slow; a client that retries in silence takes minutes."""
_PROMPT = "hi"
_NAMES = "Anna Schmidt lives in Berlin"  # what a guard must have looked at
_QUIET = 0.3
"""Seconds without a new record, after which all of a run's are there."""
_SECRETS = {
    "anthropic": CANARIES["ANTHROPIC_API_KEY"],
    "bedrock": CANARIES["AWS_BEARER_TOKEN_BEDROCK"],
    "gemini": CANARIES["GOOGLE_API_KEY"],
    "openai": CANARIES["OPENAI_API_KEY"],
    "vertex": "ya29.stand-in-access-token",
}
_HEADERS = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}
_GUARD = {"version": 1, "detect": {"pii": True, "secrets": False}, "timeout_seconds": 1, "on_timeout": "block"}


@dataclass(frozen=True, slots=True)
class Refused:
    """One way to be refused: the policy that does it, and what a person must read."""

    name: str
    message: str
    policy: dict[str, Any] | None = None
    prompt: str = _PROMPT


REFUSALS = (
    Refused("unknown key", "gateway key unknown"),
    Refused(
        "spend cap",
        "request blocked by gateway policies: Pocket money",
        {"policy_type": "spend_cap", "name": "Pocket money", "config": {"window": "monthly", "limit_usd": "0.00000001"}},
    ),
    Refused(
        "model access",
        "request blocked by gateway policies: Embeddings only",
        {"policy_type": "model_access", "name": "Embeddings only", "config": {"allow": ["openai/text-embedding-*"]}},
    ),
    Refused(
        "rate limit",
        "request blocked by gateway policies: Slowly",
        {
            "policy_type": "rate_limit",
            "name": "Slowly",
            "config": {"version": 1, "limits": [{"metric": "requests", "window": "hour", "value": 1}]},
        },
    ),
    Refused(
        "guard",
        "request blocked by gateway policies: Personal data",
        {"policy_type": "guard", "name": "Personal data", "config": _GUARD},
        _NAMES,
    ),
)
SPEND_CAP = REFUSALS[1]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a client did when it was refused."""

    outcome: Outcome
    shown: bool
    requests: int
    status: int
    """As the gateway sent it."""
    few: bool
    """It asked no more often than it does for an answer."""


@dataclass(frozen=True, slots=True)
class Row:
    """One client by one way in: column → what was wrong, empty where nothing was."""

    found: dict[str, str]


class Bench:
    """One gateway, one stand-in, and a team for each way to be refused."""

    def __init__(self, gateway: Gateway, standin: StandIn, sdks: SdkProcess) -> None:
        self.gateway = gateway
        self._standin = standin
        self._runner = Runner(gateway, sdks)
        self._refused: dict[str, Team] = {}

    @cached_property
    def team(self) -> Team:
        """May do everything."""
        return self.gateway.team("Ada")

    def ask(self, client: Client, way_in: str, kind: str = "text", prompt: str = _PROMPT) -> tuple[Outcome, list[dict[str, Any]]]:
        """How it ended, and the records of its requests to models."""
        team, started = self.team, time.time()
        outcome = self._runner.run(client, way_in, team.key, kind, prompt)
        return outcome, self._records(client, started, user_id=team.user_id)

    def measure(self, client: Client, way_in: str) -> Row:
        """Raises `programs.Missing` where the client can't be had."""
        self._standin.clear()
        text, asked = self.ask(client, way_in)
        stream, streamed = (text, asked) if client.agent else self.ask(client, way_in, "stream")
        tool, called = self.ask(client, way_in, "tool", f"{_PROMPT} [[tool]]")
        received = [request for request in self._standin.requests() if not request.target.startswith("/token")]
        refusal = self.refuse(client, way_in, SPEND_CAP)
        found = {
            "text": _answered(text) or _recorded(client, asked, way_in),
            "stream": _answered(stream) or ("" if any(call["stream"] for call in streamed) else "no record says it was streamed"),
            "tool call": (_answered(tool) or _acted(received, called, client)) if client.agent else _called(tool),
            "refused at once": _at_once(client, refusal),
            "key swapped": _swapped(client, received),
            "nothing leaked": self._leaked(client, received, text, stream, tool),
        }
        return Row({column: found[column] for column in COLUMNS})

    def measure_login(self, login: Login, way_in: str) -> Row:
        """With the user's own vendor log-in, under a cap that lets nothing through that costs. Raises `programs.Missing`."""
        client, (team, cap) = login.client, self._subscriber
        self._standin.clear()
        started = time.time()
        options = ("--own-login",) if way_in == "proxy" else ()
        outcome = self._runner.run(client, way_in, team.key, "text", _PROMPT, *options)
        received, calls = self._standin.requests(), self._records(client, started, user_id=team.user_id)
        spent = self.gateway.admin("GET", f"/v1/platform/gateway-policies/{cap}")["current_spend_usd"]
        leaked = any(key in request for request in received for key in (team.key, *CANARIES.values()))
        found = {
            "answered": _answered(outcome),
            "log-in unchanged": _unchanged(login, received),
            "recorded": _recorded(client, calls, way_in) or ("" if all(call["passthrough"] for call in calls) else "as any call"),
            "no cap counts it": "" if float(spent) == 0 else f"{spent} USD",
            "nothing leaked": "a key reached the vendor" if leaked else "",
        }
        return Row(found)

    @cached_property
    def _subscriber(self) -> tuple[Team, str]:
        team = self.gateway.team("subscriber", credentials="passthrough")
        config = {"window": "monthly", "limit_usd": "0.00000001"}
        return team, self.gateway.policy(team.workspace_id, "spend_cap", config)["id"]

    def refuse(self, client: Client, way_in: str, refused: Refused) -> Refusal:
        key, filters = self._refused_key(refused)
        started = time.time()
        outcome = self._runner.run(client, way_in, key, "text", refused.prompt)
        calls = self._records(client, started, **filters)
        shown = refused.message in outcome.shown.replace("\u2060", "")
        return Refusal(outcome, shown, len(calls), calls[-1]["status"] if calls else 0, 0 < len(calls) <= client.requests)

    def run(self, client: Client, way_in: str, key: str, prompt: str, *options: str, **variables: str) -> Outcome:
        return self._runner.run(client, way_in, key, "text", prompt, *options, **variables)

    def received(self) -> list[Received]:
        return self._standin.requests()

    def _refused_key(self, refused: Refused) -> tuple[str, dict[str, str]]:
        """A key that is refused so, and what tells its records."""
        if refused.policy is None:
            return "sp_unknown", {"outcome": "blocked"}
        if refused.name not in self._refused:
            team = self._refused[refused.name] = self.gateway.team(refused.name.replace(" ", "-"), refused.policy)
            with self.gateway.client(team) as client:
                wait_for(lambda: client.post("/openai/v1/chat/completions", json=chat(_NAMES)).status_code != 200, refused.name)
        team = self._refused[refused.name]
        return team.key, {"user_id": team.user_id}

    def _records(self, client: Client, started: float, **filters: str) -> list[dict[str, Any]]:
        """Of the requests to models since `started`, oldest first, once no more come."""

        def found() -> list[dict[str, Any]]:
            calls = self.gateway.calls(provider=client.provider, **filters)
            calls = [call for call in calls if datetime.fromisoformat(call["started_at"]).timestamp() >= started]
            return [call for call in calls if call["operation"] in _GENERATING]

        calls, since = found(), time.monotonic()
        while time.monotonic() < since + _QUIET:
            time.sleep(0.05)
            if len(now := found()) != len(calls):
                calls, since = now, time.monotonic()
        return calls[::-1]

    def _leaked(self, client: Client, received: list[Received], *outcomes: Outcome) -> str:
        foreign = [canary for canary in CANARIES.values() if canary != _SECRETS[client.provider]]
        dummies = ("kept-in-the-gateway", "ya29.dummy")
        for request in received:
            if any(text in request for text in (self.team.key, *foreign, *dummies)) or request.header("proxy-authorization"):
                return f"a credential of the caller's reached the provider at {request.target}"
        if any(canary in outcome.shown for outcome in outcomes for canary in _SECRETS.values()):
            return "the client got hold of a provider's key"
        return ""


_ASKS = re.compile(r"/v1/messages|/codex/responses|enerateContent")
_GENERATING = ("chat", "responses", "messages", "generate", "converse", "invoke")


def _answered(outcome: Outcome) -> str:
    said = "".join(re.findall(r'"content":"([^"]*)"', outcome.output))  # of who prints the events as they came
    if outcome.status == 0 and (ANSWER in outcome.output or ANSWER in said):
        return ""
    return f"ended with {outcome.status}: {outcome.shown.strip()[-300:]}"


def _recorded(client: Client, calls: list[dict[str, Any]], way_in: str) -> str:
    if len(calls) != client.requests:
        return f"{len(calls)} requests instead of {client.requests}"
    wrong = [call for call in calls if (call["outcome"], call["way_in"]) != ("success", way_in)]
    return f"recorded as {wrong[0]}" if wrong else "" if any(float(call["cost_usd"]) for call in calls) else "nothing was charged"


def _unchanged(login: Login, received: list[Received]) -> str:
    """Every request to a model has the user's own log-in, and what belongs to it."""
    asked = [request for request in received if _ASKS.search(request.target) and request.method != "MESSAGE"]
    for request in asked:
        if request.header("authorization") != f"Bearer {login.bearer}":
            return f"{request.target} came with another credential"
        if any(text not in (request.header(name) or "") for name, text in login.headers.items()):
            return f"{request.target} lacks {', '.join(login.headers)}"
    return "" if asked else "no model was asked"


def _called(outcome: Outcome) -> str:
    return "" if outcome.status == 0 and "get_weather" in outcome.output and "Paris" in outcome.output else outcome.shown[-300:]


def _acted(received: list[Received], calls: list[dict[str, Any]], client: Client) -> str:
    """The first answer calls a tool, the next request holds what the tool said."""
    results = ("tool_result", "function_call_output", "functionResponse", '"role":"tool"')
    held = any(result in request for request in received for result in results)
    return "" if held and len(calls) == client.requests + 1 else f"{len(calls)} requests, the tool's result in {held}"


def _at_once(client: Client, refusal: Refusal) -> str:
    if not refusal.shown:
        return f"the message was not shown: {refusal.outcome.shown[-300:]}"
    if refusal.outcome.status == 0:
        return "ended as if it had been answered"
    if refusal.outcome.seconds > AT_ONCE:
        return f"took {refusal.outcome.seconds:.0f} s"
    return "" if refusal.few else f"{refusal.requests} requests instead of {client.requests}"


def _swapped(client: Client, received: list[Received]) -> str:
    """Each request to a model holds the provider's credential where the provider looks for it."""
    header, secret = _HEADERS.get(client.provider, "authorization"), _SECRETS[client.provider]
    models = [request for request in received if request.method == "POST" or request.header("upgrade")]
    wrong = [request.target for request in models if (request.header(header) or "").removeprefix("Bearer ") != secret]
    return f"without the provider's key: {wrong[:3]}" if wrong or not models else ""


@contextmanager
def bench(directory: Path, standin: StandIn) -> Generator[Bench]:
    """Agents talk to more than models: what isn't a provider's goes nowhere."""
    with SdkProcess() as sdks, Gateway(directory, standin, "--ner-workers", "0", "--tunnel", "refuse") as gateway:
        yield Bench(gateway, standin, sdks)
