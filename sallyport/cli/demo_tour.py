"""The sample calls of `demo`, each with what the agent sent and what the provider received."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from sallyport.cli.admin import opened_store
from sallyport.cli.commands import Failure
from sallyport.cli.output import show_rows
from sallyport.paths import DataDir
from sallyport.secret import Secret
from sallyport.settings import Settings
from sallyport.spend import ledger
from sallyport.standin import StandIn
from sallyport.store.models import Actor
from sallyport.store.operations import Store
from sallyport.supervisor.data_dir import RunningGateway

_PROVIDER_KEY = "sk-provider-key-that-no-agent-ever-sees"
_PRIVATE = (
    "Write to Ada Lovelace (ada@example.com, 212-555-0187) that the deployment failed with the token "
    + "ghp_" + "k3Jx9QmZ7LtV2RbN8WcY4HsD6FgP1TuE5AoX"
)  # fmt: skip
_CAP_USD = 0.025
_ACTOR = Actor("demo")
_SECONDS = 30.0
_CALLS = ("provider", "model", "outcome", "status", "input_tokens", "output_tokens", "cost_usd", "redactions")


def show(screen: Console, data: DataDir, running: RunningGateway, provider: StandIn) -> None:
    with opened_store(Settings(data_dir=data.root)) as store:
        agent, intern = _furnish(store)
        tour = _Tour(screen, data, running, provider)
        tour.wait_for_key(intern)
        tour.swap(agent)
        tour.redaction(agent)
        tour.stream(agent)
        tour.budget(intern)
        screen.rule("Every call has its record", align="left")
        show_rows(_records(store), _CALLS, as_json=False, nothing="no records")


def _furnish(store: Store) -> tuple[str, str]:
    """A secret for each provider used, a guard, and two keys: an agent's, and an intern's with a cap."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        store.put_secret(_ACTOR, "default", name, Secret(_PROVIDER_KEY))
    agent = store.create_key(_ACTOR, name="agent", workspace_id="default")
    intern = store.create_key(_ACTOR, name="intern", workspace_id="default")
    _policy(store, "no secrets, no names", "guard", "workspace_id", "default", {
        "version": 1, "detect": {"pii": True, "secrets": True}, "timeout_seconds": 30, "on_timeout": "block",
    })  # fmt: skip
    _policy(store, "intern's day", "spend_cap", "api_key_id", intern.record.id, {"window": "daily", "limit_usd": _CAP_USD})
    return agent.key.reveal(), intern.key.reveal()


def _policy(store: Store, name: str, kind: str, key: str, value: str, config: dict[str, Any]) -> None:
    action = "redact" if kind == "guard" else "block"
    matchers = [{"key": key, "value": value}]
    store.create_policy(
        _ACTOR, {"name": name, "policy_type": kind, "action": action, "subject_matchers": matchers, "config": config}
    )


def _records(store: Store) -> list[dict[str, Any]]:
    """The newest calls, once the recorder has those just made."""
    deadline = time.monotonic() + 5
    while True:
        rows = [ledger.call_json(row) for row in ledger.list_calls(store.engine, limit=20).items]
        if any(row["status"] == 402 for row in rows) or time.monotonic() > deadline:
            return [row for row in rows if row["operation"] != "models"]
        time.sleep(0.05)


class _Tour:
    def __init__(self, screen: Console, data: DataDir, running: RunningGateway, provider: StandIn) -> None:
        self._screen = screen
        self._data = data
        self._listen = running.listen
        self._provider = provider
        self._direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def wait_for_key(self, key: str) -> None:
        """Until the worker knows the newest key, and so all that was made before it."""
        deadline = time.monotonic() + 10
        while self._call("openai/v1/models", key, None)[0] == 401:
            if time.monotonic() > deadline:
                raise Failure("the demo's gateway does not take its new key")
            time.sleep(0.05)

    def swap(self, key: str) -> None:
        self._screen.rule("The agent holds a gateway key; the provider gets its own", align="left")
        self._answered(key, "Say hello.")
        received = self._provider.requests()[-1]
        self._pair(f"Authorization: Bearer {key[:9]}…", f"Authorization: {received.header('authorization')}")

    def redaction(self, key: str) -> None:
        self._screen.rule("Names, addresses and secrets don't leave", align="left")
        self._answered(key, _PRIVATE)
        self._pair(_PRIVATE, str(self._provider.requests()[-1].json()["messages"][-1]["content"]))

    def stream(self, key: str) -> None:
        self._screen.rule("A stream to api.anthropic.com, by HTTPS_PROXY, as it comes", align="left")
        proxy = urllib.request.ProxyHandler({"https": f"http://sallyport:{key}@{self._listen}"})
        trusting = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self._data.ca_bundle))
        body = {
            "model": "claude-sonnet-4-5",
            "max_tokens": 100,
            "stream": True,
            "messages": [{"role": "user", "content": "[[delay-ms:60]]"}],
        }
        request = urllib.request.Request(
            "https://api.anthropic.com/v1/messages",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "x-api-key": "kept-in-the-gateway", "anthropic-version": "2023-06-01"},
        )
        with urllib.request.build_opener(proxy, trusting).open(request, timeout=_SECONDS) as response:
            for text in _deltas(response):
                self._screen.print(Text(text), end="")
        self._screen.print()

    def budget(self, key: str) -> None:
        self._screen.rule(f"The intern may spend ${_CAP_USD} a day", align="left")
        for number in range(1, 20):
            status, body = self._chat(key, "A long answer, please. [[out:900]]", model="gpt-4o")
            if status != 200:
                self._screen.print(Text(f"call {number}: {status} {body['error']['message']}"), soft_wrap=True)
                return
            self._screen.print(f"call {number}: {status}")
        raise Failure("the spend cap did not hold")

    def _answered(self, key: str, text: str) -> None:
        """Raises Failure when the call is refused."""
        status, body = self._chat(key, text)
        if status != 200:
            raise Failure(f"the demo's call was answered {status}: {body['error']['message']}")

    def _chat(self, key: str, text: str, model: str = "gpt-4o-mini") -> tuple[int, Any]:
        return self._call("openai/v1/chat/completions", key, {"model": model, "messages": [{"role": "user", "content": text}]})

    def _call(self, path: str, key: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://{self._listen}/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        try:
            with self._direct.open(request, timeout=_SECONDS) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def _pair(self, sent: str, received: str) -> None:
        self._screen.print(Text.assemble(("the agent sent         ", "bold"), sent), soft_wrap=True)
        self._screen.print(Text.assemble(("the provider received  ", "bold"), received), soft_wrap=True)


def _deltas(lines: Any) -> Iterator[str]:
    """The pieces of text in a stream of Anthropic's events."""
    for line in lines:
        if line.startswith(b"data: "):
            text = json.loads(line[6:]).get("delta", {}).get("text")
            if text:
                yield text
