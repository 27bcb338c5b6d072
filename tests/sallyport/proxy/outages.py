"""Workspaces with fallback chains, and the providers they lead to."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sallyport.secret import Secret
from sallyport.store.models import Actor
from sallyport.store.opening import open_store
from sallyport.store.provider_secrets import NewSecretKey
from tests.sallyport.proxy.gateway import ANSWER, SECRETS, Installation, Worker, clean
from tests.sallyport.proxy.wire import Provider, answer, eventually

ACTOR = Actor("test", "127.0.0.1")
OPENAI: dict[str, Any] = {"when": {"provider": "openai"}}
DEAREST = "accounts/fireworks/models/deepseek-v3"
POOLED = ("pooled", "limited", "refused", "reading", "socket", "bound")
LABELS = ("one", "two", "three")
"""The OpenAI keys that some workspaces have: `sk-WORKSPACE-LABEL`."""
WORKSPACES: Mapping[str, list[dict[str, Any]]] = {
    "models": [
        OPENAI | {"then": [{"model": "gpt-4o"}, {"model": "gpt-4.1-mini"}]},
        {"when": {"provider": "gemini"}, "then": [{"model": "gemini-2.5-flash"}]},
        {"when": {"provider": "anthropic", "model": "claude-sonnet-*"}, "then": [{"model": "claude-haiku-4-5"}]},
    ],
    "elsewhere": [OPENAI | {"then": [{"provider": "baseten", "model": "gone"}, {"provider": "fireworks", "model": DEAREST}]}],
    "hurried": [OPENAI | {"then": [{"model": "gpt-4o"}], "first_byte_timeout_seconds": 0.3}],
    "barred": [OPENAI | {"then": [{"model": "o3-pro"}, {"provider": "fireworks"}, {"model": "gpt-4o"}]}],
    "capped": [OPENAI | {"then": [{"model": "gpt-4o"}], "first_byte_timeout_seconds": 0.3}],
    "paced": [OPENAI | {"then": [{"model": "gpt-4o"}]}],
    "pooled": [],
    "limited": [OPENAI | {"then": [{"model": "gpt-4o"}]}],
    "refused": [],
    "reading": [],
    "socket": [],
    "bound": [OPENAI | {"then": [{"provider": "fireworks", "model": DEAREST}]}],
    "picky": [OPENAI | {"then": [{"model": "gpt-4o"}], "on_status": [503], "on_transport_error": False}],
}


@dataclass
class Outages:
    """One worker, and each workspace's view of it."""

    workers: Mapping[str, Worker]
    providers: Mapping[str, Provider]

    def __getitem__(self, provider: str) -> Provider:
        return self.providers[provider]

    def clean(self) -> None:
        clean(self.workers["models"])
        for provider in self.providers.values():
            provider.forget()

    def works(self) -> None:
        """An ordinary call goes through, and nothing is held."""
        worker = self.workers["models"]
        with worker.ask(worker.chat()) as client, self["openai"].accept() as provider:
            provider.message()
            provider.send(answer(ANSWER))
            assert client.message().body == ANSWER
        eventually(lambda: worker.reserved() == 0, "no reservation is left")


@contextmanager
def outages(installation: Installation, start_worker: Any) -> Generator[Outages]:
    providers = {"openai": Provider(), "fireworks": Provider(), "gemini": Provider(), "anthropic": installation.anthropic}
    upstreams = {name: provider.url for name, provider in providers.items()}
    keys = _workspaces(installation)
    worker = start_worker(
        upstreams=installation.settings["upstreams"] | upstreams | {"baseten": installation.settings["upstreams"]["fireworks"]},
        response_timeout=2.0,
        connect_timeout=1.0,
    )
    workers = {name: replace(worker, installation=replace(installation, key=key)) for name, key in keys.items()}
    yield Outages(workers, providers)
    for name in ("openai", "fireworks", "gemini"):
        providers[name].close()


def _workspaces(installation: Installation) -> dict[str, str]:
    """Each with every secret but where that is the point; a key for each, by name."""
    store = open_store(installation.data.database, installation.data.master_key, {}, create=False)
    keys: dict[str, str] = {}
    for name, fallbacks in WORKSPACES.items():
        workspace = store.create_workspace(ACTOR, {"name": name, "fallbacks": fallbacks}).id
        for secret, value in SECRETS.items():
            if (name, secret) != ("barred", "FIREWORKS_API_KEY"):
                store.put_secret(ACTOR, workspace, secret, Secret(value))
        if name in POOLED:
            pool = [NewSecretKey(Secret(f"sk-{name}-{label}"), label) for label in LABELS]
            store.put_secret(ACTOR, workspace, "OPENAI_API_KEY", *pool)
        keys[name] = store.create_key(ACTOR, workspace_id=workspace, name=name).key.reveal()
        for policy_type, config in _policies(name).items():
            matchers = [{"key": "workspace_id", "value": workspace}]
            fields = {"name": f"{name}'s", "policy_type": policy_type, "subject_matchers": matchers, "config": config}
            store.create_policy(ACTOR, fields)
    store.engine.dispose()
    return keys


def _policies(name: str) -> dict[str, dict[str, Any]]:
    if name == "barred":
        return {"model_access": {"allow": ["openai/gpt-*", "fireworks/*"]}}
    if name == "paced":
        return {"rate_limit": {"limits": [{"metric": "requests", "window": "hour", "value": 1}]}}
    if name == "capped":
        return {"spend_cap": {"window": "monthly", "limit_usd": 0.0000001}}
    return {}
