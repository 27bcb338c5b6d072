"""The systems that are compared: how each is started, how it is reached, and the CPU its processes have used."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")
ADMIN_KEY = "spa_bench-admin-key-of-a-throw-away-gateway"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def ask_admin(console: int, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the admin API at that port answers. Raises URLError."""
    headers = {"X-API-Key": ADMIN_KEY, "content-type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = Request(f"http://127.0.0.1:{console}{path}", data, headers, method=method)
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        return json.loads(answer.read() or b"null")


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = [pid], [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


class System(ABC):
    """Started on entry, ended on exit."""

    name: str
    port: int
    host: str
    """What CONNECT names to reach the upstream through this system."""
    base_path: str | None = None
    key = "none"
    ca: str

    def __init__(self, directory: Path, upstream_port: int, upstream_ca: str) -> None:
        self.directory, self.upstream_port, self.upstream_ca = directory, upstream_port, upstream_ca
        self.port = free_port()

    @abstractmethod
    def start(self) -> subprocess.Popen[bytes]: ...

    def prepare(self) -> None:  # noqa: B027 - most systems need none
        """Once it listens."""

    def __enter__(self) -> System:
        self._process = self.start()
        _wait_for(self.port, self._process)
        self.prepare()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def cpu(self, part: str = "") -> float:
        """Seconds of its processes that have `part` in their command line."""
        return cpu_seconds([pid for pid in descendants(self._process.pid) if part in command_line(pid)])


class StockMitmdump(System):
    """`mitmdump` as it is installed: regular mode, its default addons, and nothing of ours."""

    name = "stock mitmdump"

    def start(self) -> subprocess.Popen[bytes]:
        self.host = f"localhost:{self.upstream_port}"
        self.ca = str(self.directory / "mitmproxy-ca-cert.pem")
        options = {"confdir": self.directory, "ssl_verify_upstream_trusted_ca": self.upstream_ca, "flow_detail": 0}
        command = [str(Path(sys.executable).with_name("mitmdump")), "-q", "--listen-host", "127.0.0.1", "-p", str(self.port)]
        for name, value in options.items():
            command += ["--set", f"{name}={value}"]
        return subprocess.Popen(command)


class Gateway(System):
    """The gateway with everything on: key, cap, guard (secrets and PII), ledger."""

    name = "sallyport, everything on"
    environment: Mapping[str, str] = MappingProxyType({})
    host = "api.openai.com:443"
    base_path = "/openai/v1/chat/completions"
    guard: ClassVar[dict[str, Any]] = {"version": 1, "detect": {"pii": True, "secrets": True}, "timeout_seconds": 10}

    def start(self) -> subprocess.Popen[bytes]:
        self.console = free_port()
        self.ca = str(self.directory / "ca" / "ca-cert.pem")
        command = [sys.executable, str(ROOT / "run_gateway.py"), "serve", "--data-dir", str(self.directory), "--workers", "1"]
        command += ["--listen", f"127.0.0.1:{self.port}", "--console", f"127.0.0.1:{self.console}", "--log-level", "warning"]
        command += ["--upstream", f"openai=https://localhost:{self.upstream_port}", "--upstream-ca", self.upstream_ca]
        environment = {**os.environ, "SALLYPORT_ADMIN_KEY": ADMIN_KEY, **self.environment}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)

    def prepare(self) -> None:
        _wait_for(self.console, self._process)
        self.admin("PUT", "/v1/workspaces/default/secrets/OPENAI_API_KEY", {"value": "sk-bench-upstream-key"})
        self.key = self.admin("POST", "/v1/keys", {"workspace_id": "default", "name": "bench"})["key"]
        for kind, key, value, config in self.policies():
            matchers = [{"key": key, "value": value}]
            policy = {"name": kind, "policy_type": kind, "action": "block", "subject_matchers": matchers, "config": config}
            self.admin("POST", "/v1/platform/gateway-policies", policy)
        time.sleep(5)  # the workers follow within a second, and the names model warms up in the background

    def policies(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Type, matcher key and value, config."""
        cap = {"window": "monthly", "limit_usd": 100000}
        return [("spend_cap", "workspace_id", "default", cap), ("guard", "workspace_id", "default", self.guard)]

    def worker(self) -> int:
        """The process that carries the traffic."""
        command = b"sallyport.proxy.worker"
        return next(pid for pid in descendants(self._process.pid) if command in Path(f"/proc/{pid}/cmdline").read_bytes())

    def admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return ask_admin(self.console, method, path, body)


def _wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{process.args} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")
