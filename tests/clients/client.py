"""A client as a person runs it: a program, an empty home, and a key of the gateway."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certs.overlays import Run, overlay
from certs.recipes import environment, recipe
from tests.clients.programs import SdkProcess, program
from tests.e2e.support import ROOT, Gateway

LONGEST = 60.0
"""Seconds: a client that retries in silence must not hold up the tests."""
_NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}
"""By base URL an agent's side traffic goes to its vendor directly. From a test it goes nowhere."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client. Its command is a program of `tests.clients.programs`, or `sdk` for a function of `programs/sdks.py`."""

    name: str
    recipe: str
    """Its name in `certs.recipes`."""
    provider: str
    """Whose API it calls."""
    command: tuple[str, ...]
    """`{prompt}` and `{kind}` (text, stream or tool) are filled in."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    requests: int = 1
    """How many it sends to a model for one prompt."""
    agent: bool = False
    """It streams whatever it asks, and acts on a tool call by itself."""
    ways: tuple[str, ...] = ("proxy", "base_url")
    keyed: str | None = None
    """What must hold the gateway key in proxy mode too, since it sends a proxy no credentials."""
    note: str = ""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """What its user's home holds: `~/…` → content."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of a client ended."""

    status: int
    output: str
    errors: str
    seconds: float

    @property
    def shown(self) -> str:
        """All that its user reads."""
        return f"{self.output}\n{self.errors}"


class Runner:
    """Runs clients against one gateway."""

    def __init__(self, gateway: Gateway, sdks: SdkProcess) -> None:
        self._gateway = gateway
        self._sdks = sdks

    def run(self, client: Client, way_in: str, key: str, kind: str, prompt: str, *options: str, **variables: str) -> Outcome:
        """In an empty home, with its own environment alone; by `exec` (with `options`) or by the recipe for its base URL.

        Raises `programs.Missing` where the client can't be had.
        """
        command = [part.format(prompt=prompt, kind=kind) for part in client.command]
        with tempfile.TemporaryDirectory(prefix="home-", dir="/var/tmp") as home:
            own = {"PATH": os.environ["PATH"], "HOME": home, "TERM": "dumb", **client.variables, **variables}
            if client.keyed and way_in == "proxy":
                own[client.keyed] = key
            _write(Path(home), client.files)
            if way_in == "base_url":
                own |= self._base_url(client, key, Path(home))
            started = time.monotonic()
            if command[0] == "sdk":
                own |= self._proxy(own, key) if way_in == "proxy" else {}
                status, output, errors = self._sdks.run(command[1:], own)
            else:
                command[:1] = program(command[0])
                if way_in == "proxy":
                    gateway = [sys.executable, str(ROOT / "run_gateway.py"), "--data-dir", str(self._gateway.data_dir)]
                    command = [*gateway, "exec", "--key", key, *options, "--", *command]
                status, output, errors = _execute(command, own, home)
            return Outcome(status, output.strip(), errors.strip(), time.monotonic() - started)

    def _proxy(self, own: Mapping[str, str], key: str) -> dict[str, str]:
        """What `exec` would set."""
        url = f"http://sallyport:{key}@{self._gateway.listen}"
        variables = environment(url, self._gateway.ca, self._gateway.bundle)
        return variables | {"VERTEX_TOKEN": "ya29.dummy"} | dict(overlay("python", Run(own, asks=False)).variables)

    def _base_url(self, client: Client, key: str, home: Path) -> dict[str, str]:
        found = recipe(client.recipe, self._gateway.url, key, self._gateway.bundle)
        _write(home, found.config)
        return {**_NOWHERE, **found.variables, "VERTEX_TOKEN": key}


def _write(home: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        file = home / name.removeprefix("~/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def _execute(command: list[str], environment: Mapping[str, str], home: str) -> tuple[int, str, str]:
    try:
        done = subprocess.run(
            command, env=environment, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        return -1, "", f"did not end within {LONGEST:.0f} s"
    return done.returncode, done.stdout, done.stderr
