"""The real gateway as a process, an admin of it, and the teams that call through it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2

from sallyport.providers import PROVIDERS
from sallyport.standin import StandIn
from tests.e2e.credentials import all_secrets

ROOT = Path(__file__).parents[2]
ADMIN_KEY = "spa_e2e0123456789abcdefghijklmnopqrstuvwxyzABC"
PATIENCE = 5.0
"""Seconds. The contract says that everything holds within 1 s; a machine that runs other things beside is given more."""
_START_SECONDS = 60.0
_BY_PATH = ("anthropic", "bedrock", "chatgpt", "codeassist", "fireworks", "gemini", "openai", "vertex")
_IN_A_ROW = 12
"""Fresh connections that must all know a new key: both of two workers are then almost surely among them."""


def wait_for[T](find: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """What `find` returns, once that is true."""
    deadline = time.monotonic() + patience
    while not (found := find()):
        assert time.monotonic() < deadline, f"waited {patience} s in vain for {what}"
        time.sleep(0.02)
    return found


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace with one user and one key."""

    workspace_id: str
    user_id: str
    key_id: str
    key: str = field(repr=False)


class Gateway:
    """`run_gateway.py serve` on free ports, all providers sent to a stand-in."""

    def __init__(
        self,
        directory: Path,
        standin: StandIn,
        *options: str,
        upstreams: Mapping[str, str] | None = None,
        own_hosts: bool = False,
        within: Sequence[str] = (),
    ) -> None:
        """`own_hosts`: the providers are at their own names. `within`: a command that runs its arguments somewhere else."""
        self.data_dir = directory / "data"
        self.log_file = directory / "log.txt"
        self.standin = standin
        home = directory / "home"
        home.mkdir(parents=True, exist_ok=True)
        # a prefix tells apart those whose paths are OpenAI's, and shows that prefixes are kept
        prefixed = {name: f"{standin.url}/{name}" for name in PROVIDERS if name not in _BY_PATH}
        urls = dict.fromkeys((*PROVIDERS, "sts"), standin.url) | prefixed | dict(upstreams or {})
        if own_hosts:
            urls = {}
        self._command = [*within, sys.executable, str(ROOT / "run_gateway.py"), "serve", "--data-dir", str(self.data_dir)]
        self._command += ["--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--workers", "2"]
        self._command += [f"--upstream={name}={url}" for name, url in urls.items()]
        self._command += ["--upstream-ca", str(standin.ca), *options]
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), "SALLYPORT_ADMIN_KEY": ADMIN_KEY}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment, cwd=ROOT)
        try:
            wait_for(self._serves, "the gateway to serve", _START_SECONDS)
        except AssertionError:
            self.process.kill()
            raise AssertionError(f"the gateway did not start:\n{self.log[-3000:]}") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        code = self.stop()
        if kind is None:
            assert code == 0, f"the gateway ended with {code}:\n{self.log[-4000:]}"
            assert "Traceback" not in self.log, self.log[self.log.index("Traceback") - 500 :][:3000]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def _serves(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None
        if not (self.data_dir / "gateway.json").exists():
            return False
        try:
            return httpx2.get(f"{self.console}/healthz", trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "gateway.json").read_text())

    @property
    def listen(self) -> str:
        """`127.0.0.1:PORT`."""
        return self.state["listen"]

    @property
    def url(self) -> str:
        return f"http://{self.listen}"

    @property
    def console(self) -> str:
        return f"http://{self.state['console']}"

    @property
    def ca(self) -> Path:
        return self.data_dir / "ca" / "ca-cert.pem"

    @property
    def bundle(self) -> Path:
        return self.data_dir / "ca" / "bundle.pem"

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def admin(self, method: str, path: str, **options: Any) -> Any:
        """An admin API call that must succeed; the answer's JSON, or None where it has no body."""
        answer = httpx2.request(
            method, self.console + path, headers={"x-api-key": ADMIN_KEY}, trust_env=False, timeout=10, **options
        )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def team(self, name: str, *policies: dict[str, Any], secrets: Mapping[str, str] | None = None, **settings: Any) -> Team:
        """A new team whose key every worker knows, and with it the secrets and policies; `{}` matchers mean its workspace."""
        workspace = self.admin("POST", "/v1/workspaces", json={"name": f"{name}-{time.time_ns()}", **settings})["id"]
        user = self.admin("POST", "/v1/users", json={"name": name})["id"]
        for secret, value in (all_secrets() if secrets is None else secrets).items():
            self.admin("PUT", f"/v1/workspaces/{workspace}/secrets/{secret}", json={"value": value})
        for policy in policies:
            self.policy(workspace, **policy)
        made = self.new_key(workspace, user)
        return Team(workspace, user, made["id"], made["key"])

    def new_key(self, workspace: str, user: str | None = None, *, wait: bool = True, **options: Any) -> dict[str, Any]:
        made = self.admin("POST", "/v1/keys", json={"workspace_id": workspace, "user_id": user, "name": "test", **options})
        if wait:
            wait_for(lambda: self.known(made["key"]), "every worker to know a new key")
        return made

    def policy(self, workspace: str, policy_type: str, config: dict[str, Any], **options: Any) -> dict[str, Any]:
        matchers = [{"key": "workspace_id", "value": workspace}]
        body = {"name": policy_type, "policy_type": policy_type, "subject_matchers": matchers, "config": config}
        return self.admin("POST", "/v1/platform/gateway-policies", json=body | options)

    def known(self, key: str) -> bool:
        """Every one of some fresh connections, so of the workers, knows this key."""
        return all(self._status(key) != 401 for _ in range(_IN_A_ROW))

    def refused(self, key: str) -> bool:
        return all(self._status(key) == 401 for _ in range(_IN_A_ROW))

    def _status(self, key: str) -> int:
        """A call that no provider sees: its body is no JSON."""
        connection = http.client.HTTPConnection(self.listen, timeout=10)
        try:
            connection.request("POST", "/openai/v1/chat/completions", b"{", {"authorization": f"Bearer {key}"})
            return connection.getresponse().status
        finally:
            connection.close()

    def call(self, request_id: str) -> dict[str, Any]:
        """The record of a call, as soon as it is there."""

        def find() -> dict[str, Any] | None:
            answer = httpx2.get(f"{self.console}/v1/calls/{request_id}", headers={"x-api-key": ADMIN_KEY}, trust_env=False)
            return answer.json() if answer.status_code == 200 else None

        return wait_for(find, f"the record of {request_id}")

    def calls(self, **filters: str) -> list[dict[str, Any]]:
        return self.admin("GET", "/v1/calls", params={"limit": 1000, **filters})["items"]

    def client(self, team: Team | None = None, **options: Any) -> httpx2.Client:
        """Plain HTTP to the gateway's port, with a key in `X-Gateway-Key`."""
        headers = {"x-gateway-key": team.key} if team else {}
        return httpx2.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30, **options)

    def proxied(self, key: str | None, *, roots: Path | None = None, user: str = "sallyport") -> httpx2.Client:
        """Through the gateway as a proxy, trusting its CA (or `roots`)."""
        at = f"{user}:{key}@" if key is not None else ""
        context = ssl.create_default_context(cafile=roots or self.ca)
        return httpx2.Client(proxy=f"http://{at}{self.listen}", verify=context, trust_env=False, timeout=30)
