"""A coding agent as a person runs it: a program, an empty home, and a key of the gateway."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from certs.recipes import recipe
from tests.e2e.support import ROOT, Gateway

_LONGEST = 60.0
"""Seconds: an agent that retries in silence must not hold up the tests."""
_NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}
"""By base URL an agent's side traffic goes to its vendor directly. From a test it goes nowhere."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of an agent ended."""

    status: int
    output: str
    errors: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Agent:
    """One program on this machine. `client` is its name in `certs.recipes`."""

    program: Path
    client: str
    gateway: Gateway
    home: Path

    def run(self, way_in: str, key: str, *arguments: str, **variables: str) -> Outcome:
        """Runs it in its empty home with this environment alone; by `exec` or by the recipe for its base URL."""
        command = [str(self.program), *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "dumb", **variables}
        if way_in == "proxy":
            gateway = [sys.executable, str(ROOT / "run_gateway.py"), "--data-dir", str(self.gateway.data_dir)]
            command = [*gateway, "exec", "--key", key, "--", *command]
        else:
            environment |= {**_NOWHERE, **recipe(self.client, self.gateway.url, key, self.gateway.bundle).variables}
        started = time.monotonic()
        done = subprocess.run(
            command, env=environment, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LONGEST
        )
        return Outcome(done.returncode, done.stdout.strip(), done.stderr.strip(), time.monotonic() - started)
